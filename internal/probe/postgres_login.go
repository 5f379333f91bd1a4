package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"minibot/internal/secret"
)

// PostgresLogin logs in at addr (host:port) with the password and runs `select 1`. The password itself never
// goes over the wire: only SCRAM and MD5 are spoken, so a server, or an impostor on its port, that wants it in clear
// text gets an error instead. A server that asks for nothing answers Open: there, nothing was proved. If
// pg_hba.conf has no line for a connection without TLS, a second one is made with it.
//
// Errors: [ErrStarting], [ErrBusy], [ErrUnknownReply], [ErrNoSecret], the context's, the network's. None wraps an
// error of pgconn, since those hold the configuration, with the password.
func PostgresLogin(ctx context.Context, addr, user, database string, password secret.Value) (Answer, error) {
	return PostgresSession(ctx, addr, user, database, password, func(context.Context, *pgconn.PgConn) error { return nil })
}

// PostgresSession logs in as [PostgresLogin] does and, if that was accepted, has use do something with the
// connection, which is closed after it. An error of use is returned as it is, so it must not be one of pgconn.
func PostgresSession(ctx context.Context, addr, user, database string, password secret.Value, use func(context.Context, *pgconn.PgConn) error) (Answer, error) {
	if len(password.Reveal()) == 0 {
		return Answer{}, fmt.Errorf("postgres login: %w", ErrNoSecret)
	}
	config, err := postgresConfig(addr, user, database)
	if err != nil {
		return Answer{}, fmt.Errorf("postgres login: %w", err)
	}
	config.Password = string(password.Reveal())
	ctx, cancel := withDeadline(ctx)
	defer cancel()

	conn, err := selectOne(ctx, config)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "28000" {
		config.TLSConfig = &tls.Config{InsecureSkipVerify: true} // SCRAM binds to the channel and proves both sides
		if encrypted, again := selectOne(ctx, config); again == nil || !strings.Contains(again.Error(), "server refused TLS connection") {
			conn, err = encrypted, again
		}
	}
	answer, err := judgeLogin(ctx, err, config.Password)
	if err != nil {
		return Answer{}, fmt.Errorf("postgres login: %w", err)
	}
	if conn == nil {
		return answer, nil
	}
	defer conn.Close(ctx)
	if err := use(ctx, conn); err != nil {
		return Answer{}, err
	}
	return answer, nil
}

// postgresConfig makes a configuration of what is given and of nothing else: pgconn demands that ParseConfig
// made it, and that reads the environment (PGPASSWORD, PGOPTIONS, …) and ~/.pgpass, so all is set again.
func postgresConfig(addr, user, database string) (*pgconn.Config, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port: %w", err)
	}
	config, err := pgconn.ParseConfig("host=127.0.0.1 port=5432 user=minibot password=unset sslmode=disable " +
		"sslcert='' sslkey='' sslrootcert='' sslpassword='' sslcertmode=disable sslnegotiation=postgres target_session_attrs=any require_auth=scram-sha-256,md5 " +
		"channel_binding=prefer min_protocol_version=3.0 max_protocol_version=3.0 connect_timeout=0")
	if err != nil {
		return nil, err
	}
	config.Host, config.Port = host, uint16(port)
	config.User, config.Database = user, database
	config.RuntimeParams = map[string]string{"application_name": postgresApplication}
	config.KerberosSrvName, config.KerberosSpn = "", ""
	config.MaxProtocolMessageBodyLen = replyLimit
	return config, nil
}

// selectOne connects and asks the server for one row. It makes one connection: a pgconn that gives up would make
// another, later and unasked, to send a CancelRequest. The caller closes what it returns; with an error that is nil.
func selectOne(ctx context.Context, config *pgconn.Config) (*pgconn.PgConn, error) {
	var connected atomic.Bool
	dialer := dialerOf(ctx)
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil } // the dialer does
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if connected.Load() {
			return nil, errors.New("one connection is enough")
		}
		conn, err := dialer(ctx, network, addr)
		connected.Store(err == nil)
		return conn, err
	}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := conn.Exec(ctx, "select 1").Close(); err != nil {
		conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

// judgeLogin makes an answer of what pgconn said.
func judgeLogin(ctx context.Context, err error, password string) (Answer, error) {
	if err == nil {
		return Answer{Accepts, "the password is accepted and a query answered"}, nil
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		if refused.Code == "28P01" {
			return Answer{Rejects, "28P01: the password is wrong"}, nil
		}
		_, err := refusedStart(refused.Code, masked(refused.Message, password))
		if err == nil {
			err = fmt.Errorf("28000: %s", clean(masked(refused.Message, password)))
		}
		return Answer{}, err
	}
	var network *net.OpError
	switch text := err.Error(); {
	case context.Cause(ctx) != nil:
		return Answer{}, timely(ctx, err)
	case errors.As(err, &network):
		return Answer{}, network
	case hungUp(err):
		return Answer{}, errHungUp
	case strings.Contains(text, "server did not complete authentication"): // pgconn's require_auth
		return Answer{Open, "asks for no password"}, nil
	case strings.Contains(text, "server requested password authentication"):
		return Answer{}, ErrClearText
	default:
		return Answer{}, fmt.Errorf("%w: %s", ErrUnknownReply, clean(masked(text, password)))
	}
}

// masked is text without the password, should a library or a server have quoted it.
func masked(text, password string) string {
	return strings.ReplaceAll(text, password, "***")
}
