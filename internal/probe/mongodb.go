package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Mongo asks the server at addr (host:port) for its databases without credentials, on one connection and without the
// driver, which would open two. By facts/network-security.md §3.3: `hello` must be answered, which shows that this is
// MongoDB; then code 13 is a refusal and ok an open server. `ping` and `buildInfo` prove nothing, as
// they need no credentials.
//
// Errors: [ErrUnknownReply], the context's, the network's.
func Mongo(ctx context.Context, addr string) (Answer, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	conn, err := dial(ctx, addr)
	if err != nil {
		return Answer{}, fmt.Errorf("mongo: %w", err)
	}
	defer conn.Close()

	hello, err := mongoCommand(conn, 1, bson.D{{Key: "hello", Value: 1}, {Key: "$db", Value: "admin"}})
	if err != nil {
		return Answer{}, fmt.Errorf("mongo: hello: %w", err)
	}
	if err := isMongo(hello); err != nil {
		return Answer{}, fmt.Errorf("mongo: hello: %w", err)
	}
	list, err := mongoCommand(conn, 2, bson.D{
		{Key: "listDatabases", Value: 1}, {Key: "nameOnly", Value: true}, {Key: "$db", Value: "admin"},
	})
	if err != nil {
		return Answer{}, fmt.Errorf("mongo: listDatabases: %w", err)
	}
	answer, err := strangerList(list)
	if err != nil {
		return Answer{}, fmt.Errorf("mongo: listDatabases: %w", err)
	}
	return answer, nil
}

// isMongo tells whether reply is a MongoDB server's to hello.
func isMongo(reply bson.Raw) error {
	if ok, code := mongoOutcome(reply); !ok {
		return fmt.Errorf("%w: code %d", ErrUnknownReply, code)
	}
	if _, err := reply.LookupErr("maxWireVersion"); err != nil {
		return fmt.Errorf("%w: no maxWireVersion", ErrUnknownReply)
	}
	return nil
}

// mongoUnauthorized is the code of a command that wants a login first. Its text differs between versions.
const mongoUnauthorized = 13

// strangerList judges the reply to a listDatabases without credentials.
func strangerList(reply bson.Raw) (Answer, error) {
	ok, code := mongoOutcome(reply)
	switch {
	case ok:
		return Answer{Open, "lists its databases for a stranger"}, nil
	case code == mongoUnauthorized:
		return Answer{Refuses, "13 Unauthorized: asks for a login"}, nil
	}
	return Answer{}, fmt.Errorf("%w: code %d", ErrUnknownReply, code)
}

// mongoOutcome is the pair that every reply carries: ok, and the code if it is not. What is missing is 0.
func mongoOutcome(reply bson.Raw) (ok bool, code int64) {
	if value, err := reply.LookupErr("ok"); err == nil {
		n, isNumber := value.AsFloat64OK()
		ok = isNumber && n == 1
	}
	if value, err := reply.LookupErr("code"); err == nil {
		code, _ = value.AsInt64OK()
	}
	return ok, code
}

// The wire format of OP_MSG, in bytes: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/.
const (
	mongoOpMsg     = 2013
	mongoPreamble  = 16 + 4 + 1 // the header, the flags, the kind of the one section
	mongoChecksum  = 4
	mongoReplyMost = 1 << 20 // a server's own limit is 48 MB; a list of names takes a few hundred bytes
)

// mongoCommand sends one command and reads its reply.
func mongoCommand(stream io.ReadWriter, id uint32, command bson.D) (bson.Raw, error) {
	body, err := bson.Marshal(command)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	message := le.AppendUint32(nil, uint32(mongoPreamble+len(body)))
	message = le.AppendUint32(message, id)
	message = le.AppendUint32(message, 0) // in response to nothing
	message = le.AppendUint32(message, mongoOpMsg)
	message = le.AppendUint32(message, 0) // no flags
	message = append(message, 0)          // kind 0: one document
	if _, err := stream.Write(append(message, body...)); err != nil {
		return nil, err
	}
	return readMongoReply(stream, id)
}

// readMongoReply reads the OP_MSG that answers request id, and of it the one document. It looks no deeper than the
// document's own frame: the elements are as the server sent them.
func readMongoReply(r io.Reader, id uint32) (bson.Raw, error) {
	var head [mongoPreamble]byte
	if _, err := io.ReadFull(r, head[:]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("the server hung up: %w", io.ErrUnexpectedEOF)
	} else if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	length, responseTo, opcode, flags := le.Uint32(head[0:]), le.Uint32(head[8:]), le.Uint32(head[12:]), le.Uint32(head[16:])
	const emptyDocument, checksumPresent, mayIgnore = 5, 1, 0xffff0000
	switch {
	case opcode != mongoOpMsg || responseTo != id || head[20] != 0 || flags&^(checksumPresent|mayIgnore) != 0:
		return nil, fmt.Errorf("%w: not the OP_MSG asked for", ErrUnknownReply)
	case length > mongoReplyMost:
		return nil, fmt.Errorf("%w: a message of %d bytes", ErrUnknownReply, length)
	case length < mongoPreamble+emptyDocument+mongoChecksum*(flags&checksumPresent):
		return nil, fmt.Errorf("%w: a message too short", ErrUnknownReply)
	}
	document := make(bson.Raw, length-mongoPreamble)
	if _, err := io.ReadFull(r, document); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("the server hung up: %w", io.ErrUnexpectedEOF)
	} else if err != nil {
		return nil, err
	}
	document = document[:uint32(len(document))-mongoChecksum*(flags&checksumPresent)]
	if le.Uint32(document) != uint32(len(document)) || document[len(document)-1] != 0 {
		return nil, fmt.Errorf("%w: not one document", ErrUnknownReply)
	}
	return document, nil
}
