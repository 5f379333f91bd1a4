package probe

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"minibot/internal/secret"
)

// Rule is a line of pg_hba.conf, as the server has read it.
type Rule struct {
	// Type is local for the server's own socket, or host, hostssl and the like.
	Type string
	// Databases, Users and Address are whom the line is for, as the server writes them; Address is empty for local.
	Databases, Users, Address string
	// Method is how they are asked, such as trust or scram-sha-256.
	Method string
}

// ErrMayNot means that the user has logged in and has not the right to see what was asked for.
var ErrMayNot = errors.New("the user may not see that")

// PostgresRules logs in as [PostgresLogin] does and reads the rules by which the server lets people in. They are in
// pg_hba_file_rules, from PostgreSQL 10 on, for superusers.
//
// Errors: as [PostgresLogin], [ErrMayNot], and that the password was not accepted.
func PostgresRules(ctx context.Context, addr, user, database string, password secret.Value) ([]Rule, error) {
	const query = `select coalesce(type, ''), coalesce(database::text, ''), coalesce(user_name::text, ''), coalesce(address, ''), coalesce(auth_method, '') from pg_hba_file_rules where error is null order by line_number`
	var rules []Rule
	answer, err := PostgresSession(ctx, addr, user, database, password, func(ctx context.Context, conn *pgconn.PgConn) error {
		results, err := conn.Exec(ctx, query).ReadAll()
		var refused *pgconn.PgError
		switch {
		case errors.As(err, &refused) && refused.Code == "42501":
			return fmt.Errorf("postgres: %w", ErrMayNot)
		case errors.As(err, &refused):
			return fmt.Errorf("postgres: %w: SQLSTATE %s", ErrUnknownReply, clean(refused.Code))
		case err != nil:
			return fmt.Errorf("postgres: %w", timely(ctx, errors.New("the connection broke off")))
		}
		for _, result := range results {
			for _, row := range result.Rows {
				if len(row) != 5 {
					return fmt.Errorf("postgres: %w: a row of %d columns", ErrUnknownReply, len(row))
				}
				rules = append(rules, Rule{string(row[0]), string(row[1]), string(row[2]), string(row[3]), string(row[4])})
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case answer.State != Accepts:
		return nil, fmt.Errorf("postgres: the password was not accepted: %s", answer.Detail)
	case len(rules) == 0:
		return nil, fmt.Errorf("postgres: %w: there are none", ErrUnknownReply)
	}
	return rules, nil
}
