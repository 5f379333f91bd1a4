package probe

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgproto3"
)

// encode is the wire form of messages.
func encode(messages ...interface{ Encode([]byte) ([]byte, error) }) string {
	var wire []byte
	for _, message := range messages {
		var err error
		if wire, err = message.Encode(wire); err != nil {
			panic(err)
		}
	}
	return string(wire)
}

func fatal(code, message string) *pgproto3.ErrorResponse {
	return &pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: message}
}

var (
	authOK    = &pgproto3.AuthenticationOk{}
	asksSCRAM = &pgproto3.AuthenticationSASL{AuthMechanisms: []string{"SCRAM-SHA-256"}}
	noHBA     = fatal("28000", `no pg_hba.conf entry for host "172.30.0.1", user "u", database "d", no encryption`)
	ready     = &pgproto3.ReadyForQuery{TxStatus: 'I'}
)

// heard is what a Postgres of the tests learned of one connection.
type heard struct {
	TLS, AskedTLS bool
	Parameters    map[string]string
	After         string // the messages after start-up, by type
}

// postgresScript answers start-up messages with plain, on connections with TLS with encrypted. Without the latter it
// says N to an SSLRequest.
func postgresScript(t testing.TB, plain, encrypted string) (*server, *record[heard]) {
	certificate := testCertificate(t)
	connections := new(record[heard])
	return serve(t, func(conn net.Conn) {
		var h heard
		defer func() { connections.add(h) }()
		backend := pgproto3.NewBackend(conn, conn)
		message, err := backend.ReceiveStartupMessage()
		if err != nil {
			return
		}
		reply := plain
		if _, ok := message.(*pgproto3.SSLRequest); ok {
			if h.AskedTLS = true; encrypted == "" {
				io.WriteString(conn, "N")
				return
			}
			io.WriteString(conn, "S")
			secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}})
			h.TLS, reply, conn = true, encrypted, secure
			defer secure.Close()
			backend = pgproto3.NewBackend(conn, conn)
			if message, err = backend.ReceiveStartupMessage(); err != nil {
				return
			}
		}
		if startup, ok := message.(*pgproto3.StartupMessage); ok {
			h.Parameters = startup.Parameters
		}
		if reply == "" {
			return
		}
		io.WriteString(conn, reply)
		rest, _ := io.ReadAll(conn)
		for len(rest) >= 5 {
			h.After += string(rest[:1])
			rest = rest[min(len(rest), 1+int(rest[3])<<8+int(rest[4])):]
		}
	}), connections
}

// testCertificate is the self-signed one of net/http/httptest.
func testCertificate(t testing.TB) tls.Certificate {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	return s.TLS.Certificates[0]
}

func TestPostgres(t *testing.T) {
	plain := map[string]string{"user": "u", "database": "d", "application_name": "minibot-verify"}
	one := []heard{{Parameters: plain}}
	left := []heard{{Parameters: plain, After: "X"}}
	refusedTLS := []heard{{Parameters: plain}, {AskedTLS: true}}
	usedTLS := []heard{{Parameters: plain}, {AskedTLS: true, TLS: true, Parameters: plain}}

	leftTLS := []heard{{Parameters: plain}, {AskedTLS: true, TLS: true, Parameters: plain, After: "X"}}

	for name, test := range map[string]struct {
		plain, encrypted string
		want             State
		detail           string
		err              error
		heard            []heard
	}{
		"scram":              {plain: encode(asksSCRAM), want: Refuses, detail: "asks for SCRAM-SHA-256", heard: one},
		"scram, after talk":  {plain: encode(&pgproto3.NegotiateProtocolVersion{}, &pgproto3.NoticeResponse{}, asksSCRAM), want: Refuses, heard: one},
		"md5":                {plain: encode(&pgproto3.AuthenticationMD5Password{Salt: [4]byte{1, 2, 3, 4}}), want: Weak, heard: one},
		"cleartext":          {plain: encode(&pgproto3.AuthenticationCleartextPassword{}), want: Weak, heard: one},
		"gss":                {plain: encode(&pgproto3.AuthenticationGSS{}), want: Refuses, heard: one},
		"oauth":              {plain: encode(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"OAUTHBEARER"}}), want: Refuses, heard: one},
		"a new mechanism":    {plain: encode(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"PLAIN"}}), err: ErrUnknownReply, heard: one},
		"no mechanism":       {plain: encode(&pgproto3.AuthenticationSASL{}), err: ErrUnknownReply, heard: one},
		"trust":              {plain: encode(authOK, &pgproto3.ParameterStatus{Name: "server_version", Value: "17"}, &pgproto3.BackendKeyData{SecretKey: make([]byte, 4)}, ready), want: Open, heard: left},
		"trust, no database": {plain: encode(authOK, fatal("3D000", `database "d" does not exist`)), want: Open, heard: one},
		"starting":           {plain: encode(fatal("57P03", "the database system is starting up")), err: ErrStarting, heard: one},
		"full":               {plain: encode(fatal("53300", "sorry, too many clients already")), err: ErrBusy, heard: one},
		"pooler":             {plain: encode(fatal("08P01", "no such database: d")), err: ErrUnknownReply, heard: one},
		"other message":      {plain: encode(ready), err: ErrUnknownReply, heard: one},
		"only talk":          {plain: strings.Repeat(encode(&pgproto3.NoticeResponse{}), 9), err: ErrUnknownReply, heard: one},
		"28P01":              {plain: encode(fatal("28P01", "password authentication failed")), want: Refuses, heard: one},
		"huge":               {plain: "R\x7f\xff\xff\xff", err: ErrUnknownReply, heard: one},
		"negative length":    {plain: "R\xff\xff\xff\xff", err: ErrUnknownReply, heard: one},
		"unknown auth":       {plain: "R\x00\x00\x00\x08\x00\x00\x00\x63", err: ErrUnknownReply, heard: one},
		"protocol 2 error":   {plain: "Eout of memory\n\x00", err: ErrUnknownReply, heard: one},
		"http":               {plain: "HTTP/1.1 400 Bad Request\r\n\r\n", err: ErrUnknownReply, heard: one},

		"no line, no TLS":           {plain: encode(noHBA), want: Refuses, heard: refusedTLS},
		"no line, TLS asks":         {plain: encode(noHBA), encrypted: encode(asksSCRAM), want: Refuses, detail: "asks for SCRAM-SHA-256, over TLS", heard: usedTLS},
		"no line, TLS trusts":       {plain: encode(noHBA), encrypted: encode(authOK, ready), want: Open, heard: leftTLS},
		"no line with TLS either":   {plain: encode(noHBA), encrypted: encode(noHBA), want: Refuses, heard: usedTLS},
		"no line, TLS starting":     {plain: encode(noHBA), encrypted: encode(fatal("57P03", "x")), err: ErrStarting, heard: usedTLS},
		"hangs up, TLS asks":        {encrypted: encode(asksSCRAM), want: Refuses, heard: usedTLS},
		"hangs up, TLS trusts":      {encrypted: encode(authOK, ready), want: Open, heard: leftTLS},
		"hangs up and has no TLS":   {err: errHungUp, heard: refusedTLS},
		"terminal codes in a reply": {plain: encode(fatal("28P01", "\x1b[2J\r\n")), want: Refuses, heard: one},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, connections := postgresScript(t, test.plain, test.encrypted)
			answer, err := Postgres(t.Context(), s.addr, "u", "d")
			if test.err != nil {
				expectError(t, answer, err, test.err)
			} else {
				expect(t, answer, err, test.want)
			}
			if test.detail != "" && answer.Detail != test.detail {
				t.Errorf("detail %q, want %q", answer.Detail, test.detail)
			}
			s.finish()
			if diff := cmp.Diff(test.heard, inOrder(connections)); diff != "" {
				t.Errorf("connections (-want +got):\n%s", diff)
			}
		})
	}
}

// inOrder has the connection without TLS first: which handler ends first, is chance.
func inOrder(connections *record[heard]) []heard {
	return slices.SortedStableFunc(slices.Values(connections.all()), func(a, b heard) int {
		if a.AskedTLS == b.AskedTLS {
			return 0
		}
		if a.AskedTLS {
			return 1
		}
		return -1
	})
}

func TestPostgresReplication(t *testing.T) {
	s, connections := postgresScript(t, encode(asksSCRAM), "")
	answer, err := PostgresReplication(t.Context(), s.addr, "u")
	expect(t, answer, err, Refuses)
	s.finish()
	want := []heard{{Parameters: map[string]string{"user": "u", "replication": "true", "application_name": "minibot-verify"}}}
	if diff := cmp.Diff(want, connections.all()); diff != "" {
		t.Errorf("connections (-want +got):\n%s", diff)
	}
}

func TestPostgresHangsUpInMidMessage(t *testing.T) {
	s := serve(t, func(conn net.Conn) {
		if _, err := pgproto3.NewBackend(conn, conn).ReceiveStartupMessage(); err == nil {
			io.WriteString(conn, encode(asksSCRAM)[:8])
		}
	})
	answer, err := Postgres(t.Context(), s.addr, "u", "d")
	expectError(t, answer, err, nil)
}

func FuzzPostgresFirstMessage(f *testing.F) {
	for _, seed := range []string{
		encode(asksSCRAM), encode(authOK, ready), encode(noHBA), encode(&pgproto3.AuthenticationMD5Password{}),
		encode(&pgproto3.NoticeResponse{}, asksSCRAM), "N", "", "HTTP/1.1 400\r\n", "R\x00\x00\x00\x04",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frontend := pgproto3.NewFrontend(bytes.NewReader(data), io.Discard)
		frontend.SetMaxBodyLen(replyLimit)
		answer, err := firstMessage(frontend)
		if (err == nil) == (answer == postgresAnswer{}) {
			t.Errorf("answer %+v with error %v", answer, err)
		}
		if answer.State == Refuses && !bytes.ContainsAny(data, "RE") {
			t.Errorf("a refusal was read into %q", data)
		}
		if answer.State == Open {
			leavePostgres(frontend)
		}
	})
}
