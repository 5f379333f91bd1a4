package rotate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/docker/go-connections/nat"
	"github.com/jackc/pgx/v5/pgconn"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"minibot/internal/probe"
	"minibot/internal/secret"
	"minibot/internal/testbed"
)

// server is a real one, in a container of this test.
type server struct {
	t      *testing.T
	engine *testbed.Engine
	id     string
	addr   string
	errs   []error // all that was said, to be searched for secrets
}

func run(t *testing.T, engine *testbed.Engine, image string, port int, env []string, argv ...string) *server {
	t.Helper()
	project, exposed, hostPort := engine.Project(t), nat.Port(fmt.Sprintf("%d/tcp", port)), strconv.Itoa(testbed.FreePort(t))
	created, err := engine.Client.ContainerCreate(t.Context(),
		&container.Config{
			Image: image, Env: env, Cmd: argv, Labels: map[string]string{"com.docker.compose.project": project},
			ExposedPorts: nat.PortSet{exposed: {}},
		},
		&container.HostConfig{PortBindings: nat.PortMap{exposed: {{HostIP: "127.0.0.1", HostPort: hostPort}}}}, nil, nil, project)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Client.ContainerStart(t.Context(), created.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	return &server{t: t, engine: engine, id: created.ID, addr: "127.0.0.1:" + hostPort}
}

// ready waits until the server accepts the password.
func (s *server) ready(a Account, password string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for {
		accepted, err := a.Accepts(ctx, value(password))
		if accepted {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("%s is not ready: %t, %v\n%s", a.Service, accepted, err, s.logs())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *server) logs() string {
	s.t.Helper()
	stream, err := s.engine.Client.ContainerLogs(s.t.Context(), s.id, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		s.t.Fatal(err)
	}
	defer stream.Close()
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &out, stream); err != nil {
		s.t.Fatal(err)
	}
	return out.String()
}

// exec runs a command in the container and returns what it prints.
func (s *server) exec(env []string, argv ...string) string {
	s.t.Helper()
	ctx := s.t.Context()
	exec, err := s.engine.Client.ContainerExecCreate(ctx, s.id, container.ExecOptions{Cmd: argv, Env: env, AttachStdout: true, AttachStderr: true})
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := s.engine.Client.ContainerExecAttach(ctx, exec.ID, container.ExecAttachOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Close()
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &out, response.Reader); err != nil {
		s.t.Fatal(err)
	}
	return out.String()
}

// accepts asks for both passwords.
func (s *server) accepts(a Account, right, wrong string) {
	s.t.Helper()
	for password, want := range map[string]bool{right: true, wrong: false} {
		if got, err := a.Accepts(s.t.Context(), value(password)); got != want || err != nil {
			s.t.Errorf("%s: %q is accepted: %t, want %t; %v", a.User, password, got, want, err)
		}
	}
}

func (s *server) change(ctx context.Context, a Account, old, new string) error {
	err := a.Change(ctx, value(old), value(new))
	s.errs = append(s.errs, err)
	return err
}

// session logs in, calls do while it is open, and returns an error unless the data is there before and after that.
type session func(ctx context.Context, a Account, password secret.Value, do func()) error

// exercise changes the password of an account in all the ways in which that can go, and returns the last one. The command
// that does it has the marker in it.
func (s *server) exercise(a Account, password, marker string, hold session) string {
	t, ctx := s.t, s.t.Context()
	t.Helper()
	if err := s.change(ctx, a, "wrong-canary", "new-canary"); !errors.Is(err, ErrRefused) {
		t.Errorf("a wrong old password: %v", err)
	}
	s.accepts(a, password, "new-canary")

	// Sessions and data outlive the change.
	err := hold(ctx, a, value(password), func() {
		if err := s.change(ctx, a, password, "second-canary"); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil {
		t.Errorf("a session over the change: %v", err)
	}
	s.accepts(a, "second-canary", password)
	if err := hold(ctx, a, value("second-canary"), func() {}); err != nil {
		t.Errorf("a session after the change: %v", err)
	}
	if err := s.change(ctx, a, password, "never-canary"); !errors.Is(err, ErrRefused) {
		t.Errorf("the old password again: %v", err)
	}

	// Cut before the server hears of it, and after it has done it.
	password = "second-canary"
	for _, after := range []bool{false, true} {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		cut := a
		cut.Addr = s.cut(marker, after, cancel)
		next := fmt.Sprintf("cut-%t-canary", after)
		if err := s.change(ctx, cut, password, next); !errors.Is(err, context.Canceled) {
			t.Errorf("cut after %t: %v", after, err)
		}
		if after {
			password, next = next, password
		}
		s.accepts(a, password, next)
	}

	// Whatever stands in a password means nothing to the server.
	for _, next := range []string{`it's "canary" \' $1 %s; --`, "Grüße-canary-Жук-密码", "-canary with spaces ", "#canary", "plain-canary"} {
		if err := s.change(ctx, a, password, next); err != nil {
			t.Fatalf("to %q: %v", next, err)
		}
		s.accepts(a, next, password)
		password = next
	}
	return password
}

// cut forwards to the server until a client sends the marker. Then it cancels: at once, or as soon as the server has answered;
// the one or the other is not forwarded.
func (s *server) cut(marker string, after bool, cancel context.CancelFunc) (addr string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { listener.Close() })
	forward := func(client net.Conn) {
		defer client.Close()
		server, err := net.Dial("tcp", s.addr)
		if err != nil {
			return
		}
		defer server.Close()
		var held atomic.Bool
		go func() {
			for buffer := make([]byte, 64<<10); ; {
				n, err := server.Read(buffer)
				if held.Load() && n > 0 {
					cancel()
					return
				}
				if client.Write(buffer[:n]); err != nil {
					client.Close()
					return
				}
			}
		}()
		for buffer := make([]byte, 64<<10); ; {
			n, err := client.Read(buffer)
			if bytes.Contains(buffer[:n], []byte(marker)) {
				held.Store(true)
				if !after {
					cancel()
					continue
				}
			}
			if server.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go forward(client)
		}
	}()
	return listener.Addr().String()
}

// silent looks for canaries where none may be.
func (s *server) silent(texts ...string) {
	s.t.Helper()
	for _, err := range s.errs {
		texts = append(texts, fmt.Sprintf("%v %+v %#v", err, err, err))
	}
	for _, text := range append(texts, s.logs()) {
		if i := strings.Index(text, "canary"); i >= 0 {
			s.t.Errorf("a secret is shown: …%s…", text[max(i-200, 0):min(i+40, len(text))])
		}
	}
}

func TestRealPostgres(t *testing.T) {
	engine, refs := testbed.Require(t)
	s := run(t, engine, refs.Postgres, 5432, []string{
		"POSTGRES_USER=minibot", "POSTGRES_DB=box", "POSTGRES_PASSWORD=first-canary",
		"POSTGRES_INITDB_ARGS=--auth-local=scram-sha-256 --auth-host=scram-sha-256",
	}, "postgres", "-c", "log_statement=all", "-c", "log_min_duration_statement=0", "-c", "log_connections=on", "-c", "log_min_messages=debug2")
	minibot := Account{Service: "db", Kind: "postgres", Addr: s.addr, User: "minibot", Database: "box"}
	s.ready(minibot, "first-canary")

	hold := func(ctx context.Context, a Account, password secret.Value, do func()) error {
		_, err := probe.PostgresSession(ctx, a.Addr, a.User, a.Database, password, func(ctx context.Context, conn *pgconn.PgConn) error {
			if err := conn.Exec(ctx, "create table if not exists public.kept as select 42 as answer").Close(); err != nil {
				return err
			}
			do()
			return conn.Exec(ctx, "select 1 / (count(*) filter (where answer = 42)) from public.kept").Close()
		})
		return err
	}
	password := s.exercise(minibot, "first-canary", "ALTER ROLE", hold)

	// A role of no rank changes its own, whatever it is called.
	plain := minibot
	plain.User = `no "body's" \rôle`
	_, err := probe.PostgresSession(t.Context(), s.addr, "minibot", "box", value(password), func(ctx context.Context, conn *pgconn.PgConn) error {
		verifier, err := scramVerifier("first-canary", []byte("salt of the test"), scramIterations)
		if err != nil {
			return err
		}
		return conn.Exec(ctx, "create role "+quoted(plain.User)+" login password '"+verifier+"'; grant all on schema public to public; grant select on kept to public").Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	s.exercise(plain, "first-canary", "ALTER ROLE", hold)
	s.accepts(minibot, password, "first-canary")

	// What clients of another make hash otherwise is refused beforehand; what is not, libpq reads too.
	if err := s.change(t.Context(), minibot, password, "o\ufb03ce-canary"); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("a ligature: %v", err)
	}
	for _, next := range []string{"Grüße-canary-Ωμέγα-Жук-パスワード密码암호-€", "\x01\tcanary\x7f"} {
		if err := s.change(t.Context(), minibot, password, next); err != nil {
			t.Fatal(err)
		}
		password = next
		if out := s.exec([]string{"PGPASSWORD=" + next}, "psql", "-h", "127.0.0.1", "-U", "minibot", "-d", "box", "-Atc", "select 'by libpq'"); strings.TrimSpace(out) != "by libpq" {
			t.Errorf("psql with %q: %s", next, out)
		}
	}

	// A standby, or a database that may not be written, says no.
	if out := s.exec([]string{"PGPASSWORD=" + password}, "psql", "-h", "127.0.0.1", "-U", "minibot", "-d", "box", "-c", "alter database box set default_transaction_read_only = on"); !strings.Contains(out, "ALTER DATABASE") {
		t.Fatal(out)
	}
	if err := s.change(t.Context(), minibot, password, "never-canary"); err == nil || !strings.Contains(err.Error(), "25006") {
		t.Errorf("a read-only database: %v", err)
	}
	s.accepts(minibot, password, "never-canary")

	s.silent()
	if !strings.Contains(s.logs(), `ALTER ROLE "minibot" PASSWORD 'SCRAM-SHA-256$`) {
		t.Error("the log does not show the statement, so it proves nothing")
	}
}

func TestRealRedis(t *testing.T) {
	engine, refs := testbed.Require(t)
	s := run(t, engine, refs.Redis, 6379, nil, "redis-server", "--requirepass", "first-canary", "--loglevel", "debug",
		"--slowlog-log-slower-than", "0", "--slowlog-max-len", "10000",
		"--user", "app", "on", ">first-canary", ">spare-canary", "~*", "&*", "+@all",
		"--user", "few", "on", ">first-canary", "~*", "+@all", "-@admin",
		"--user", "loose", "on", "nopass", "~*", "+@all")
	standard := Account{Service: "cache", Kind: "redis", Addr: s.addr}
	s.ready(standard, "first-canary")

	hold := func(ctx context.Context, a Account, password secret.Value, do func()) error {
		_, err := probe.RedisSession(ctx, a.Addr, a.User, password, func(command probe.RedisCommand) error {
			set := func(args ...string) error {
				if refusal, err := command(append([]string{"SET", "kept"}, args...)...); err != nil || refusal != "" {
					return fmt.Errorf("%q: %s, %w", args, refusal, err)
				}
				return nil
			}
			if err := set("42"); err != nil {
				return err
			}
			do()
			return set("42", "XX") // only if it is there
		})
		return err
	}
	password := s.exercise(standard, "first-canary", "SETUSER", hold)
	app := standard
	app.User = "app"
	s.exercise(app, "first-canary", "SETUSER", hold)
	if accepted, err := app.Accepts(t.Context(), value("spare-canary")); !accepted || err != nil {
		t.Errorf("the user's other password is gone: %v", err)
	}

	few := standard
	few.User = "few"
	if err := s.change(t.Context(), few, "first-canary", "never-canary"); err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("a user without rights: %v", err)
	}
	s.accepts(few, "first-canary", "never-canary")
	loose := standard
	loose.User = "loose"
	if err := s.change(t.Context(), loose, "any-canary", "never-canary"); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("a user whom any password lets in: %v", err)
	}

	cli := func(args ...string) string {
		return s.exec([]string{"REDISCLI_AUTH=" + password}, append([]string{"redis-cli"}, args...)...)
	}
	slow := cli("SLOWLOG", "GET", "-1")
	s.silent(slow, cli("ACL", "LOG"))
	if !strings.Contains(slow, "SETUSER") {
		t.Errorf("the slow log does not show the command, so it proves nothing: %s", slow)
	}
	// Not even the hash, by which a weak password could be guessed.
	if strings.Contains(slow, hashed(value("second-canary"))) {
		t.Error("the slow log shows a hash")
	}
}

func TestRealMongo(t *testing.T) {
	engine, refs := testbed.Require(t)
	s := run(t, engine, refs.Mongo, 27017, []string{
		"MONGO_INITDB_ROOT_USERNAME=minibot", "MONGO_INITDB_ROOT_PASSWORD=first-canary",
	})
	account := Account{Service: "documents", Kind: "mongo", Addr: s.addr, User: "minibot"}
	s.ready(account, "first-canary")
	s.exercise(account, "first-canary", "updateUser", func(ctx context.Context, a Account, password secret.Value, do func()) error {
		_, err := probe.MongoSession(ctx, a.Addr, a.User, password, func(ctx context.Context, admin *mongo.Database) error {
			kept := admin.Client().Database("box").Collection("kept")
			if _, err := kept.UpdateOne(ctx, bson.D{{Key: "_id", Value: 42}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "seen", Value: 1}}}}); err != nil {
				return err
			}
			if n, err := kept.CountDocuments(ctx, bson.D{}); err == nil && n == 0 {
				_, err = kept.InsertOne(ctx, bson.D{{Key: "_id", Value: 42}, {Key: "seen", Value: 0}})
				if err != nil {
					return err
				}
			}
			do()
			return kept.FindOne(ctx, bson.D{{Key: "_id", Value: 42}}).Err()
		})
		return err
	})
	s.silent()
}
