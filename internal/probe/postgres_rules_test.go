package probe

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgproto3"

	"minibot/internal/secret"
)

func TestPostgresRules(t *testing.T) {
	columns := &pgproto3.RowDescription{Fields: make([]pgproto3.FieldDescription, 5)}
	row := func(words ...string) *pgproto3.DataRow {
		var values [][]byte
		for _, word := range words {
			values = append(values, []byte(word))
		}
		return &pgproto3.DataRow{Values: values}
	}
	done := &pgproto3.CommandComplete{CommandTag: []byte("SELECT 2")}
	for name, test := range map[string]struct {
		says []pgproto3.BackendMessage
		want []Rule
		err  error
	}{
		"two": {
			says: []pgproto3.BackendMessage{columns, row("local", "{all}", "{all}", "", "trust"), row("host", "{all}", "{all}", "127.0.0.1", "scram-sha-256"), done},
			want: []Rule{{"local", "{all}", "{all}", "", "trust"}, {"host", "{all}", "{all}", "127.0.0.1", "scram-sha-256"}},
		},
		"none":     {says: []pgproto3.BackendMessage{columns, done}, err: ErrUnknownReply},
		"may not":  {says: []pgproto3.BackendMessage{&pgproto3.ErrorResponse{Severity: "ERROR", Code: "42501", Message: "permission denied for view pg_hba_file_rules"}}, err: ErrMayNot},
		"no such":  {says: []pgproto3.BackendMessage{&pgproto3.ErrorResponse{Severity: "ERROR", Code: "42P01", Message: thePassword}}, err: ErrUnknownReply},
		"a column": {says: []pgproto3.BackendMessage{&pgproto3.RowDescription{Fields: make([]pgproto3.FieldDescription, 1)}, row("x"), done}, err: ErrUnknownReply},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(conn net.Conn) {
				postgresDatabase{method: "scram", rules: test.says}.run(conn, new(record[string]))
			})
			got, err := PostgresRules(t.Context(), s.addr, "u", "d", secret.NewValue([]byte(thePassword)))
			if diff := cmp.Diff(test.want, got); diff != "" || !errors.Is(err, test.err) {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if err != nil && strings.Contains(err.Error(), thePassword) {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
	wrong := serve(t, func(conn net.Conn) { postgresDatabase{method: "scram"}.run(conn, new(record[string])) })
	if _, err := PostgresRules(t.Context(), wrong.addr, "u", "d", secret.NewValue([]byte("another"))); err == nil {
		t.Error("rules for a wrong password")
	}
}
