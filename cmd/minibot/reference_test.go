package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"minibot/internal/probe"
	"minibot/internal/secret"
	"minibot/internal/testbed"
	"minibot/verify"
)

// ofTheStack selects what verify finds out about the stack, and leaves out what the test's machine and its engine may
// deserve themselves: an old version, an open disk, no internet. That a database could call out is so with one network.
// OpenClaw is healthy before its WebSocket opens, and its own audit takes long: TestReferenceStack waits for them.
var ofTheStack = []string{
	"--probe-timeout", "30s",
	"--offline", "--skip", "net.l2", "--skip", "host", "--skip", "remote", "--skip", "net.egress.db-unneeded",
	"--skip", "auth.openclaw.ws", "--skip", "auth.openclaw.audit",
}

// The spec that people copy brings up four real services on a real engine, which verify finds
// in order, real clients can use, and a second apply leaves alone.
func TestReferenceStack(t *testing.T) {
	engine, refs := testbed.Require(t)
	r := newReference(t, engine, refs)

	for _, name := range []string{"ANTHROPIC_API_KEY", "TELEGRAM_BOT_TOKEN"} {
		r.minibot("nobody-is-called-with-this", "secret", "set", name)
	}
	r.minibot("", "apply", "-y")
	for verified := r.program("verify", "--offline", "--only", "auth.openclaw.ws"); verified.Run() != nil; {
		if r.ctx.Err() != nil {
			t.Fatal("the WebSocket did not open")
		}
		verified = r.program("verify", "--offline", "--only", "auth.openclaw.ws")
	}
	r.minibot("", "verify", "--offline", "--only", "auth.openclaw.audit")
	var report verify.Report
	if err := json.Unmarshal(r.minibot("", slices.Concat([]string{"verify", "--json"}, ofTheStack)...), &report); err != nil {
		t.Fatal(err)
	}
	for _, result := range report.Results {
		if result.Status != verify.Pass && result.Status != verify.Skip && result.Accepted == "" {
			t.Errorf("%s of %s: %s: %s", result.Check, result.Object, result.Status, result.Evidence)
		}
	}
	if report.Summary.Pass < 80 {
		t.Errorf("only %d checks passed", report.Summary.Pass)
	}

	t.Run("postgres", r.postgres)
	t.Run("redis", r.redis)
	t.Run("mongo", r.mongo)
	t.Run("openclaw", r.openclaw)

	begun := time.Now()
	if said := r.minibot("", "apply"); !strings.HasPrefix(string(said), "No changes.") {
		t.Errorf("the second apply: %s", said)
	}
	t.Logf("an apply that finds nothing to do took %s", time.Since(begun).Round(time.Millisecond))
	r.minibot("", "destroy", "-y")
	if said := r.minibot("", "destroy", "-y"); len(said) > 0 {
		t.Errorf("destroy left something: %s", said)
	}
}

// reference is the example's stack under another name, on ports of its own.
type reference struct {
	*testing.T
	ctx   context.Context
	stack string
	spec  string
	vars  []string
	ports map[string]string // on the host, by that in the container
}

var bindLine = regexp.MustCompile(`bind \{ port = (\d+) \}`)

func newReference(t *testing.T, engine *testbed.Engine, refs testbed.Refs) *reference {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	example, err := os.ReadFile(filepath.Join("..", "..", "minibot.hcl.example"))
	if err != nil {
		t.Fatal(err)
	}
	r := &reference{T: t, ctx: ctx, stack: engine.Project(t), spec: filepath.Join(t.TempDir(), "minibot.hcl"), ports: map[string]string{}}
	text := strings.Replace(string(example), `name = "minibot"`, fmt.Sprintf("name = %q", r.stack), 1)
	text = strings.ReplaceAll(text, `"minibot-net"`, fmt.Sprintf("%q", r.stack+"-net"))
	text = bindLine.ReplaceAllStringFunc(text, func(line string) string {
		port := bindLine.FindStringSubmatch(line)[1]
		r.ports[port] = fmt.Sprint(freePort(t))
		return fmt.Sprintf("bind {\n    port      = %s\n    published = %s\n  }", port, r.ports[port])
	})
	if len(r.ports) != 4 {
		t.Fatalf("the example binds %v, want four ports", r.ports)
	}
	if err := os.WriteFile(r.spec, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, ref := range map[string]string{"postgres": refs.Postgres, "redis": refs.Redis, "mongo": refs.Mongo, "openclaw": refs.OpenClaw} {
		r.vars = append(r.vars, "-var", name+"_image="+ref)
	}
	t.Setenv("DOCKER_HOST", engine.Host)
	t.Setenv("MINIBOT_SECRETS_DIR", t.TempDir())
	return r
}

// minibot runs the program, which must succeed, and returns its standard output.
func (r *reference) minibot(stdin string, args ...string) []byte {
	r.Helper()
	cmd := r.program(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	begun := time.Now()
	err := cmd.Run()
	r.Logf("minibot %s: %s", strings.Join(args, " "), time.Since(begun).Round(time.Millisecond))
	if err != nil {
		r.Fatalf("minibot %s: %v\n%s%s", strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.Bytes()
}

func (r *reference) program(args ...string) *exec.Cmd {
	return exec.CommandContext(r.ctx, "minibot", append(append([]string{"-f", r.spec, "--secret-store", "file"}, r.vars...), args...)...)
}

func (r *reference) addr(port string) string { return "127.0.0.1:" + r.ports[port] }

// password reads what minibot generated, from its store.
func (r *reference) password(t *testing.T, name string) secret.Value {
	t.Helper()
	store, err := secret.Open("file", r.stack)
	if err != nil {
		t.Fatal(err)
	}
	value, err := store.Get(r.ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func (r *reference) postgres(t *testing.T) {
	login := url.URL{Scheme: "postgres", Host: r.addr("5432"), Path: "minibot", RawQuery: "sslmode=disable"}
	login.User = url.UserPassword("minibot", string(r.password(t, "POSTGRES_PASSWORD").Reveal()))
	conn, err := pgx.Connect(r.ctx, login.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(r.ctx)
	var one int
	if err := conn.QueryRow(r.ctx, "SELECT 1").Scan(&one); err != nil || one != 1 {
		t.Errorf("SELECT 1: %d, %v", one, err)
	}
	login.User = url.UserPassword("minibot", "wrong")
	if _, err := pgx.Connect(r.ctx, login.String()); err == nil {
		t.Error("a wrong password is accepted")
	}
}

func (r *reference) redis(t *testing.T) {
	ask(t, probe.Refuses)(probe.Redis(r.ctx, r.addr("6379")))
	ask(t, probe.Accepts)(probe.RedisLogin(r.ctx, r.addr("6379"), "", r.password(t, "REDIS_PASSWORD")))
	ask(t, probe.Rejects)(probe.RedisLogin(r.ctx, r.addr("6379"), "", secret.NewValue([]byte("wrong"))))
}

func (r *reference) mongo(t *testing.T) {
	client, err := mongo.Connect(options.Client().SetHosts([]string{r.addr("27017")}).SetDirect(true).SetAuth(options.Credential{
		AuthMechanism: "SCRAM-SHA-256", AuthSource: "admin", Username: "minibot", Password: string(r.password(t, "MONGO_PASSWORD").Reveal()),
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(r.ctx)
	if _, err := client.ListDatabaseNames(r.ctx, bson.D{}); err != nil {
		t.Errorf("listDatabases: %v", err)
	}
	ask(t, probe.Refuses)(probe.Mongo(r.ctx, r.addr("27017")))
}

func (r *reference) openclaw(t *testing.T) {
	invoke := func(header http.Header) int {
		header.Set("Content-Type", "application/json")
		reply, err := probe.HTTP(r.ctx, probe.Request{Method: http.MethodPost, URL: "http://" + r.addr("18789") + "/tools/invoke", Header: header, Body: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		return reply.Status
	}
	if status := invoke(http.Header{}); status != http.StatusUnauthorized {
		t.Errorf("without a password: %d", status)
	}
	bearer := "Bearer " + string(r.password(t, "OPENCLAW_GATEWAY_PASSWORD").Reveal())
	if status := invoke(http.Header{"Authorization": {bearer}}); status != http.StatusBadRequest {
		t.Errorf("with the password: %d", status)
	}
}

// ask compares the answer of a probe.
func ask(t *testing.T, want probe.State) func(probe.Answer, error) {
	t.Helper()
	return func(answer probe.Answer, err error) {
		t.Helper()
		if err != nil || answer.State != want {
			t.Errorf("%s (%s), %v; want %s", answer.State, answer.Detail, err, want)
		}
	}
}
