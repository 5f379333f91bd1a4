package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// authSabotages open the doors of the reference's services, or change their locks.
var authSabotages = []sabotage{
	{
		name: "PostgreSQL trusts everyone", check: "auth.pg.required", culprit: "user minibot, database minibot: lets a stranger in without a password (trust)",
		does: hba("host all all all trust"),
	},
	{
		name: "PostgreSQL trusts one user", check: "auth.pg.required", culprit: "user postgres, database minibot: lets a stranger in",
		does: hba("host all postgres all trust"),
	},
	{
		name: "PostgreSQL trusts in one database", check: "auth.pg.required", culprit: "user minibot, database postgres: lets a stranger in",
		does: hba("host postgres all all trust"),
	},
	{
		name: "PostgreSQL trusts replicas", check: "auth.pg.required", culprit: "user minibot, replication: lets a stranger in",
		does: hba("host replication all all trust"),
	},
	{
		name: "PostgreSQL wants passwords in the clear", check: "auth.pg.scram", culprit: "asks for the password in clear text",
		does: hba("host all all all password"),
	},
	{
		name: "PostgreSQL wants MD5", check: "auth.pg.scram", culprit: "user postgres, database minibot: asks for a password by MD5",
		does: hba("host all all all md5", "password_encryption = md5"),
	},
	{
		name: "PostgreSQL has another password", check: "auth.pg.accepts-spec", culprit: "secret POSTGRES_PASSWORD",
		does: func(x *target) func() {
			is := x.secret("POSTGRES_PASSWORD")
			x.sql(is, "ALTER ROLE minibot PASSWORD 'another'")
			return func() { x.sql("another", "ALTER ROLE minibot PASSWORD '"+is+"'") }
		},
	},
	{
		name: "another PostgreSQL password in the store", check: "auth.pg.accepts-spec", culprit: "secret POSTGRES_PASSWORD",
		does: stored("POSTGRES_PASSWORD"),
	},
	{
		name: "Redis without a password", check: "auth.redis.required", culprit: "answers PONG to a stranger",
		does: redis("CONFIG SET requirepass ''"),
	},
	{
		name: "Redis saved by protected mode alone", check: "auth.redis.required", culprit: "DENIED",
		does: redis("CONFIG SET requirepass ''", "CONFIG SET protected-mode yes"),
	},
	{
		name: "Redis with a default user that needs none", check: "auth.redis.required", culprit: "answers PONG to a stranger",
		does: redis("ACL SETUSER default nopass"),
	},
	{
		name: "Redis with a default user that needs none and may do little", check: "auth.redis.required", culprit: "NOPERM",
		does: redis("ACL SETUSER default nopass -@all"),
	},
	{
		name: "Redis has another password", check: "auth.redis.accepts-spec", culprit: "secret REDIS_PASSWORD",
		does: redis("CONFIG SET requirepass another"),
	},
	{
		name: "another Redis password in the store", check: "auth.redis.accepts-spec", culprit: "secret REDIS_PASSWORD",
		does: stored("REDIS_PASSWORD"),
	},
	{
		name: "MongoDB without users", check: "auth.mongo.required", culprit: "lists its databases for a stranger",
		does: twin("mongo", func(m *made) {
			m.Env = slices.DeleteFunc(m.Env, func(v string) bool { return strings.HasPrefix(v, "MONGO_INITDB_ROOT") })
		}),
	},
	{
		name: "another MongoDB password in the store", check: "auth.mongo.accepts-spec", culprit: "secret MONGO_PASSWORD",
		does: stored("MONGO_PASSWORD"),
	},
	{
		name: "OpenClaw's port answered by one that asks for nothing", check: "auth.openclaw.required", culprit: "400 to /tools/invoke",
		does: openGateway,
	},
	{
		name: "another OpenClaw password in the store", check: "auth.openclaw.accepts-spec", culprit: "secret OPENCLAW_GATEWAY_PASSWORD",
		does: stored("OPENCLAW_GATEWAY_PASSWORD"),
	},
	{
		name: "healthcheck that fails", check: "stack.service.healthy", culprit: "minibot-redis runs, but its healthcheck fails",
		does: twin("redis", func(m *made) {
			m.Healthcheck = &container.HealthConfig{Test: []string{"CMD", "false"}, Interval: 100 * time.Millisecond, Retries: 1}
		}),
	},
	{
		name: "healthcheck taken away", check: "stack.service.healthy", culprit: "the file asks for one",
		does: twin("redis", func(m *made) { m.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}} }),
	},
}

// hba puts a line before all others in PostgreSQL's rules of who may come in, and settings into its configuration.
func hba(line string, settings ...string) func(*target) func() {
	return func(x *target) func() {
		x.Helper()
		const load = `kill -HUP 1`
		script := `cd "$PGDATA" && cp pg_hba.conf /tmp/hba && cp postgresql.auto.conf /tmp/auto && { echo "$1"; cat /tmp/hba; } >pg_hba.conf && echo "$2" >>postgresql.auto.conf && ` + load
		x.reload(func() { x.inside("postgres", "sh", "-c", script, "sh", line, strings.Join(settings, "\n")) })
		return func() {
			x.reload(func() {
				x.inside("postgres", "sh", "-c", `cd "$PGDATA" && cp /tmp/hba pg_hba.conf && cp /tmp/auto postgresql.auto.conf && `+load)
			})
		}
	}
}

// reload waits until PostgreSQL has read its configuration again.
func (x *target) reload(act func()) {
	x.Helper()
	since := time.Now()
	act()
	x.says(x.name("postgres"), "reloading configuration files", since)
}

// sql runs a statement as the owner of the database.
func (x *target) sql(password, statement string) {
	x.Helper()
	x.inside("postgres", "sh", "-c", `PGPASSWORD="$1" psql -h 127.0.0.1 -U minibot -v ON_ERROR_STOP=1 -c "$2"`, "sh", password, statement)
}

// redis gives it commands, and its password back.
func redis(commands ...string) func(*target) func() {
	return func(x *target) func() {
		x.Helper()
		password := x.secret("REDIS_PASSWORD")
		conn, err := x.machine.Dial(x.ctx, "tcp", "127.0.0.1:"+x.port)
		x.must(err)
		answers := bufio.NewReader(conn)
		say := func(commands ...string) {
			x.Helper()
			for _, command := range commands {
				_, err := fmt.Fprintf(conn, "%s\r\n", command)
				x.must(err)
				answer, err := answers.ReadString('\n')
				x.must(err)
				if !strings.HasPrefix(answer, "+OK") {
					x.Fatalf("redis: %s: %s", strings.Fields(command)[0], answer)
				}
			}
		}
		say("AUTH " + password)
		// The connection is let in already: what it is told to change does not shut it out, unless it may do nothing.
		say("ACL SETUSER mender on nopass ~* &* +@all", "AUTH mender any")
		say(commands...)
		return func() {
			say("CONFIG SET protected-mode no", "CONFIG SET requirepass "+password)
			say("ACL SETUSER default reset on ~* &* +@all >" + password) // the other alone does nothing if it has not changed
			say("AUTH " + password)
			_, err := fmt.Fprintf(conn, "ACL DELUSER mender\r\n")
			x.must(err)
			_, err = answers.ReadString('\n')
			x.must(err)
			x.must(conn.Close())
		}
	}
}

// secret is a value from the stack's store.
func (x *target) secret(name string) string {
	x.Helper()
	return strings.TrimSpace(string(x.minibot(exitDone, "", "run", "--", "printenv", name)))
}

// stored puts another value of a secret into the store.
func stored(name string) func(*target) func() {
	return func(x *target) func() {
		x.Helper()
		was := x.secret(name)
		x.minibot(exitDone, "another-value-than-it-was", "secret", "set", "-y", name)
		return func() { x.minibot(exitDone, was, "secret", "set", "-y", name) }
	}
}

// openGateway answers in the place of OpenClaw, as it answers when it asks nobody for a password; OpenClaw itself
// refuses to start like that. The machine's packet filter leads its port there.
func openGateway(x *target) func() {
	x.Helper()
	var listens net.Listener
	x.must(x.machine.Inside(func() (err error) {
		listens, err = net.Listen("tcp", "127.0.0.1:0")
		return err
	}))
	server := &http.Server{Handler: http.HandlerFunc(openDoor)}
	go server.Serve(listens)
	_, port, err := net.SplitHostPort(listens.Addr().String())
	x.must(err)
	redirect := func(verb string) {
		x.Helper()
		_, err := x.machine.Run(x.ctx, "iptables", "-t", "nat", verb, "OUTPUT", "-d", "127.0.0.1", "-p", "tcp", "--dport", "18789", "-j", "REDIRECT", "--to-ports", port)
		x.must(err)
	}
	redirect("-I")
	return func() { redirect("-D"); x.must(server.Close()) }
}

// openDoor says what an OpenClaw without a password says: over the WebSocket the same as one with.
func openDoor(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Upgrade") == "websocket":
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		_, _, _ = conn.Read(r.Context())
		const refusal = `{"type":"res","id":"1","ok":false,"error":{"code":"NOT_PAIRED","message":"device identity required","details":{"code":"DEVICE_IDENTITY_REQUIRED"}}}`
		_ = conn.Write(r.Context(), websocket.MessageText, []byte(refusal))
		_ = conn.Close(websocket.StatusPolicyViolation, "device identity required")
	case r.URL.Path == "/tools/invoke":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":{"type":"invalid_request","message":"tools.invoke requires name"}}`)
	case r.URL.Path == "/healthz":
		fmt.Fprint(w, `{"ok":true,"status":"live"}`)
	default:
		fmt.Fprint(w, "<!doctype html><title>OpenClaw</title>")
	}
}

// inside runs a program in a container, which must succeed.
func (x *target) inside(service string, argv ...string) string {
	x.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, 30*time.Second)
	defer cancel()
	exec, err := x.api.ContainerExecCreate(ctx, x.name(service), container.ExecOptions{Cmd: argv, AttachStdout: true, AttachStderr: true})
	x.must(err)
	response, err := x.api.ContainerExecAttach(ctx, exec.ID, container.ExecAttachOptions{})
	x.must(err)
	defer response.Close()
	var out strings.Builder
	_, err = stdcopy.StdCopy(&out, &out, response.Reader)
	x.must(err)
	ended, err := x.api.ContainerExecInspect(ctx, exec.ID)
	x.must(err)
	if ended.ExitCode != 0 {
		x.Fatalf("%q in %s: exit code %d\n%s", argv[0], service, ended.ExitCode, out.String())
	}
	return out.String()
}
