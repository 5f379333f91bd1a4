package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Postgres opens a session at addr (host:port) as user in database, up to the server's first answer: it sends
// the start-up message and never a password. What answers mean is facts/network-security.md §3.1. SCRAM asks the
// same of users that do not exist, and the server logs no failed login.
//
// Only where the server does not take that connection (no pg_hba line for it, or it hangs up) is one more made, with TLS,
// whose certificate nobody checks: a stranger would not either.
//
// Errors: [ErrStarting], [ErrBusy], [ErrUnknownReply], the context's, the network's.
func Postgres(ctx context.Context, addr, user, database string) (Answer, error) {
	return postgres(ctx, addr, map[string]string{"user": user, "database": database})
}

// PostgresReplication asks the same for a replication connection, which has lines of its own in pg_hba.conf. Where none
// fits, as in the official image, the server writes "no pg_hba.conf entry for replication connection" into its log. That
// cannot be had without: only the attempt tells what the server goes by. pg_hba_file_rules reads the file anew, which
// says nothing about the rules that are loaded, and needs a superuser's password.
func PostgresReplication(ctx context.Context, addr, user string) (Answer, error) {
	return postgres(ctx, addr, map[string]string{"user": user, "replication": "true"})
}

// errHungUp means the server closed the connection without a word.
var errHungUp = errors.New("the server hung up without an answer")

func postgres(ctx context.Context, addr string, parameters map[string]string) (Answer, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	parameters["application_name"] = postgresApplication

	plain, err := openPostgres(ctx, addr, parameters, false)
	switch {
	case errors.Is(err, errHungUp), err == nil && plain.noEntry:
	case err != nil:
		return Answer{}, fmt.Errorf("postgres: %w", err)
	default:
		return plain.Answer, nil
	}
	encrypted, tlsErr := openPostgres(ctx, addr, parameters, true)
	switch {
	case tlsErr == nil:
		encrypted.Detail += ", over TLS"
		return encrypted.Answer, nil
	case err == nil && errors.Is(tlsErr, errNoTLS):
		return plain.Answer, nil
	case err != nil && errors.Is(tlsErr, errNoTLS):
		return Answer{}, fmt.Errorf("postgres: %w", err)
	}
	return Answer{}, fmt.Errorf("postgres: over TLS: %w", tlsErr)
}

// postgresApplication is the name the sessions have in the server's log.
const postgresApplication = "minibot-verify"

// errNoTLS means the server said no to an SSLRequest.
var errNoTLS = errors.New("the server speaks no TLS")

// postgresAnswer is an Answer, and whether it was SQLSTATE 28000: no pg_hba line for such a connection, or one
// that rejects it. A connection with TLS may have another line.
type postgresAnswer struct {
	Answer
	noEntry bool
}

// openPostgres makes one connection, with TLS or without, and returns the server's first answer on it.
func openPostgres(ctx context.Context, addr string, parameters map[string]string, encrypt bool) (postgresAnswer, error) {
	conn, err := dial(ctx, addr)
	if err != nil {
		return postgresAnswer{}, err
	}
	defer conn.Close()

	var stream io.ReadWriter = conn
	if encrypt {
		if stream, err = postgresTLS(conn); err != nil {
			return postgresAnswer{}, err
		}
	}
	frontend := pgproto3.NewFrontend(stream, stream)
	frontend.SetMaxBodyLen(replyLimit)
	frontend.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: parameters})
	written := frontend.Flush()
	answer, err := firstMessage(frontend)
	switch {
	case err != nil && (written != nil || hungUp(err)) && ctx.Err() == nil:
		return postgresAnswer{}, errHungUp
	case err != nil:
		return postgresAnswer{}, err
	}
	if answer.State == Open {
		leavePostgres(frontend)
	}
	return answer, nil
}

// postgresTLS asks for TLS in the protocol's own way and shakes hands.
func postgresTLS(conn *connection) (net.Conn, error) {
	request, err := new(pgproto3.SSLRequest).Encode(nil)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	var word [1]byte
	if _, err := io.ReadFull(conn, word[:]); hungUp(err) {
		return nil, errHungUp
	} else if err != nil {
		return nil, err
	}
	switch word[0] {
	case 'S':
		encrypted := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // no secret goes through it
		return encrypted, encrypted.HandshakeContext(conn.ctx)
	case 'N':
		return nil, errNoTLS
	}
	return nil, fmt.Errorf("%w to SSLRequest", ErrUnknownReply)
}

// hungUp tells whether err is the other side's closing, politely or not.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// leavePostgres hears an open server out, so that its log tells of a session ended and not of one broken off.
func leavePostgres(frontend *pgproto3.Frontend) {
	const patience = 64 // messages
	for range patience {
		switch message, _ := frontend.Receive(); message.(type) {
		case nil, *pgproto3.ErrorResponse:
			return
		case *pgproto3.ReadyForQuery:
			frontend.Send(&pgproto3.Terminate{})
			_ = frontend.Flush()
			return
		}
	}
}
