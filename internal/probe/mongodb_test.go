package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
)

var (
	helloOK = bson.D{{Key: "isWritablePrimary", Value: true}, {Key: "minWireVersion", Value: int32(0)},
		{Key: "maxWireVersion", Value: int32(21)}, {Key: "maxBsonObjectSize", Value: int32(16 << 20)},
		{Key: "maxMessageSizeBytes", Value: int32(48000000)}, {Key: "maxWriteBatchSize", Value: int32(100000)},
		{Key: "readOnly", Value: false}, {Key: "ok", Value: 1.0}}
	listOK = bson.D{{Key: "databases", Value: bson.A{bson.D{{Key: "name", Value: "admin"}}}}, {Key: "ok", Value: 1.0}}
)

// mongoError is a reply that says no.
func mongoError(code int32, name, message string) bson.D {
	return bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: message}, {Key: "code", Value: code}, {Key: "codeName", Value: name}}
}

// opMsg frames a document as the reply to request id.
func opMsg(id uint32, flags uint32, document []byte) []byte {
	le := binary.LittleEndian
	message := le.AppendUint32(nil, uint32(mongoPreamble+len(document)))
	for _, word := range []uint32{99, id, mongoOpMsg, flags} {
		message = le.AppendUint32(message, word)
	}
	return append(append(message, 0), document...)
}

func document(t testing.TB, d bson.D) []byte {
	raw, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// readOpMsg reads a command that a client sent. The driver says its first hello in an OP_QUERY.
func readOpMsg(r io.Reader) (id uint32, command bson.Raw, query bool, err error) {
	le := binary.LittleEndian
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, false, err
	}
	body := make([]byte, le.Uint32(head[0:])-16)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, false, err
	}
	id = le.Uint32(head[4:])
	switch opcode := le.Uint32(head[12:]); opcode {
	case mongoOpMsg:
		return id, body[4+1:], false, nil
	case mongoOpQuery:
		collection := bytes.IndexByte(body[4:], 0) + 1
		return id, body[4+collection+4+4:], true, nil
	}
	return 0, nil, false, errors.New("neither OP_MSG nor OP_QUERY")
}

const (
	mongoOpReply = 1
	mongoOpQuery = 2004
)

// opReply frames a document as the reply to an OP_QUERY.
func opReply(id uint32, document []byte) []byte {
	le := binary.LittleEndian
	message := le.AppendUint32(nil, uint32(16+20+len(document)))
	for _, word := range []uint32{99, id, mongoOpReply, 8, 0, 0, 0, 1} {
		message = le.AppendUint32(message, word)
	}
	return append(message, document...)
}

// commandName is a command's first element.
func commandName(command bson.Raw) string {
	elements, err := command.Elements()
	if err != nil || len(elements) == 0 {
		return ""
	}
	return elements[0].Key()
}

// mongoScript answers hello and then listDatabases with wire bytes made for the request's id.
func mongoScript(t testing.TB, replies ...func(id uint32) []byte) (*server, *record[string]) {
	commands := new(record[string])
	return serve(t, func(conn net.Conn) {
		for _, reply := range replies {
			id, command, _, err := readOpMsg(conn)
			if err != nil {
				return
			}
			commands.add(command.String())
			if _, err := conn.Write(reply(id)); err != nil {
				return
			}
		}
	}), commands
}

func TestMongo(t *testing.T) {
	says := func(d bson.D) func(uint32) []byte {
		return func(id uint32) []byte { return opMsg(id, 0, document(t, d)) }
	}
	raw := func(data []byte) func(uint32) []byte { return func(uint32) []byte { return data } }
	const (
		asksHello = `{"hello": {"$numberInt":"1"},"$db": "admin"}`
		asksList  = `{"listDatabases": {"$numberInt":"1"},"nameOnly": true,"$db": "admin"}`
	)
	refusal := document(t, mongoError(13, "Unauthorized", "Command listDatabases requires authentication"))

	for name, test := range map[string]struct {
		hello, list func(uint32) []byte // hello: nil means a good one
		want        State
		err         error
	}{
		"asks":             {list: says(mongoError(13, "Unauthorized", "command listDatabases requires authentication")), want: Refuses},
		"asks, with sum":   {list: func(id uint32) []byte { return opMsg(id, 1, append(slices.Clone(refusal), 1, 2, 3, 4)) }, want: Refuses},
		"asks, code int64": {list: says(bson.D{{Key: "ok", Value: int32(0)}, {Key: "code", Value: int64(13)}}), want: Refuses},
		"open":             {list: says(listOK), want: Open},
		"open, ok int64":   {list: says(bson.D{{Key: "ok", Value: int64(1)}}), want: Open},
		"code 13 in text":  {list: says(bson.D{{Key: "ok", Value: 0.0}, {Key: "code", Value: "13"}, {Key: "errmsg", Value: "13"}}), err: ErrUnknownReply},
		"another code":     {list: says(mongoError(59, "CommandNotFound", "no such command")), err: ErrUnknownReply},
		"shutting down":    {list: says(mongoError(91, "ShutdownInProgress", "x")), err: ErrUnknownReply},
		"nothing said":     {list: says(bson.D{}), err: ErrUnknownReply},
		"hangs up":         {list: raw(nil), err: io.ErrUnexpectedEOF},
		"half a reply":     {list: func(id uint32) []byte { return opMsg(id, 0, refusal)[:40] }, err: io.ErrUnexpectedEOF},
		"to another":       {list: func(id uint32) []byte { return opMsg(id+1, 0, refusal) }, err: ErrUnknownReply},
		"more to come":     {list: func(id uint32) []byte { return opMsg(id, 2, refusal) }, err: ErrUnknownReply},
		"a flag to ignore": {list: func(id uint32) []byte { return opMsg(id, 1<<16, refusal) }, want: Refuses},
		"huge":             {list: func(id uint32) []byte { return opMsg(id, 0, make([]byte, mongoReplyMost)) }, err: ErrUnknownReply},
		"length beyond": {list: func(id uint32) []byte {
			message := opMsg(id, 0, refusal)
			message[mongoPreamble]++
			return message
		}, err: ErrUnknownReply},
		"broken inside": {list: func(id uint32) []byte {
			return opMsg(id, 0, []byte{13, 0, 0, 0, 0x02, 'e', 0, 0xff, 0xff, 0xff, 0x7f, 0, 0})
		}, err: ErrUnknownReply},
		"too short":         {list: func(id uint32) []byte { return opMsg(id, 0, nil) }, err: ErrUnknownReply},
		"not hello":         {hello: says(mongoError(13, "Unauthorized", "no")), err: ErrUnknownReply},
		"hello of no mongo": {hello: says(bson.D{{Key: "ok", Value: 1.0}}), err: ErrUnknownReply},
		"old wire":          {hello: func(id uint32) []byte { m := opMsg(id, 0, refusal); m[12] = 1; m[13] = 0; return m }, err: ErrUnknownReply},
		"http":              {hello: raw([]byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")), err: ErrUnknownReply},
	} {
		t.Run(name, func(t *testing.T) {
			replies, asked := []func(uint32) []byte{test.hello}, []string{asksHello}
			if test.hello == nil {
				replies, asked = []func(uint32) []byte{says(helloOK), test.list}, []string{asksHello, asksList}
			}
			s, commands := mongoScript(t, replies...)
			answer, err := Mongo(t.Context(), s.addr)
			if test.err != nil {
				expectError(t, answer, err, test.err)
			} else {
				expect(t, answer, err, test.want)
			}
			s.finish()
			if diff := cmp.Diff(asked, commands.all()); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
			if n := s.connections.Load(); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// mongoDatabase is a MongoDB that logs in whoever proves thePassword by SCRAM-SHA-256.
type mongoDatabase struct {
	list     bson.D // the answer to listDatabases after a login
	attempts *record[string]
}

func (d mongoDatabase) run(t testing.TB, conn net.Conn) {
	var conversation scram
	loggedIn := false
	for {
		id, command, query, err := readOpMsg(conn)
		if err != nil {
			return
		}
		payload := func() string {
			_, data, _ := command.Lookup("payload").BinaryOK()
			return string(data)
		}
		sasl := func(text string, done bool) bson.D {
			return bson.D{{Key: "conversationId", Value: int32(1)}, {Key: "done", Value: done},
				{Key: "payload", Value: []byte(text)}, {Key: "ok", Value: 1.0}}
		}
		reply := mongoError(13, "Unauthorized", "command requires authentication")
		switch name := commandName(command); name {
		case "hello", "isMaster", "ismaster":
			reply = append(bson.D{{Key: "saslSupportedMechs", Value: bson.A{"SCRAM-SHA-256"}}}, helloOK...)
		case "saslStart":
			conversation = scram{password: thePassword}
			first, err := conversation.start(payload())
			d.attempts.add(command.Lookup("$db").StringValue() + " " + command.Lookup("mechanism").StringValue())
			if reply = sasl(first, false); err != nil {
				reply = mongoError(2, "BadValue", err.Error())
			}
		case "saslContinue":
			signature, right := conversation.finish(payload())
			if reply = sasl(signature, true); !right {
				reply = mongoError(18, "AuthenticationFailed", "Authentication failed.")
			}
			loggedIn = right
		case "listDatabases":
			if loggedIn {
				reply = d.list
			}
		case "endSessions":
			reply = bson.D{{Key: "ok", Value: 1.0}}
		}
		message := opMsg(id, 0, document(t, reply))
		if query {
			message = opReply(id, document(t, reply))
		}
		if _, err := conn.Write(message); err != nil {
			return
		}
	}
}

func TestMongoLogin(t *testing.T) {
	for name, test := range map[string]struct {
		password string
		list     bson.D
		want     State
		err      error
	}{
		"right":          {password: thePassword, list: listOK, want: Accepts},
		"wrong":          {password: "other", list: listOK, want: Rejects},
		"right, but":     {password: thePassword, list: mongoError(13, "Unauthorized", thePassword), err: ErrUnknownReply},
		"throws it back": {password: thePassword, list: mongoError(0, "", "\x1b[2J"+thePassword), err: ErrUnknownReply},
	} {
		t.Run(name, func(t *testing.T) {
			database := mongoDatabase{list: test.list, attempts: new(record[string])}
			s := serve(t, func(conn net.Conn) { database.run(t, conn) })
			answer, err := MongoLogin(t.Context(), s.addr, "u", password(test.password))
			if test.err != nil {
				expectError(t, answer, err, test.err)
			} else {
				expect(t, answer, err, test.want)
			}
			if diff := cmp.Diff([]string{"admin SCRAM-SHA-256"}, database.attempts.all()); diff != "" {
				t.Errorf("logins tried (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzMongoReply(f *testing.F) {
	for _, seed := range []bson.D{helloOK, listOK, mongoError(13, "Unauthorized", "no"), {}} {
		f.Add(opMsg(7, 0, document(f, seed)))
	}
	f.Add(opMsg(7, 1, append(document(f, listOK), 1, 2, 3, 4)))
	f.Add([]byte(strings.Repeat("\xff", 64)))
	f.Fuzz(func(t *testing.T, data []byte) {
		reply, err := readMongoReply(bytes.NewReader(data), 7)
		if err != nil {
			return
		}
		if len(reply) > len(data) || len(reply) > mongoReplyMost {
			t.Errorf("%d bytes of %d", len(reply), len(data))
		}
		isMongo(reply)
		if answer, err := strangerList(reply); (err == nil) == (answer == Answer{}) {
			t.Errorf("answer %+v with error %v", answer, err)
		}
	})
}
