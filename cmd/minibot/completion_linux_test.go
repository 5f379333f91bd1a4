package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The three shells, on a real terminal: what a person begins to type and ends with Tab is what minibot is called with.
func TestCompletionInShells(t *testing.T) {
	shells := map[string]struct {
		argv []string
		load string
	}{
		"bash": {[]string{"--norc", "--noprofile", "-i"}, `eval "$(minibot completion bash)"`},
		"zsh":  {[]string{"-f", "-i"}, `autoload -Uz compinit; compinit -u -D; eval "$(minibot completion zsh)"`},
		"fish": {[]string{"--no-config", "-i"}, "minibot completion fish | source"},
	}
	typed := []struct{ keys, want string }{
		{"minibot pla\t", "plan"},
		{"minibot plan --det\t", "plan --detailed-exitcode"},
		{"minibot logs seco\t", "logs second"},
		{"minibot -f oth\tlogs on\t", "-f other.hcl logs only"}, // a file's name, then a service of that file
		{"minibot secret set API\t", "secret set API_KEY"},
		{"minibot explain net.publish.loop\t", "explain net.publish.loopback"},
		{"minibot verify --only=net.publish.loop\t", "verify --only=net.publish.loopback"},
		{"minibot run --only API_KEY,DB\t", "run --only API_KEY,DB_PASSWORD"},
		{"minibot help spec service heal\t", "help spec service healthcheck"},
		{"minibot -f bad.hcl logs brok\t", "-f bad.hcl logs broken"}, // what can be read of it
	}
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			program := requireTool(t, name)
			dir := t.TempDir()
			for file, text := range map[string]string{"minibot.hcl": completionSpec, "other.hcl": strings.ReplaceAll(completionSpec, `"second"`, `"only"`), "bad.hcl": "services = 1\nservice \"broken\" {\n}\n"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			said, begin := shellCalls(t, program, shell.argv, shell.load, dir)
			for _, one := range typed {
				if got := begin(one.keys); got != one.want {
					t.Errorf("%q became %q, want %q\n%s", one.keys, got, one.want, said())
				}
			}
		})
	}
}

const completionSpec = `
name = "box"
network "box-net" {}
secret "API_KEY" { generate = false }
secret "DB_PASSWORD" {}
service "first" {
  image = "one:1"
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
}
service "second" {
  image = "two:1"
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
}
`

// shellCalls starts a shell on a terminal of its own, in a folder where minibot is a program that writes down how it is
// called and does no more, but for what completion needs. The function types keys and returns the call.
func shellCalls(t *testing.T, program string, argv []string, load, dir string) (screen func() string, call func(keys string) string) {
	t.Helper()
	real, err := exec.LookPath("minibot")
	if err != nil {
		t.Fatal(err)
	}
	bin, calls := filepath.Join(dir, "bin"), filepath.Join(dir, "calls")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	fake := fmt.Sprintf("#!/bin/sh\ncase $1 in completion|__complete) exec %s \"$@\" ;; esac\necho \"$*\" >>%s\n", real, calls)
	if err := os.WriteFile(filepath.Join(bin, "minibot"), []byte(fake), 0o700); err != nil {
		t.Fatal(err)
	}
	person, terminal := openTerminal(t)
	cmd := exec.Command(program, argv...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir, "TERM=xterm", "LANG=C.UTF-8", "XDG_CONFIG_HOME=" + dir, "XDG_DATA_HOME=" + dir}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	shown := &seenText{}
	go io.Copy(shown, person)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	done := 0
	call = func(keys string) string {
		t.Helper()
		fmt.Fprint(person, keys+"\r")
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			text, _ := os.ReadFile(calls)
			if lines := strings.Split(string(text), "\n"); len(lines) > done+1 {
				done++
				return strings.TrimSpace(lines[done-1])
			}
		}
		return "nothing"
	}
	fmt.Fprint(person, load+"\r")
	if got := call("minibot ready"); got != "ready" { // and the shell reads what is typed
		t.Fatalf("the shell does not start: %q\n%s", got, shown.String())
	}
	return shown.String, call
}

// What the hidden command says, without a shell.
func TestComplete(t *testing.T) {
	for line, want := range map[string][]string{
		"":               {""},
		"a b":            {"a", "b"},
		"a  b ":          {"a", "b", ""},
		`a 'b c' "d\"e"`: {"a", "b c", `d"e`},
		`a b\ c`:         {"a", "b c"},
		`a "b c`:         {"a", "b c"},
	} {
		if diff := cmp.Diff(want, splitLine(line)); diff != "" {
			t.Errorf("%s: -want +got\n%s", line, diff)
		}
	}
}

// seenText is what a terminal showed.
type seenText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *seenText) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *seenText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
