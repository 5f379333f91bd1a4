package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// firstMessage reads the first message that answers a start-up message, and judges it. Notices and the talk
// about protocol versions come before it.
func firstMessage(frontend *pgproto3.Frontend) (postgresAnswer, error) {
	const patience = 8 // messages
	for range patience {
		message, err := frontend.Receive()
		if err != nil {
			return postgresAnswer{}, unreadable(err)
		}
		switch message := message.(type) {
		case *pgproto3.NoticeResponse, *pgproto3.NegotiateProtocolVersion:
			continue
		case *pgproto3.AuthenticationOk:
			return postgresAnswer{Answer: Answer{Open, "lets a stranger in without a password (trust)"}}, nil
		case *pgproto3.AuthenticationSASL:
			return asksSASL(message.AuthMechanisms)
		case *pgproto3.AuthenticationMD5Password:
			return postgresAnswer{Answer: Answer{Weak, "asks for a password by MD5"}}, nil
		case *pgproto3.AuthenticationCleartextPassword:
			return postgresAnswer{Answer: Answer{Weak, "asks for the password in clear text"}}, nil
		case *pgproto3.AuthenticationGSS:
			return postgresAnswer{Answer: Answer{Refuses, "asks for GSSAPI"}}, nil
		case *pgproto3.ErrorResponse:
			return refusedStart(message.Code, message.Message)
		default:
			return postgresAnswer{}, fmt.Errorf("%w: %T to a start-up message", ErrUnknownReply, message)
		}
	}
	return postgresAnswer{}, fmt.Errorf("%w: %d messages and no answer", ErrUnknownReply, patience)
}

// asksSASL judges the mechanisms a server offers.
func asksSASL(offered []string) (postgresAnswer, error) {
	for _, known := range []string{"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "OAUTHBEARER"} {
		if slices.Contains(offered, known) {
			return postgresAnswer{Answer: Answer{Refuses, "asks for " + known}}, nil
		}
	}
	return postgresAnswer{}, fmt.Errorf("%w: SASL with %q", ErrUnknownReply, clean(strings.Join(offered, " ")))
}

// refusedStart judges an error in the place of a demand for credentials, by its SQLSTATE.
func refusedStart(code, message string) (postgresAnswer, error) {
	switch code {
	case "28000":
		return postgresAnswer{Answer{Refuses, "28000: " + clean(message)}, true}, nil
	case "28P01":
		return postgresAnswer{Answer: Answer{Refuses, "28P01: " + clean(message)}}, nil
	case "57P03":
		return postgresAnswer{}, fmt.Errorf("%w: 57P03: %s", ErrStarting, clean(message))
	case "53300":
		return postgresAnswer{}, fmt.Errorf("%w: 53300: %s", ErrBusy, clean(message))
	}
	return postgresAnswer{}, fmt.Errorf("%w: SQLSTATE %q: %s", ErrUnknownReply, clean(code), clean(message))
}

// unreadable keeps the errors of the network as they are and makes ErrUnknownReply of those of the parser.
func unreadable(err error) error {
	var network net.Error
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %s", ErrUnknownReply, clean(err.Error()))
}
