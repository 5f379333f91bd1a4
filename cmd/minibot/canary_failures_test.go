package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/docker/client"

	"minibot/internal/probe"
	"minibot/internal/secret"
)

// failures are the ways in which things go wrong. Each makes sure by the exit code that
// they did.
var failures = map[string]func(*lab){
	"wrong-spec": func(l *lab) {
		l.small("WHOLE", "CACHE")
		l.edit("redis-cli ping | grep NOAUTH", "redis-cli -a ${secret.CACHE.value} ping") // it would stand in docker inspect
		l.fails(exitError, "validate")
		l.fails(exitError, "plan")
		l.fails(exitError, "apply", "-y")
		l.fails(exitError, "run", "--", "consumer")
	},
	"secret-missing": func(l *lab) {
		l.small("CACHE")
		l.fails(exitSecret, "secret", "check")
		l.fails(exitSecret, "apply", "-y")
		l.fails(exitSecret, "run", "--", "consumer")
		l.fails(exitSecret, "secret", "rm", "-y", "WHOLE")
		l.fails(exitError, "secret", "rotate", "CACHE", "-y") // nothing runs
	},
	"store-locked": func(l *lab) {
		l.small("WHOLE", "CACHE")
		l.must(os.Rename(filepath.Join(l.vaultDir(), "key.txt"), l.path("input/key.txt")))
		l.brokenStore(exitSecret)
	},
	"store-denied": func(l *lab) {
		l.small("WHOLE", "CACHE")
		l.must(os.Chmod(filepath.Join(l.vaultDir(), "secrets.age"), 0o644))
		l.brokenStore(exitSecret)
	},
	"store-corrupt": func(l *lab) {
		l.small("WHOLE", "CACHE")
		l.spoil("secrets.age", func(text []byte) []byte { text[len(text)-1] ^= 1; return text })
		l.brokenStore(exitError)
	},
	"store-key-corrupt": func(l *lab) {
		l.small("WHOLE", "CACHE")
		l.spoil("key.txt", func(text []byte) []byte { return append([]byte(strings.TrimSpace(string(text))), "X\n"...) })
		l.brokenStore(exitError)
	},
	"store-exec-fails": func(l *lab) {
		l.small()
		l.vault(`printf %s "$value"; printf 'no: %s\n' "$value" >&2; exit 1`)
		l.brokenStore(exitSecret)
		for _, encoded := range []string{"base64 -w0", "od -An -tx1 -w4096 | tr -d ' '"} {
			l.vault(`printf %s "$value"; printf %s "$value" | ` + encoded + ` >&2; exit 1`)
			l.minibot(exitSecret, "secret", "check")
		}
		l.vault(`while :; do printf %s "$value"; done`)
		l.brokenStore(exitError)
	},
	"store-exec": func(l *lab) {
		l.small()
		l.vault(`printf '%s\n' "$value"`)
		l.fails(exitError, "secret", "set", "CACHE") // it is read-only
		l.minibot(0, "secret", "check")
		l.fails(exitDone, "apply", "-y")
		l.minibot(0, "plan", "--detailed-exitcode")
		l.minibot(0, "secret", "export", "--to", "file")
		l.learn()
		l.fails(exitError, "secret", "rotate", "CACHE", "-y")
	},
	"store-env": func(l *lab) {
		l.small()
		env := []string{"MINIBOT_SECRET_WHOLE=" + l.values["WHOLE"], "MINIBOT_SECRET_CACHE=" + l.values["CACHE"]}
		flags := []string{"--secret-store", "env"}
		for _, args := range [][]string{{"secret", "list"}, {"secret", "set", "CACHE"}, {"secret", "export", "--to", "env"}, {"run", "--", "consumer"}} {
			l.run(call{args: append(flags, args...), env: env, want: -1})
		}
		// Over ssh, and the ssh is a child.
		for _, args := range [][]string{{"plan"}, {"apply", "-y"}, {"plan"}, {"verify"}, {"destroy", "-y"}} {
			l.run(call{args: append([]string{"--host", "ssh://nobody@nowhere.invalid", "--debug"}, append(flags, args...)...), env: env, want: -1})
		}
		if records, _ := filepath.Glob(l.path("records/ssh.*.environ")); len(records) == 0 {
			l.Error("no ssh was started")
		}
	},
	"engine-down": func(l *lab) {
		l.small("WHOLE", "CACHE")
		l.host = "unix://" + l.path("no-engine.sock")
		l.brokenEngine()
	},
	"engine-nonsense": func(l *lab) {
		l.small("WHOLE", "CACHE")
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "<html>%s</html>", r.URL)
		}))
		defer server.Close()
		l.host = strings.Replace(server.URL, "http", "tcp", 1)
		l.brokenEngine()
	},
	// Its messages repeat what it was sent.
	"engine-echoes": func(l *lab) {
		l.small("WHOLE", "CACHE", "IN_ENV", "IN_ARGV")
		for _, where := range []string{"/containers/create", "/archive"} {
			server := echo(l, where)
			l.host = strings.Replace(server.URL, "http", "tcp", 1)
			l.fails(exitError, "apply", "-y")
			server.Close()
		}
		l.host = l.engine.Host
		l.edit(`"/bin/sh"`, `"${secret.IN_ARGV.value}"`) // the engine says what it could not start
		l.fails(exitUnhealthy, "apply", "-y")
	},
	// Its last words, which minibot shows, hold its secrets in every way of writing.
	"crash": func(l *lab) {
		l.small("WHOLE", "CACHE", "IN_ENV", "IN_ARGV")
		const works = "exec redis-server /run/secrets/redis.conf"
		tells := strings.Join([]string{
			"cat /run/secrets/*", "echo $TOKEN $1 >&2", "base64 -w0 /run/secrets/WHOLE", "od -An -tx1 -w4096 /run/secrets/WHOLE | tr -d ' '",
			`set -x; : \"$(cat /run/secrets/redis.conf)\"; exit 3`,
		}, "; ")
		l.edit(works, tells)
		if said := l.minibot(exitUnhealthy, "apply", "-y"); !strings.Contains(said, "requirepass ***") {
			l.Errorf("its last words are not shown:\n%s", said)
		}
		l.edit(tells, works)
		l.minibot(0, "apply", "-y")
		l.edit(works, tells)
		l.fails(exitUnhealthy, "apply", "-y") // the old one comes back
	},
	"health": func(l *lab) {
		l.small("WHOLE", "CACHE", "IN_ENV", "IN_ARGV")
		l.edit("redis-cli ping | grep NOAUTH", "cat /run/secrets/* >&2; echo $TOKEN; exit 1")
		l.fails(exitUnhealthy, "apply", "-y")
	},
	"rotation": func(l *lab) {
		addr := l.small("WHOLE", "CACHE")
		l.minibot(0, "apply", "-y")
		for _, signal := range [][]string{{"interrupt"}, {"interrupt", "-KILL"}} {
			l.run(call{via: append(signal, "kept the old and the new"), args: []string{"secret", "rotate", "CACHE", "-y"}, want: -1})
			l.learn()
			l.minibot(-1, "plan")
			l.minibot(-1, "verify")
			l.minibot(-1, "secret", "list")
		}
		l.minibot(0, "apply", "-y")
		l.learn()
		l.run(call{args: []string{"secret", "rotate", "CACHE", "--ask", "-y"}, stdin: "", want: exitError})
		// The service knows neither the store's password nor the one it was given.
		l.changeRedis(addr, l.values["EMBED"])
		l.fails(exitError, "secret", "rotate", "CACHE", "-y")
		l.minibot(-1, "verify")
		l.run(call{args: []string{"secret", "set", "-y", "CACHE"}, stdin: l.values["DB"]})
		l.fails(exitError, "secret", "rotate", "CACHE", "-y")
		l.minibot(exitDone, "plan")
		l.minibot(-1, "verify")
		l.must(l.engine.Client.ContainerKill(l.Context(), l.stack+"-cache", "KILL"))
		l.fails(exitError, "secret", "rotate", "CACHE", "-y")
	},
	"panic": func(l *lab) {
		l.small("WHOLE", "CACHE", "IN_ENV", "IN_ARGV")
		l.panics("", "apply", "-y")
		l.panics("waiting until it is healthy", "apply", "-y")
		l.minibot(0, "apply", "-y")
		l.panics("kept the old and the new", "secret", "rotate", "CACHE", "-y")
		l.learn()
		l.panics("Error: ", "secret", "set", "CACHE")
	},
	"port-taken": func(l *lab) {
		listener, err := net.Listen("tcp", l.small("WHOLE", "CACHE"))
		l.must(err)
		defer listener.Close()
		l.fails(exitError, "apply", "-y")
	},
	"image-missing": func(l *lab) {
		l.small("WHOLE", "CACHE")
		l.edit(l.refs.Redis, "127.0.0.1:1/no/such:image")
		l.minibot(exitError, "apply", "-y")
	},
	"apply-stopped": func(l *lab) {
		l.small("WHOLE", "CACHE", "IN_ENV", "IN_ARGV")
		l.edit("redis-cli ping | grep NOAUTH", "exit 1")
		for _, signal := range [][]string{{"interrupt"}, {"interrupt", "-KILL"}, {"interrupt", "-KILL"}} {
			l.run(call{via: append(signal, "waiting until it is healthy"), args: []string{"apply", "-y"}, want: -1})
			l.close()
		}
		l.edit("exit 1", "redis-cli ping | grep NOAUTH")
		l.minibot(0, "apply", "-y")
	},
	"run": func(l *lab) {
		l.small("WHOLE", "CACHE")
		l.fails(exitDone, "run", "--", "consumer", "argument")
		l.fails(exitError, "run", "--only", "NONE", "--", "consumer")
		l.fails(exitUsage, "run", "consumer")
		l.write("world/here/not-a-program", "\x7fELF nonsense", 0o700)
		l.fails(exitError, "run", "--", "./not-a-program")
	},
	"import": func(l *lab) {
		l.small()
		value := l.values["EMBED"]
		for _, line := range []string{
			"CACHE='" + value + "\n", `CACHE="` + value + "\n", "CACHE " + value + "\n", value + "=\n", value + "\n", "CACHE=" + value + "\x00\n", "export '" + value + "'=x\n",
			"CACHE=" + value + "\n", value[:26] + "=\n", "CACHE=\"${" + value[:26] + "}\"\n", "[" + value + "]\n", `CACHE="a" ` + value + "\n",
		} {
			l.write("input/.env", line, 0o600)
			for _, flags := range variants {
				l.run(call{args: append(flags[:len(flags):len(flags)], "secret", "import", l.path("input/.env")), want: -1})
			}
		}
		l.fill("CACHE")
		l.write("input/.env", "CACHE='"+value+"'\n", 0o644)
		l.fails(exitError, "secret", "import", l.path("input/.env")) // it has another value
		l.minibot(0, "secret", "import", "--replace", l.path("input/.env"))
	},
	"export": func(l *lab) {
		l.small("WHOLE", "CACHE")
		env := []string{"MINIBOT_SECRET_CACHE=" + l.values["EMBED"]}
		args := []string{"--secret-store", "env", "secret", "export", "--to", "file"}
		l.run(call{args: args, env: env, want: exitError}) // it has another value
		l.run(call{args: append(args, "--replace"), env: env})
		l.fails(exitError, "secret", "export", "--to", "file")
		l.fails(-1, "secret", "export", "--to", "keychain")
		l.fails(-1, "secret", "export", "--to", "secret-service")
	},
	"set": func(l *lab) {
		l.small("WHOLE", "CACHE")
		l.run(call{args: []string{"secret", "set", "CACHE"}, stdin: l.values["EMBED"], want: exitUsage}) // who would answer?
		l.run(call{args: []string{"secret", "set", "NONE"}, stdin: l.values["EMBED"], want: exitError})
		l.run(call{args: []string{"secret", "set", "-y", "CACHE"}, stdin: strings.Repeat(l.values["EMBED"], 4000), want: exitError})
		l.must(os.Chmod(l.vaultDir(), 0o500))
		l.run(call{args: []string{"secret", "set", "-y", "CACHE"}, stdin: l.values["EMBED"], want: -1}) // root may write it
		l.must(os.Chmod(l.vaultDir(), 0o700))
		l.fails(exitUsage, "secret", "show", "CACHE")
	},
}

// small writes a spec of one service and stores the values of some of its secrets. It
// returns the address at which the service listens.
func (l *lab) small(names ...string) (addr string) {
	l.Helper()
	port := freePort(l)
	l.spec(fmt.Sprintf(smallSpec, l.stack, l.refs.Redis, port))
	if len(names) > 2 { // the visible ones, too
		l.edit(`env        = {`, "env        = {\n    TOKEN      = secret.IN_ENV.value")
		l.edit(`command    = ["/etc/app/run"]`, `command    = ["/etc/app/run", secret.IN_ARGV.value]`)
		l.edit(`secret "CACHE" {}`, "secret \"CACHE\" {}\nsecret \"IN_ENV\" { generate = false }\nsecret \"IN_ARGV\" { generate = false }")
	}
	if len(names) > 0 {
		l.fill(names...)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// spoil changes a file of the store.
func (l *lab) spoil(name string, change func([]byte) []byte) {
	l.Helper()
	path := filepath.Join(l.vaultDir(), name)
	text, err := os.ReadFile(path)
	l.must(err)
	l.must(os.WriteFile(path, change(text), 0o600))
}

// vault makes the stack's store a program that has the values, and says what it does with one.
func (l *lab) vault(script string) {
	for _, name := range []string{"WHOLE", "CACHE"} {
		l.write("input/"+name, l.values[name], 0o600)
	}
	l.write("input/vault.sh", "value=$(cat "+l.path("input")+"/$1)\n"+script+"\nexit\n", 0o600)
	text, err := os.ReadFile(l.path("world/here/minibot.hcl"))
	l.must(err)
	if !strings.Contains(string(text), "secrets {") {
		l.spec(string(text) + "secrets {\n  store   = \"exec\"\n  command = [\"vault\", \"{name}\"]\n}\n")
	}
}

// brokenStore does all for which the store is needed.
func (l *lab) brokenStore(want int) {
	l.Helper()
	l.fails(want, "secret", "check")
	l.fails(want, "apply", "-y")
	for _, args := range [][]string{
		{"secret", "list"}, {"secret", "where"}, {"plan"}, {"verify"}, {"run", "--", "consumer"}, {"secret", "generate"},
		{"secret", "rm", "-y", "CACHE"}, {"secret", "rotate", "CACHE", "-y"},
	} {
		l.minibot(-1, args...)
	}
	l.run(call{args: []string{"secret", "set", "-y", "CACHE"}, stdin: l.values["EMBED"], want: -1})
	l.run(call{args: []string{"secret", "import"}, stdin: "CACHE='" + l.values["EMBED"] + "'\n", want: -1})
}

// brokenEngine does all for which the engine is needed.
func (l *lab) brokenEngine() {
	l.Helper()
	verified := exitError
	if strings.HasPrefix(l.host, "tcp://") {
		verified = exitDiffers // an engine without a lock on its door is a fault that can be seen
	}
	l.fails(exitError, "plan")
	l.fails(exitError, "apply", "-y")
	l.fails(exitError, "destroy", "-y")
	l.fails(verified, "verify")
	l.fails(exitError, "secret", "rotate", "CACHE", "-y")
}

// echo is the engine, but what is sent to one path comes back in an error.
func echo(l *lab, path string) *httptest.Server {
	host, err := client.ParseHostURL(l.engine.Host)
	l.must(err)
	pass := &httputil.ReverseProxy{
		Director:      func(r *http.Request) { r.URL.Scheme, r.URL.Host = "http", "engine" },
		FlushInterval: -1,
		Transport: &http.Transport{Dial: func(string, string) (net.Conn, error) {
			return net.Dial(host.Scheme, host.Host)
		}},
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || !strings.HasSuffix(r.URL.Path, path) {
			pass.ServeHTTP(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": "invalid: " + string(body)})
	}))
}

// changeRedis gives the service a password that minibot does not know.
func (l *lab) changeRedis(addr, password string) {
	l.Helper()
	store, err := secret.Open("file", l.stack)
	l.must(err)
	current, err := store.Get(l.Context(), "CACHE")
	l.must(err)
	conn, err := net.Dial("tcp", addr)
	l.must(err)
	defer conn.Close()
	for _, words := range [][]string{{"AUTH", string(current.Reveal())}, {"CONFIG", "SET", "requirepass", password}} {
		command := fmt.Sprintf("*%d\r\n", len(words))
		for _, word := range words {
			command += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
		}
		_, err := io.WriteString(conn, command)
		l.must(err)
		answer := make([]byte, len("+OK\r\n"))
		if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "+OK\r\n" {
			l.Fatalf("redis: %s: %q, %v", words[0], answer, err)
		}
	}
	if answer, err := probe.RedisLogin(l.Context(), addr, "", current); err != nil || answer.State != probe.Rejects {
		l.Fatalf("redis still takes the old password: %v, %v", answer.State, err)
	}
}

const smallSpec = `
name = %[1]q
network "%[1]s-net" {}
secret "WHOLE" { generate = false }
secret "CACHE" {}
service "cache" {
  image      = %[2]q
  user       = "999:999"
  entrypoint = ["/bin/sh"]
  command    = ["/etc/app/run"]
  env        = {
    WHOLE_FILE = secret.WHOLE.file
  }
  file "/etc/app/run" { content = "exec redis-server /run/secrets/redis.conf\n" }
  file "/run/secrets/redis.conf" { content = "requirepass ${secret.CACHE.value}\nsave \"\"\n" }
  bind {
    port      = 6379
    published = %[3]d
  }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  tmpfs   = ["/data"]
  restart = "no"
  healthcheck {
    test     = ["CMD-SHELL", "redis-cli ping | grep NOAUTH"]
    interval = "1s"
    retries  = 2
  }
  auth "redis" { password = secret.CACHE.value }
}
`
