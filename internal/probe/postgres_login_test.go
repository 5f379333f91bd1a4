package probe

import (
	"crypto/md5"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgproto3"
)

// postgresDatabase is a Postgres that logs in whoever proves thePassword by the method given, and answers `select 1`.
// after is sent in the place of AuthenticationOk, if not empty.
type postgresDatabase struct {
	method string // scram, md5, password, trust
	after  string
	rules  []pgproto3.BackendMessage // the answer to a query for pg_hba_file_rules
	tls    *tls.Config               // not nil: connections without TLS have no line in pg_hba.conf
}

// run handles one connection and returns what passwords it was sent.
func (d postgresDatabase) run(conn net.Conn, sent *record[string]) {
	backend := pgproto3.NewBackend(conn, conn)
	send := func(messages ...pgproto3.BackendMessage) {
		for _, message := range messages {
			backend.Send(message)
		}
		backend.Flush()
	}
	message, err := backend.ReceiveStartupMessage()
	if err != nil {
		return
	}
	if _, ok := message.(*pgproto3.SSLRequest); ok {
		if d.tls == nil {
			io.WriteString(conn, "N")
			return
		}
		io.WriteString(conn, "S")
		secure := tls.Server(conn, d.tls)
		defer secure.Close()
		postgresDatabase{method: d.method, after: d.after}.run(secure, sent)
		return
	}
	if d.tls != nil {
		send(noHBA)
		return
	}
	right, ok := d.authenticate(backend, send, sent)
	switch {
	case !ok:
		return
	case !right:
		send(fatal("28P01", `password authentication failed for user "u"`))
		return
	case d.after != "":
		io.WriteString(conn, d.after)
		return
	}
	send(authOK, &pgproto3.BackendKeyData{SecretKey: make([]byte, 4)}, ready)
	for {
		message, err := backend.Receive()
		if err != nil {
			return
		}
		if query, ok := message.(*pgproto3.Query); ok && strings.Contains(query.String, "from pg_hba_file_rules") {
			send(append(d.rules, ready)...)
		} else if ok && query.String == "select 1" {
			send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("?column?")}}},
				&pgproto3.DataRow{Values: [][]byte{[]byte("1")}}, &pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")}, ready)
		}
	}
}

// authenticate tells whether the client knows the password, and whether it took part at all.
func (d postgresDatabase) authenticate(backend *pgproto3.Backend, send func(...pgproto3.BackendMessage), sent *record[string]) (right, ok bool) {
	hear := func(kind uint32) (pgproto3.FrontendMessage, bool) {
		backend.SetAuthType(kind)
		message, err := backend.Receive()
		return message, err == nil
	}
	switch d.method {
	case "trust":
		return true, true
	case "password", "md5":
		kind, demand := uint32(pgproto3.AuthTypeCleartextPassword), pgproto3.BackendMessage(&pgproto3.AuthenticationCleartextPassword{})
		want := thePassword
		if d.method == "md5" {
			kind, demand = pgproto3.AuthTypeMD5Password, &pgproto3.AuthenticationMD5Password{Salt: [4]byte{1, 2, 3, 4}}
			inner := md5.Sum([]byte(thePassword + "u"))
			outer := md5.Sum([]byte(hex.EncodeToString(inner[:]) + "\x01\x02\x03\x04"))
			want = "md5" + hex.EncodeToString(outer[:])
		}
		send(demand)
		message, ok := hear(kind)
		if !ok {
			return false, false
		}
		text := message.(*pgproto3.PasswordMessage).Password
		sent.add(text)
		return text == want, true
	}
	send(asksSCRAM)
	message, ok := hear(pgproto3.AuthTypeSASL)
	if !ok {
		return false, false
	}
	conversation := scram{password: thePassword}
	first, err := conversation.start(string(message.(*pgproto3.SASLInitialResponse).Data))
	if err != nil {
		return false, false
	}
	send(&pgproto3.AuthenticationSASLContinue{Data: []byte(first)})
	if message, ok = hear(pgproto3.AuthTypeSASLContinue); !ok {
		return false, false
	}
	signature, right := conversation.finish(string(message.(*pgproto3.SASLResponse).Data))
	if right {
		send(&pgproto3.AuthenticationSASLFinal{Data: []byte(signature)})
	}
	return right, true
}

func TestPostgresLogin(t *testing.T) {
	secure := &tls.Config{Certificates: []tls.Certificate{testCertificate(t)}}
	for name, test := range map[string]struct {
		database    postgresDatabase
		password    string
		want        State
		err         error // with want empty, and nil: any error
		connections int32 // 1 by default
	}{
		"scram, right":          {database: postgresDatabase{method: "scram"}, password: thePassword, want: Accepts},
		"scram, wrong":          {database: postgresDatabase{method: "scram"}, password: "other", want: Rejects},
		"md5, right":            {database: postgresDatabase{method: "md5"}, password: thePassword, want: Accepts},
		"md5, wrong":            {database: postgresDatabase{method: "md5"}, password: "other", want: Rejects},
		"trust":                 {database: postgresDatabase{method: "trust"}, password: "other", want: Open},
		"cleartext":             {database: postgresDatabase{method: "password"}, password: thePassword, err: ErrClearText},
		"only TLS, right":       {database: postgresDatabase{method: "scram", tls: secure}, password: thePassword, want: Accepts, connections: 2},
		"only TLS, wrong":       {database: postgresDatabase{method: "scram", tls: secure}, password: "other", want: Rejects, connections: 2},
		"no database":           {database: postgresDatabase{method: "scram", after: encode(authOK, fatal("3D000", `database "d" does not exist`))}, password: thePassword, err: ErrUnknownReply},
		"starting":              {database: postgresDatabase{method: "scram", after: encode(fatal("57P03", "the database system is shutting down"))}, password: thePassword, err: ErrStarting},
		"full":                  {database: postgresDatabase{method: "scram", after: encode(fatal("53300", "too many clients"))}, password: thePassword, err: ErrBusy},
		"hangs up":              {database: postgresDatabase{method: "scram", after: "R"}, password: thePassword, err: errHungUp},
		"throws it back":        {database: postgresDatabase{method: "scram", after: encode(fatal("XX000", thePassword+"\x1b[2J"))}, password: thePassword, err: ErrUnknownReply},
		"throws it back, 28000": {database: postgresDatabase{method: "trust", after: encode(fatal("28000", thePassword))}, password: thePassword, connections: 2},
		"a message without end": {database: postgresDatabase{method: "scram", after: "S\x7f\xff\xff\xff"}, password: thePassword, err: ErrUnknownReply},
	} {
		t.Run(name, func(t *testing.T) {
			var sent record[string]
			s := serve(t, func(conn net.Conn) { test.database.run(conn, &sent) })
			answer, err := PostgresLogin(t.Context(), s.addr, "u", "d", password(test.password))
			if test.want == "" {
				expectError(t, answer, err, test.err)
			} else {
				expect(t, answer, err, test.want)
			}
			for _, text := range sent.all() {
				if text == test.password {
					t.Error("the password went over the wire")
				}
			}
			if n := s.connections.Load(); n != max(test.connections, 1) {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// Nothing of the caller's environment may change whom minibot asks, as whom, and how.
func TestPostgresLoginIgnoresTheEnvironment(t *testing.T) {
	elsewhere := serve(t, func(net.Conn) {})
	_, port, _ := net.SplitHostPort(elsewhere.addr)
	for name, value := range map[string]string{
		"PGHOST": "127.0.0.1", "PGPORT": port, "PGUSER": "env", "PGDATABASE": "env", "PGPASSWORD": "env", "PGPASSFILE": "/nowhere",
		"PGAPPNAME": "env", "PGCONNECT_TIMEOUT": "1", "PGSSLMODE": "require", "PGSSLCERT": "/nowhere", "PGSSLKEY": "/nowhere",
		"PGSSLROOTCERT": "/nowhere", "PGSSLNEGOTIATION": "direct", "PGTARGETSESSIONATTRS": "standby", "PGOPTIONS": "-c x=y",
		"PGTZ": "UTC", "PGMINPROTOCOLVERSION": "3.2", "PGMAXPROTOCOLVERSION": "3.2", "PGCHANNELBINDING": "require", "PGREQUIREAUTH": "none",
	} {
		t.Setenv(name, value)
	}
	config, err := postgresConfig("192.0.2.1:6543", "u", "d")
	if err != nil {
		t.Fatal(err)
	}
	got := []any{config.Host, config.Port, config.User, config.Database, config.TLSConfig == nil, len(config.Fallbacks), config.RuntimeParams,
		config.ValidateConnect == nil, config.RequireAuth, config.ChannelBinding, config.MaxProtocolVersion, config.ConnectTimeout.String()}
	want := []any{"192.0.2.1", uint16(6543), "u", "d", true, 0, map[string]string{"application_name": "minibot-verify"},
		true, "scram-sha-256,md5", "prefer", "3.0", "0s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}

	s := serve(t, func(conn net.Conn) { postgresDatabase{method: "scram"}.run(conn, new(record[string])) })
	answer, err := PostgresLogin(t.Context(), s.addr, "u", "d", password(thePassword))
	expect(t, answer, err, Accepts)
	if n := elsewhere.connections.Load(); n != 0 {
		t.Errorf("%d connections to the host of the environment", n)
	}
}

func TestPostgresLoginRefusesABadAddress(t *testing.T) {
	for _, addr := range []string{"", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536"} {
		answer, err := PostgresLogin(t.Context(), addr, "u", "d", password(thePassword))
		expectError(t, answer, err, nil)
		if errors.Is(err, ErrUnknownReply) {
			t.Errorf("%q: %v", addr, err)
		}
	}
}
