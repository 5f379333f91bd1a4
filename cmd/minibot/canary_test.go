package main

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"minibot/internal/testbed"
)

// canaries are made up values. The first is for whole files alone; the others can stand
// within a configuration file, or a shell's 'quotes'. Those that are planted are controls.
func canaries() map[string]string {
	embedded := func() string { return rand.Text() + `+/=%41&<y>$HOME$$~é` + rand.Text() }
	values := map[string]string{
		"WHOLE":   rand.Text() + " \"quoted\" 'so' \\ %41 & <é>\n$" + rand.Text() + "\n",
		"EMBED":   embedded(),
		"CACHE":   embedded(),
		"DB":      embedded(),
		"DB2":     embedded(), // what DB is rotated to
		"IN_ENV":  embedded(),
		"IN_ARGV": embedded(),
	}
	for _, place := range []string{"file", "argv", "environ", "stdout", "stderr", "label", "event"} {
		values["planted "+place] = "planted-" + rand.Text()
	}
	return values
}

// permits are the only places where a secret may be. Each is a control, too: where none is
// found the search is blind.
var permits = []permit{
	allow("WHOLE|EMBED|MADE|IN_.*|DB2?|CACHE", `[^:]*: delivered to .*`, "a file in its container is what a secret is for"),
	allow("IN_ENV", `[^:]*: inspect of (open|cache)(-\w+)?: Config\.Env`, "the spec puts it into the environment, with a warning"),
	allow("IN_ARGV", `[^:]*: inspect of (open|cache)(-\w+)?: (Args|Config\.Cmd)`, "the spec puts it into the command, with a warning"),
	allow(".*", `[^:]*: minibot .*run (--only \w+ )?-- .*: environ`, "run becomes the program, which may see it in its environment"),
	allow(".*", `[^:]*: child (consumer|reader): environ`, "the same"),
	allow(".*", `[^:]*: minibot .*--secret-store env .*: environ`, "a person put it there"),
	allow("the store's key", `[^:]*: store /(\.key\.txt\.new-\d+|key\.txt)`, "that is the file"),

	allow("EMBED", `[^:]*: file /here/compose\.yml`, "a person wrote it there, and init does not take it over"),

	allow("planted file", `[^:]*: file /here/planted`, "control"),
	allow("planted argv", `[^:]*: child (consumer|reader): argv`, "control"),
	allow("planted argv", `[^:]*: minibot .*run -- (consumer|reader) .*: argv`, "control"),
	allow("planted environ", `[^:]*: child (consumer|reader): environ`, "control"),
	allow("planted environ", `[^:]*: minibot .*run -- .*: environ`, "control"),
	allow("planted stdout", `[^:]*: minibot .*run -- reader .*: stdout`, "control"),
	allow("planted stderr", `[^:]*: minibot .*run -- no-such-.*: (argv|stderr)`, "control"),
	allow("planted label", `[^:]*: inspect of planted: Config\.Labels`, "control"),
	allow("planted label", `event: container \w+`, "control: an event tells the labels"),
	allow("planted event", `event: container exec_(create|start)`, "control"),
}

// Whatever minibot is told to do, and whatever goes wrong: no value of a secret is seen but
// where it has to be.
func TestCanary(t *testing.T) {
	engine, refs := testbed.Require(t)
	shared := lab{exhibits: newExhibits(), engine: engine, refs: refs, values: canaries(), base: t.TempDir()}
	t.Setenv("MINIBOT_SECRETS_DIR", filepath.Join(shared.base, "secrets")) // for learn
	for name, value := range shared.values {
		shared.secret(name, value)
	}
	last := rand.Text()
	noMoreEvents := follow(t, shared.exhibits, engine, last)

	t.Run("all", func(t *testing.T) {
		for name, flags := range variants {
			t.Run("commands-"+name, func(t *testing.T) {
				t.Parallel()
				everyCommand(shared.in(t), flags)
			})
		}
		for name, goWrong := range failures {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				l := shared.in(t)
				goWrong(l)
				l.close()
			})
		}
	})

	l := shared.in(t)
	l.execute(l.plant("for the last event"), "true", last)
	noMoreEvents()
	leaks, unused := judge(shared.search(), permits)
	for _, leak := range leaks {
		t.Errorf("LEAK: %s", leak)
	}
	for _, p := range unused {
		t.Errorf("not found: %s", p)
	}
	t.Logf("searched %d places for %d secrets", len(shared.texts), len(shared.sought))
}

// Each command of minibot has a row, so that its words are searched.
func TestCanaryKnowsEveryCommand(t *testing.T) {
	var calls [][]string
	for _, row := range commandRows(map[string]string{}) {
		calls = append(calls, row.args)
	}
	for _, path := range withoutCall(t, calls) {
		t.Errorf("no row in commandRows runs `minibot %s`: add one, so that it is searched for secrets", path)
	}
}

// withoutCall are the commands that none of the calls runs.
func withoutCall(t *testing.T, calls [][]string) (paths []string) {
	t.Helper()
	parser := newParser(&commands{})
	run := map[string]bool{}
	for _, args := range calls {
		traced, err := kong.Trace(parser, args)
		if err != nil || traced.Selected() == nil {
			t.Fatalf("minibot %s: %v", strings.Join(args, " "), err)
		}
		run[traced.Selected().Path()] = true
	}
	for _, leaf := range parser.Model.Leaves(false) {
		if !run[leaf.Path()] {
			paths = append(paths, leaf.Path())
		}
	}
	return paths
}

// commandRows use every command once at least, on a stack that has all sorts of secrets.
func commandRows(values map[string]string) []call {
	quoted := func(names ...string) (text string) {
		for _, name := range names {
			text += name + "='" + values[name] + "'\n"
		}
		return text
	}
	return []call{
		{args: []string{"version"}},
		{args: []string{"init", "--service", "postgres,openclaw", "-f", "begun.hcl"}},
		{args: []string{"init", "--none"}, want: exitError},
		{args: []string{"init", "--from", "compose.yml", "-f", "translated.hcl"}},
		{args: []string{"help", "environment"}},
		{args: []string{"completion", "bash"}},
		{args: []string{"__complete", "fish", "secret", "set", ""}},
		{args: []string{"__man", "man"}},
		{args: []string{"fmt"}},
		{args: []string{"fmt", "--check", "--diff"}},
		{args: []string{"validate"}},
		{args: []string{"render"}},
		{args: []string{"render", "-o", "docker-compose.yml"}},
		{args: []string{"render", "--check", "docker-compose.yml"}},
		{args: []string{"lock"}},
		{args: []string{"lock", "--update"}, want: exitError}, // no registry has its images
		{args: []string{"outdated"}},
		{args: []string{"secret", "where"}},
		{args: []string{"secret", "check"}, want: exitSecret},
		{args: []string{"secret", "import", "-"}, stdin: quoted("EMBED", "CACHE", "IN_ENV") + "OTHER=" + values["EMBED"] + "\n"},
		{args: []string{"secret", "set", "WHOLE"}, stdin: values["WHOLE"]},
		{args: []string{"--secret-store", "env", "secret", "export", "--to", "file", "IN_ARGV", "DB"},
			env: []string{"MINIBOT_SECRET_IN_ARGV=" + values["IN_ARGV"], "MINIBOT_SECRET_DB=" + values["DB"]}},
		{args: []string{"secret", "generate"}},
		{args: []string{"secret", "check"}},
		{args: []string{"secret", "list"}},
		{args: []string{"secret", "show", "WHOLE"}, want: exitUsage},
		{args: []string{"plan"}},
		{args: []string{"plan", "--detailed-exitcode"}, want: exitDiffers},
		{args: []string{"plan", "-o", "saved.plan"}},
		{args: []string{"apply"}, want: exitUsage},
		{args: []string{"apply", "saved.plan"}},
		{args: []string{"apply", "saved.plan"}, want: exitRefused},
		{args: []string{"apply", "-y"}},
		{args: []string{"plan", "--detailed-exitcode"}},
		{args: []string{"status"}},
		{args: []string{"history"}},
		{args: []string{"doctor"}, want: -1},
		{args: []string{"logs", "-n", "all"}},
		{args: []string{"tunnel", "--print"}},
		{args: []string{"tunnel", "cache"}, want: -1}, // the fake ssh ends as it likes
		{args: []string{"verify"}, want: -1},
		{args: []string{"verify", "-v"}, want: -1},
		{args: []string{"verify", "-o", "report.txt", "-o", "report.json", "-o", "report.xml", "-o", "report.sarif", "-o", "report.prom"}, want: -1},
		{args: []string{"verify", "--only", "auth", "--skip", "auth.redis", "--severity", "high"}, want: -1},
		{args: []string{"verify", "--collect", "evidence.json"}, want: -1},
		{args: []string{"verify", "--from", "evidence.json"}, want: -1},
		{args: []string{"verify", "--list"}},
		{args: []string{"explain", "auth.pg.accepts-spec"}},
		{args: []string{"schedule", "install"}},
		{args: []string{"schedule", "run"}, want: -1},
		{args: []string{"schedule", "status"}},
		{args: []string{"schedule", "remove", "--keep-reports"}},
		{args: []string{"secret", "rotate", "DB", "--ask", "-y"}, stdin: values["DB2"]},
		{args: []string{"secret", "rotate", "CACHE", "-y"}},
		{args: []string{"run", "--", "consumer", values["planted argv"]}, env: []string{"PLANTED=" + values["planted environ"]}},
		{args: []string{"run", "--only", "WHOLE", "--", "consumer"}},
		{args: []string{"run", "--", "reader", values["planted argv"]}, stdin: values["planted stdout"], env: []string{"PLANTED=" + values["planted environ"]}},
		{args: []string{"run", "--", "no-such-" + values["planted stderr"]}, want: exitError},
		{args: []string{"secret", "rm", "-y", "MADE"}},
		{args: []string{"plan"}},
		{args: []string{"verify"}, want: -1},
		{args: []string{"destroy", "-y"}},
	}
}

// everyCommand runs all rows with some flags. Before the last one, which takes the stack
// down, it looks at all that has become of it.
func everyCommand(l *lab, flags []string) {
	l.spec(fmt.Sprintf(canarySpec, l.stack, l.refs.Redis, l.refs.Postgres, freePort(l), freePort(l)))
	l.write("world/here/compose.yml", fmt.Sprintf(canaryCompose, quoted(strings.ReplaceAll(l.values["EMBED"], "$", "$$"), false)), 0o600)
	rows := commandRows(l.values)
	l.run(call{args: slices.Concat(flags, []string{"init", "--from-live", l.adoptee(l.values["EMBED"]), "-f", "adopted.hcl"})})
	for i, row := range rows {
		switch {
		case row.args[0] == "secret" && row.args[1] == "rm":
			l.learn()
		case i == len(rows)-1:
			l.learn()
			l.write("world/here/planted", l.values["planted file"], 0o600)
			l.execute(l.plant(l.values["planted label"]), "true", l.values["planted event"])
			l.delivered("sealed", "/run/secrets")
			l.delivered("open", "/etc/app")
			l.close()
		}
		row.args = slices.Concat(flags, row.args)
		said := l.run(row)
		if row.args[0] == "--debug" && row.args[1] == "plan" && !strings.Contains(said, "\ndebug: GET /v") {
			l.Errorf("--debug does not say what is asked of the engine:\n%s", said)
		}
	}
	l.close()
}

// canaryCompose holds a password plainly, as people's compose files do.
const canaryCompose = `
services:
  db:
    image: postgres:17
    environment: {POSTGRES_PASSWORD: "%[1]s"}
    command: ["--password", "%[1]s"]
`

const canarySpec = `
name = %[1]q
network "%[1]s-net" {}
remote "ssh" { destination = "nobody@localhost" }
secret "WHOLE" { generate = false }
secret "EMBED" { generate = false }
secret "IN_ENV" { generate = false }
secret "IN_ARGV" { generate = false }
secret "CACHE" {}
secret "DB" {}
secret "MADE" {}
service "cache" {
  image   = %[2]q
  user    = "999:999"
  command = ["redis-server", "/run/secrets/redis.conf"]
  file "/run/secrets/redis.conf" { content = "requirepass ${secret.CACHE.value}\nsave \"\"\n" }
  bind {
    port      = 6379
    published = %[4]d
  }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  tmpfs = ["/data"]
  healthcheck {
    test     = ["CMD-SHELL", "redis-cli ping | grep NOAUTH"]
    interval = "1s"
  }
  auth "redis" { password = secret.CACHE.value }
}
service "db" {
  image = %[3]q
  user  = "999:999"
  env = {
    POSTGRES_USER          = "minibot"
    POSTGRES_PASSWORD_FILE = secret.DB.file
    POSTGRES_INITDB_ARGS   = "--auth-local=scram-sha-256 --auth-host=scram-sha-256 --no-sync"
  }
  bind {
    port      = 5432
    published = %[5]d
  }
  limits {
    memory = "512MB"
    cpus   = 1
  }
  volume "data" { target = "/var/lib/postgresql/data" }
  tmpfs       = ["/tmp", "/var/run/postgresql:uid=999,gid=999,mode=0775"]
  read_only   = true
  stop_signal = "SIGINT"
  healthcheck {
    test     = ["CMD", "pg_isready", "-U", "minibot", "-h", "127.0.0.1"]
    interval = "1s"
    retries  = 30
  }
  auth "postgres" {
    user     = "minibot"
    password = secret.DB.value
  }
}
service "sealed" {
  image   = %[2]q
  user    = "999:999"
  command = ["redis-server", "--dir", "/tmp", "--save", ""]
  env = {
    WHOLE_FILE = secret.WHOLE.file
    MADE_FILE  = secret.MADE.file
  }
  file "/run/secrets/app.conf" { content = "password ${secret.EMBED.value}\n" }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  tmpfs     = ["/tmp", "/data"]
  read_only = true
}
service "open" {
  image      = %[2]q
  entrypoint = ["/bin/sh", "-c", "exec redis-server --save ''"]
  command    = ["sh", "--password=${secret.IN_ARGV.value}"]
  env = {
    TOKEN      = "prefix ${secret.IN_ENV.value} suffix"
    WHOLE_FILE = secret.WHOLE.file
  }
  file "/etc/app/app.conf" { content = "${secret.EMBED.value}\n" }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  tmpfs = ["/data"]
}
`
