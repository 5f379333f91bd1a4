package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/image"

	"minibot/internal/testbed"
)

const pullSpec = `name = %[1]q

network "%[1]s-net" {}

service "web" {
  image   = %[2]q
  user    = "999:999"
  command = ["redis-server", "--dir", "/data", "--appendonly", "yes"]
  volume "data" { target = "/data" }
  bind {
    port      = 6379
    published = %[3]d
  }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  # more
}
`

const otherSpec = `
service "other" {
  image   = %q
  user    = "999:999"
  command = ["redis-server", "--save", ""]
  tmpfs   = ["/data"]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
}
`

// pulling is a stack whose image comes from a hub of its own.
type pulling struct {
	*testing.T
	*hub
	dir, stack string
	port       int
	said       bytes.Buffer // all that minibot said
	pattern    *regexp.Regexp
	seen       chan struct{}
}

// listens returns what is closed when minibot, run next, says something.
func (p *pulling) listens(pattern string) <-chan struct{} {
	p.pattern, p.seen = regexp.MustCompile(pattern), make(chan struct{})
	return p.seen
}

// heard is what minibot says while it runs.
type heard struct {
	said    bytes.Buffer // not embedded: it would be read into past Write
	pattern *regexp.Regexp
	seen    chan struct{} // closed once the pattern is there
}

func (h *heard) Write(p []byte) (int, error) {
	n, err := h.said.Write(p)
	if h.pattern != nil && h.pattern.Match(h.said.Bytes()) {
		close(h.seen)
		h.pattern = nil
	}
	return n, err
}

// canaries are in every password of the hub's, the true one and a wrong one.
const trueCanary, wrongCanary = "c4nary-right-password", "c4nary-wrong-password"

func newPulling(t *testing.T, engine *testbed.Private, base string) *pulling {
	t.Helper()
	p := &pulling{T: t, hub: newHub(t, engine, base), dir: t.TempDir(), stack: engine.Project(t), port: freePort(t)}
	for _, dir := range []string{"home", "config", "bin"} {
		if err := os.Mkdir(filepath.Join(p.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	p.file("minibot.hcl", fmt.Sprintf(pullSpec, p.stack, p.ref("web:1"), p.port), 0o600)
	t.Cleanup(p.kept)
	return p
}

func (p *pulling) file(name, text string, mode fs.FileMode) {
	p.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), mode); err != nil {
		p.Fatal(err)
	}
}

// edit replaces what stands once in the spec.
func (p *pulling) edit(old, new string) {
	p.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "minibot.hcl"))
	if err != nil {
		p.Fatal(err)
	}
	if n := strings.Count(string(text), old); n != 1 {
		p.Fatalf("%q stands %d times in the spec", old, n)
	}
	p.file("minibot.hcl", strings.Replace(string(text), old, new, 1), 0o600)
}

// ends runs minibot where the hub is, with a docker configuration of its own; it must end with
// that code, and its words are returned.
func (p *pulling) ends(code int, args ...string) string {
	p.Helper()
	cmd := exec.CommandContext(p.Context(), "minibot", append([]string{"--debug"}, args...)...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+p.engine.Host, "HOME="+filepath.Join(p.dir, "home"), "XDG_STATE_HOME=",
		"DOCKER_CONFIG="+filepath.Join(p.dir, "config"), "PATH="+filepath.Join(p.dir, "bin")+":"+os.Getenv("PATH"))
	out := heard{pattern: p.pattern, seen: p.seen}
	cmd.Stdout, cmd.Stderr = &out, &out
	p.pattern, p.seen = nil, nil
	if err := p.engine.Inside(cmd.Run); cmd.ProcessState == nil {
		p.Fatal(err)
	}
	p.said.Write(out.said.Bytes())
	if got := cmd.ProcessState.ExitCode(); got != code {
		p.Errorf("minibot %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, &out.said)
	}
	return out.said.String()
}

// says expects words in what was said.
func (p *pulling) says(said string, patterns ...string) {
	p.Helper()
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(said) {
			p.Errorf("it does not say %s:\n%s", pattern, said)
		}
	}
}

// up brings up the stack with a first image, whose ID is returned.
func (p *pulling) up() (id string) {
	p.Helper()
	id = p.push(p.T, "web", "1", 1<<16)
	p.ends(exitDone, "apply", "-y")
	return id
}

// made is the image that the service runs.
func (p *pulling) made() string {
	p.Helper()
	inspected, err := p.engine.Client.ContainerInspect(p.Context(), p.stack+"-web")
	if err != nil {
		p.Fatal(err)
	}
	return inspected.Image
}

// fails applies what cannot be: it says why, and the service that runs is not touched, as a
// client sees that asks it all the time.
func (p *pulling) fails(patterns ...string) {
	p.Helper()
	before, err := p.engine.Client.ContainerInspect(p.Context(), p.stack+"-web")
	if err != nil {
		p.Fatal(err)
	}
	over := make(chan struct{})
	var asking sync.WaitGroup
	asked, refused := 0, 0
	asking.Go(func() {
		for {
			if asked++; !p.answers() {
				refused++
			}
			select {
			case <-over:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	said := p.ends(exitError, "apply", "-y")
	close(over)
	asking.Wait()
	p.says(said, patterns...)
	if refused > 0 {
		p.Errorf("the old service did not answer %d of %d times", refused, asked)
	}
	after, err := p.engine.Client.ContainerInspect(p.Context(), before.ID)
	if err != nil || after.Name != before.Name || after.State.StartedAt != before.State.StartedAt {
		p.Errorf("the old container was touched: %v", err)
	}
	if lines := strings.Count(regexp.MustCompile(`(?m)^debug: .*\n`).ReplaceAllString(said, ""), "\n"); lines > 24 {
		p.Errorf("it says it in %d lines", lines)
	}
}

func (p *pulling) answers() bool {
	conn, err := p.engine.Dial(p.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	answer := make([]byte, 5)
	_, _ = fmt.Fprint(conn, "PING\r\n")
	_, err = conn.Read(answer)
	return err == nil && string(answer) == "+PONG"
}

// kept makes sure that a password is in nothing that minibot said or wrote.
func (p *pulling) kept() {
	search := func(what string, text []byte) {
		for _, canary := range []string{trueCanary, wrongCanary, encoded(trueCanary), encoded(wrongCanary)} {
			if bytes.Contains(text, []byte(canary)) {
				p.Errorf("%s has a password", what)
			}
		}
	}
	search("what minibot said", p.said.Bytes())
	err := filepath.WalkDir(filepath.Join(p.dir, "home"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		search(path, text)
		return err
	})
	if err != nil {
		p.Error(err)
	}
}

func encoded(password string) string {
	return base64.StdEncoding.EncodeToString([]byte("me:" + password))
}

// auths is docker's own configuration after docker login.
func (p *pulling) auths(password string) {
	p.Helper()
	p.file("config/config.json", fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, p.host, encoded(password)), 0o600)
}

// helper is a program that keeps logins, as docker's credential helpers do.
func (p *pulling) helper(name, password string) {
	p.Helper()
	p.file("bin/docker-credential-"+name, fmt.Sprintf("#!/bin/sh\nread -r host\n[ \"$1 $host\" = 'get %s' ] || { echo 'credentials not found in native keychain'; exit 1; }\necho '{\"ServerURL\": \"%s\", \"Username\": \"me\", \"Secret\": \"%s\"}'\n", p.host, p.host, password), 0o700)
}

// Images come from a registry, as the spec says when, and with docker's own login. What keeps
// one from coming is said, and touches nothing that runs.
func TestPulls(t *testing.T) {
	t.Parallel()
	_, refs := testbed.Require(t)
	engine := quiet(t)
	for name, test := range map[string]func(*pulling){
		"missing": func(p *pulling) {
			id := p.push(p.T, "web", "1", 2<<20)
			p.says(p.ends(exitDone, "plan"), `image `+p.ref("web:1")+`\s+pull`)
			// The registry is slow until that is said.
			seen := p.listens(`"verb":"pull-image","text":"1 of 2 layers, [\d.]+(kB|MB) of 2\.\d+MB"`)
			p.meddles(func(w http.ResponseWriter, r *http.Request, _ string, images http.Handler) {
				images.ServeHTTP(slow{w, seen}, r)
			})
			p.ends(exitDone, "apply", "-y", "--json")
			select {
			case <-seen:
			default:
				p.Errorf("it does not say how far it is:\n%s", &p.said)
			}
			p.meddles(nil)
			p.ends(exitDone, "plan", "--detailed-exitcode")
			if made := p.made(); made != id {
				p.Errorf("it runs %s, want %s", made, id)
			}
			before := p.downloads("web")
			p.edit("# more", `env = { WORD = "two" }`)
			p.ends(exitDone, "apply", "-y")
			if before == 0 || p.downloads("web") != before {
				p.Errorf("%d downloads, then %d", before, p.downloads("web"))
			}
		},
		"always": func(p *pulling) {
			p.up()
			p.edit("# more", `pull_policy = "always"`)
			id := p.push(p.T, "web", "1", 1<<16)
			p.ends(exitDone, "plan", "--detailed-exitcode")
			p.says(p.ends(exitDone, "apply", "-y", "--replace", "web"), "pull_policy is always|pulled")
			if made := p.made(); made != id {
				p.Errorf("it runs %s, want %s", made, id)
			}
			p.ends(exitDone, "plan", "--detailed-exitcode")
		},
		"never": func(p *pulling) {
			p.push(p.T, "web", "1", 1<<16)
			p.edit("# more", `pull_policy = "never"`)
			p.says(p.ends(exitError, "apply", "-y"), "pull_policy is never", "docker load")
			if n := p.downloads("web"); n > 0 {
				p.Errorf("%d downloads", n)
			}
			if _, err := p.engine.Client.ContainerInspect(p.Context(), p.stack+"-web"); err == nil {
				p.Error("there is a container")
			}
		},
		"moved": func(p *pulling) {
			old := p.up()
			id := p.push(p.T, "web", "1", 1<<16)
			stream, err := p.engine.Client.ImagePull(p.Context(), p.ref("web:1"), image.PullOptions{})
			if err != nil {
				p.Fatal(err)
			}
			_, _ = new(bytes.Buffer).ReadFrom(stream)
			stream.Close()
			digest := func(id string) string { return strings.TrimPrefix(id, "sha256:")[:12] }
			p.says(p.ends(exitDiffers, "plan", "--detailed-exitcode"), "image +"+digest(old)+" → "+digest(id)+` +\(the tag .* names another image now\)`)
			p.ends(exitDone, "apply", "-y")
			if made := p.made(); made != id {
				p.Errorf("it runs %s, want %s", made, id)
			}
			p.ends(exitDone, "plan", "--detailed-exitcode")
		},
		"side by side": func(p *pulling) {
			p.push(p.T, "web", "1", 1<<20)
			p.push(p.T, "other", "1", 1<<20)
			p.edit("# more\n}\n", "# more\n}\n"+fmt.Sprintf(otherSpec, p.ref("other:1")))
			// Neither gets anything before both have been asked for.
			var mu sync.Mutex
			waits, both := map[string]bool{}, make(chan struct{})
			p.meddles(func(w http.ResponseWriter, r *http.Request, name string, images http.Handler) {
				mu.Lock()
				if !waits[name] {
					if waits[name] = true; len(waits) == 2 {
						close(both)
					}
				}
				mu.Unlock()
				select {
				case <-both:
					images.ServeHTTP(w, r)
				case <-time.After(time.Minute):
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			})
			p.ends(exitDone, "apply", "-y")
			p.ends(exitDone, "plan", "--detailed-exitcode")
		},
		"dies in a layer": func(p *pulling) {
			p.up()
			p.push(p.T, "web", "2", 8<<20)
			p.edit("web:1", "web:2")
			p.meddles(func(w http.ResponseWriter, _ *http.Request, _ string, _ http.Handler) {
				w.Header().Set("Content-Length", fmt.Sprint(8<<20))
				_, _ = w.Write(make([]byte, 4<<20))
				panic(http.ErrAbortHandler)
			})
			p.fails("pull .*: .*(unexpected EOF|verification failed|broken|reset)")
			p.meddles(nil)
			p.ends(exitDone, "apply", "-y")
			p.ends(exitDone, "plan", "--detailed-exitcode")
		},
		"unknown tag": func(p *pulling) {
			p.up()
			p.edit("web:1", "web:9")
			p.fails("pull .*: .*(manifest unknown|not found)")
		},
		"no build for the processor": func(p *pulling) {
			p.up()
			p.onlyFor(p.T, "web", "2", "1", "riscv64")
			p.edit("web:1", "web:2")
			p.fails("no build for this machine's processor", `platform = "linux/`)
		},
		"no build for the platform": func(p *pulling) {
			p.up()
			p.onlyFor(p.T, "web", "2", "1", "amd64")
			p.edit("web:1", "web:2")
			p.edit("# more", `platform = "linux/riscv64"`)
			p.fails("no build for linux/riscv64")
		},
		"no login": func(p *pulling) {
			p.up()
			p.push(p.T, "web", "2", 1<<16)
			p.opens("me", trueCanary)
			p.edit("web:1", "web:2")
			p.fails("every service is as it was", "docker login "+p.host)
		},
		"login in docker's file": func(p *pulling) {
			p.opens("me", trueCanary)
			p.auths(trueCanary)
			p.up()
			p.ends(exitDone, "plan", "--detailed-exitcode")
		},
		"login in a store": func(p *pulling) {
			p.opens("me", trueCanary)
			p.helper("fake", trueCanary)
			p.file("config/config.json", `{"credsStore": "fake"}`, 0o600)
			p.up()
		},
		"login by a helper": func(p *pulling) {
			p.opens("me", trueCanary)
			p.helper("fake", trueCanary)
			p.file("config/config.json", fmt.Sprintf(`{"credsStore": "missing", "credHelpers": {%q: "fake"}}`, p.host), 0o600)
			p.up()
		},
		"wrong login": func(p *pulling) {
			p.up()
			p.push(p.T, "web", "2", 1<<16)
			p.opens("me", trueCanary)
			p.auths(wrongCanary)
			p.edit("web:1", "web:2")
			p.fails("refuses the login", "docker login "+p.host)
		},
		"a helper that is not there": func(p *pulling) {
			p.up()
			p.push(p.T, "web", "2", 1<<16)
			p.opens("me", trueCanary)
			p.file("config/config.json", `{"credsStore": "missing"}`, 0o600)
			p.edit("web:1", "web:2")
			p.fails("docker-credential-missing")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newPulling(t, engine, refs.Redis))
		})
	}
}
