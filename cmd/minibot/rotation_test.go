package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"minibot/internal/probe"
	"minibot/internal/rotate"
	"minibot/internal/secret"
	"minibot/internal/testbed"
	"minibot/verify"
)

// tried is a stack of one service whose secret is rotated. It is like the example's, with a
// healthcheck that is asked more often.
type tried struct {
	*testing.T
	dir     string
	service string
	account rotate.Account
	// put writes something into the service, holds says whether it is still there.
	put, holds func(ctx context.Context, password string) error
}

const triedSpec = `name = %[1]q

network "%[1]s-net" {}

secret "PASSWORD" {}

service %[2]q {
%[3]s
  limits {
    memory = "1GB"
    cpus   = 1
  }
  read_only = true
  bind {
    port      = %[4]d
    published = %[5]d
  }
}
`

// kinds are the services whose passwords minibot rotates.
func kinds(refs testbed.Refs) map[string]struct {
	port int
	body string
} {
	return map[string]struct {
		port int
		body string
	}{
		"postgres": {5432, fmt.Sprintf(`
  image = %q
  user  = "999:999"
  env = {
    POSTGRES_USER          = "minibot"
    POSTGRES_PASSWORD_FILE = secret.PASSWORD.file
    POSTGRES_INITDB_ARGS   = "--auth-local=scram-sha-256 --auth-host=scram-sha-256"
  }
  volume "data" { target = "/var/lib/postgresql/data" }
  tmpfs = ["/tmp", "/var/run/postgresql:uid=999,gid=999,mode=0775"]
  stop_signal = "SIGINT"
  healthcheck {
    test     = ["CMD", "pg_isready", "-U", "minibot", "-h", "127.0.0.1"]
    interval = "1s"
    retries  = 30
  }
  auth "postgres" {
    user     = "minibot"
    password = secret.PASSWORD.value
  }`, refs.Postgres)},
		"redis": {6379, fmt.Sprintf(`
  image   = %q
  user    = "999:999"
  command = ["redis-server", "/run/secrets/redis.conf"]
  file "/run/secrets/redis.conf" {
    content = "requirepass ${secret.PASSWORD.value}\ndir /data\nappendonly yes\nappendfsync always\n"
  }
  volume "data" { target = "/data" }
  healthcheck {
    test     = ["CMD-SHELL", "redis-cli ping | grep -qE 'PONG|NOAUTH'"]
    interval = "1s"
    retries  = 30
  }
  auth "redis" { password = secret.PASSWORD.value }`, refs.Redis)},
		"mongo": {27017, fmt.Sprintf(`
  image = %q
  user  = "999:999"
  env = {
    MONGO_INITDB_ROOT_USERNAME      = "minibot"
    MONGO_INITDB_ROOT_PASSWORD_FILE = secret.PASSWORD.file
  }
  volume "data" { target = "/data/db" }
  volume "config" { target = "/data/configdb" }
  tmpfs = ["/tmp"]
  healthcheck {
    test     = ["CMD", "mongosh", "--quiet", "--eval", "db.runCommand({ping:1}).ok"]
    interval = "1s"
    timeout  = "10s"
    retries  = 30
  }
  auth "mongo" {
    user     = "minibot"
    password = secret.PASSWORD.value
  }`, refs.Mongo)},
		"openclaw": {18789, fmt.Sprintf(`
  image    = %q
  user     = "1000:1000"
  init     = true
  hostname = "openclaw"
  command  = ["node", "dist/index.js", "gateway", "--bind", "lan", "--port", "18789"]
  env = {
    OPENCLAW_CONFIG_PATH     = "/run/secrets/openclaw.json"
    OPENCLAW_CONFIG_READONLY = "1"
    OPENCLAW_STATE_DIR       = "/home/node/.openclaw"
    OPENCLAW_DISABLE_BONJOUR = "1"
    XDG_CACHE_HOME           = "/home/node/.openclaw/cache"
  }
  file "/run/secrets/openclaw.json" {
    content = jsonencode({
      gateway = {
        mode = "local", bind = "lan"
        auth = { mode = "password", password = { source = "file", provider = "gateway", id = "value" } }
        controlUi = { allowedOrigins = ["http://127.0.0.1:18789"] }
      }
      secrets   = { providers = { gateway = { source = "file", path = secret.PASSWORD.file, mode = "singleValue" } } }
      discovery = { mdns = { mode = "off" } }
      update    = { checkOnStart = false }
    })
  }
  volume "data" { target = "/home/node/.openclaw" }
  tmpfs = ["/tmp"]
  healthcheck {
    test         = ["CMD", "node", "-e", "fetch('http://127.0.0.1:18789/healthz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
    interval     = "1s"
    timeout      = "10s"
    retries      = 30
    start_period = "60s"
  }
  auth "openclaw" { password = secret.PASSWORD.value }`, refs.OpenClaw)},
	}
}

// newTried brings up one service with something in it.
func newTried(t *testing.T, kind string) *tried {
	t.Helper()
	engine, refs := testbed.Require(t)
	stack, port := engine.Project(t), freePort(t)
	r := &tried{T: t, dir: t.TempDir(), service: kind}
	described := kinds(refs)[kind]
	text := fmt.Sprintf(triedSpec, stack, kind, described.body, described.port, port)
	if err := os.WriteFile(filepath.Join(r.dir, "minibot.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.account = rotate.Account{Service: kind, Kind: kind, Addr: fmt.Sprintf("127.0.0.1:%d", port), User: "minibot", Database: "minibot"}
	switch kind {
	case "postgres":
		r.put, r.holds = r.putRow, r.holdsRow
	case "mongo":
		r.put, r.holds = r.putDocument, r.holdsDocument
	case "redis":
		r.account.User = ""
		r.put = func(ctx context.Context, password string) error {
			return r.redisCLI(password, "OK", "set", "answer", "42")
		}
		r.holds = func(ctx context.Context, password string) error { return r.redisCLI(password, "42", "get", "answer") }
	default: // the gateway's data is its own
		r.put = func(context.Context, string) error { return nil }
		r.holds = r.put
	}
	r.must("apply", "-y")
	if err := r.put(t.Context(), r.password()); err != nil {
		t.Fatal(err)
	}
	return r
}

// command prepares minibot in the stack's folder.
func (r *tried) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(r.Context(), "minibot", append([]string{"--secret-store", "file"}, args...)...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "MINIBOT_SECRETS_DIR="+filepath.Join(r.dir, "secrets"))
	return cmd
}

// must runs minibot, which must succeed, and returns all that it said.
func (r *tried) must(args ...string) string {
	r.Helper()
	said, err := r.command(args...).CombinedOutput()
	if err != nil {
		r.Fatalf("minibot %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return string(said)
}

// password is the store's value, read as a person would: by running a program with it.
func (r *tried) password() string {
	r.Helper()
	out, err := r.command("run", "--", "printenv", "PASSWORD").Output()
	if err != nil {
		r.Fatal(err)
	}
	return strings.TrimSuffix(string(out), "\n")
}

func (r *tried) accepts(password string) bool {
	r.Helper()
	accepted, err := r.account.Accepts(r.Context(), secret.NewValue([]byte(password)))
	if err != nil {
		r.Fatal(err)
	}
	return accepted
}

// inOrder makes sure that the stack is what the spec says, that the service answers to the
// store's password, and that its data is there.
func (r *tried) inOrder() {
	r.Helper()
	r.must("plan", "--detailed-exitcode")
	if said, err := r.command(slices.Concat([]string{"verify", "--json"}, ofTheStack)...).Output(); err != nil {
		var report verify.Report
		_ = json.Unmarshal(said, &report)
		for _, result := range report.Results {
			if result.Status != verify.Pass && result.Status != verify.Skip {
				r.Errorf("%s of %s: %s: %s", result.Check, result.Object, result.Status, result.Evidence)
			}
		}
		r.Errorf("verify: %v", err)
	}
	if err := r.holds(r.Context(), r.password()); err != nil {
		r.Errorf("the data: %v", err)
	}
}

func (r *tried) pg(ctx context.Context, password string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(fmt.Sprintf("postgres://minibot@%s/minibot?sslmode=disable", r.account.Addr))
	if err != nil {
		return nil, err
	}
	config.Password = password
	return pgx.ConnectConfig(ctx, config)
}

func (r *tried) putRow(ctx context.Context, password string) error {
	conn, err := r.pg(ctx, password)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "create table kept as select 42 as answer")
	return err
}

func (r *tried) holdsRow(ctx context.Context, password string) error {
	conn, err := r.pg(ctx, password)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var answer int
	if err := conn.QueryRow(ctx, "select answer from kept").Scan(&answer); err != nil || answer != 42 {
		return fmt.Errorf("the answer is %d, %w", answer, err)
	}
	return nil
}

func (r *tried) mongo(password string) (*mongo.Client, error) {
	return mongo.Connect(options.Client().SetHosts([]string{r.account.Addr}).SetDirect(true).SetAuth(options.Credential{
		AuthMechanism: "SCRAM-SHA-256", AuthSource: "admin", Username: "minibot", Password: password,
	}))
}

func (r *tried) putDocument(ctx context.Context, password string) error {
	client, err := r.mongo(password)
	if err != nil {
		return err
	}
	defer client.Disconnect(ctx)
	_, err = client.Database("shop").Collection("kept").InsertOne(ctx, bson.M{"answer": 42})
	return err
}

func (r *tried) holdsDocument(ctx context.Context, password string) error {
	client, err := r.mongo(password)
	if err != nil {
		return err
	}
	defer client.Disconnect(ctx)
	return client.Database("shop").Collection("kept").FindOne(ctx, bson.M{"answer": 42}).Err()
}

// redisCLI asks with the client that the image has.
func (r *tried) redisCLI(password, want string, args ...string) error {
	cmd := exec.CommandContext(r.Context(), "docker", append([]string{"exec", "-i", "-e", "REDISCLI_AUTH", r.container(), "redis-cli"}, args...)...)
	cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+password)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != want {
		return fmt.Errorf("redis-cli %v: %s, %w", args, out, err)
	}
	return nil
}

func (r *tried) container() string {
	out := r.must("render")
	_, rest, _ := strings.Cut(out, "container_name: ")
	name, _, _ := strings.Cut(rest, "\n")
	return name
}

// Each of the four services changes its password with no step by hand: the new one is
// accepted, the old one refused, and nothing is lost.
func TestRotation(t *testing.T) {
	t.Parallel()
	testbed.Require(t)
	for _, kind := range []string{"postgres", "redis", "mongo", "openclaw"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newTried(t, kind)
			old := r.password()
			away := r.watch()
			said := r.must("secret", "rotate", "PASSWORD", "-y")
			out := away()
			if !strings.Contains(said, "down for at most ") {
				t.Errorf("the downtime is not said:\n%s", said)
			}
			t.Logf("%s let nobody in for %s", kind, out.Round(10*time.Millisecond))
			if r.password() == old || r.accepts(old) || !r.accepts(r.password()) {
				t.Errorf("the old password is accepted (%t), or the new one is not", r.accepts(old))
			}
			r.inOrder()
			if strings.Contains(said, old) || strings.Contains(said, r.password()) {
				t.Errorf("a password is shown:\n%s", said)
			}
			if said := r.must("secret", "rotate", "--all", "-y"); !strings.Contains(said, "Rotated PASSWORD") {
				t.Errorf("all secrets:\n%s", said)
			}
			r.inOrder()
		})
	}
}

// Somebody changed the store and told no service. Plan warns where the data would be locked
// out, and rotate has the service take over the store's value, with the old one read back
// from its container.
func TestRotationTakesOver(t *testing.T) {
	t.Parallel()
	testbed.Require(t)
	for _, kind := range []string{"postgres", "mongo", "redis"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newTried(t, kind)
			old := r.password()
			set := r.command("secret", "set", "PASSWORD", "-y")
			set.Stdin = strings.NewReader("chosen-by-somebody-elsewhere")
			if said, err := set.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			if said := r.must("plan"); strings.Contains(said, "minibot secret rotate PASSWORD") != (kind != "redis") {
				t.Errorf("the plan says:\n%s", said)
			}
			if kind != "redis" {
				r.must("apply", "-y") // and leaves it alone
				if !r.accepts(old) {
					t.Error("an apply has changed the password")
				}
			}
			said := r.must("secret", "rotate", "PASSWORD", "-y")
			if !strings.Contains(said, "take over the store's") {
				t.Errorf("rotate says:\n%s", said)
			}
			if r.password() != "chosen-by-somebody-elsewhere" || r.accepts(old) {
				t.Errorf("the store's value changed, or the old one is accepted")
			}
			r.inOrder()
		})
	}
}

// watch knocks at the service's door all the time. What it returns ends that, and tells for
// how long nobody answered. It sends no password, so that none is refused again and again.
func (r *tried) watch() func() time.Duration {
	ctx, cancel := context.WithCancel(r.Context())
	door := verify.Door{Kind: r.account.Kind, Addr: r.account.Addr, User: r.account.User, Database: r.account.Database}
	var knocking sync.WaitGroup
	var away time.Duration
	knocking.Go(func() {
		for last := time.Now(); ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			if answer, err := (verify.Probes{}).Ask(ctx, door); err == nil && answer.State == probe.Refuses {
				away, last = max(away, time.Since(last)), time.Now()
			}
		}
	})
	return func() time.Duration {
		cancel()
		knocking.Wait()
		return away
	}
}

// Stopped with kill -9 after any line that it writes, a rotation ends well: by apply, or by
// rotate again.
func TestRotationKilled(t *testing.T) {
	t.Parallel()
	testbed.Require(t)
	for _, kind := range []string{"postgres", "redis", "mongo", "openclaw"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newTried(t, kind)
			killed := 0
			for line := 1; ; line++ {
				last, ended := r.killAt(line)
				if ended {
					break
				}
				killed++
				again := []string{"secret", "rotate", "PASSWORD", "-y"}
				if line%2 == 0 {
					again = []string{"apply", "-y"}
				}
				said := r.must(again...)
				r.inOrder()
				if t.Failed() {
					t.Fatalf("killed after %q; then minibot %s:\n%s", last, strings.Join(again, " "), said)
				}
			}
			if killed < 6 {
				t.Errorf("it was killed %d times: it should write more lines than that", killed)
			}
			t.Logf("survived %d kills", killed)
		})
	}
}

// killAt starts a rotation and kills it when it has written that many lines.
func (r *tried) killAt(line int) (last string, ended bool) {
	r.Helper()
	cmd := r.command("secret", "rotate", "PASSWORD", "-y")
	said, err := cmd.StderrPipe()
	if err != nil {
		r.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for range line {
		if !lines.Scan() {
			if err := cmd.Wait(); err != nil {
				r.Fatalf("rotate: %v", err)
			}
			return "", true
		}
		last = lines.Text()
	}
	_ = cmd.Process.Kill()
	_, _ = io.Copy(io.Discard, said)
	_ = cmd.Wait()
	return last, cmd.ProcessState.Success()
}
