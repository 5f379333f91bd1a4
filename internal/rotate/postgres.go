package rotate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"minibot/internal/probe"
	"minibot/internal/secret"
)

// changePostgres alters the role that is logged in, which every role may do to itself. The new password is hashed
// here: a server that logs its statements, or keeps them in pg_stat_statements, would show it.
func changePostgres(ctx context.Context, a Account, old, new secret.Value) (probe.Answer, error) {
	if !hashedAlike(string(new.Reveal())) {
		return probe.Answer{}, errors.New("the clients of PostgreSQL disagree on how to hash some of the new password's characters: use others, ASCII best")
	}
	salt := make([]byte, scramSaltLength)
	if _, err := rand.Read(salt); err != nil {
		return probe.Answer{}, err
	}
	verifier, err := scramVerifier(string(new.Reveal()), salt, scramIterations)
	if err != nil {
		return probe.Answer{}, err
	}
	return probe.PostgresSession(ctx, a.Addr, a.User, a.Database, old, func(ctx context.Context, conn *pgconn.PgConn) error {
		if err := knowsSCRAM(conn.ParameterStatus("server_version")); err != nil {
			return err
		}
		// The verifier has no character that a string literal would read otherwise.
		err := conn.Exec(ctx, "ALTER ROLE "+quoted(a.User)+" PASSWORD '"+verifier+"'").Close()
		if err != nil {
			return fmt.Errorf("ALTER ROLE: %w", postgresFailure(ctx, err))
		}
		return nil
	})
}

// quoted is a name as SQL writes it, whatever is in it.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// knowsSCRAM returns an error if the server is older than version 10: it would take the verifier for a password.
func knowsSCRAM(version string) error {
	digits := strings.FieldsFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) > 0 {
		if major, err := strconv.Atoi(digits[0]); err == nil && major >= 10 {
			return nil
		}
	}
	return errors.New("the server is not known to be PostgreSQL 10 or later, which SCRAM-SHA-256 needs")
}

var sqlState = regexp.MustCompile(`^[0-9A-Z]{5}$`)

// postgresFailure says why a statement failed without quoting the server, which has seen the verifier, or wrapping an error of
// pgconn.
func postgresFailure(ctx context.Context, err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && sqlState.MatchString(refused.Code) {
		return fmt.Errorf("the server says no: SQLSTATE %s", refused.Code)
	}
	return unheard(ctx, err)
}

// unheard is the error of a change whose answer did not come: it may have been made.
func unheard(ctx context.Context, err error) error {
	var network *net.OpError
	switch {
	case context.Cause(ctx) != nil:
		return fmt.Errorf("its answer was not heard: %w", context.Cause(ctx))
	case errors.As(err, &network):
		return fmt.Errorf("its answer was not heard: %w", network)
	}
	return errors.New("its answer was not heard")
}
