package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"minibot/internal/testbed"
)

const logsSpec = `
name = %q
network "%s-net" {}
secret "TOKEN" { generate = false }
service "talker" {
  image      = %q
  user       = "999:999"
  entrypoint = ["/bin/sh", "-c"]
  command    = ["echo %s; cat $TOKEN_FILE; echo; exec sleep 1000"]
  env        = { TOKEN_FILE = secret.TOKEN.file }
  tmpfs      = ["/data"]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
}
`

// logs --follow stays with a service when its container is made anew, shows no secret, not even the one that the new
// container was given, and ends with whole lines on Ctrl-C.
func TestLogsFollow(t *testing.T) {
	engine, refs := testbed.Require(t)
	stack, dir := engine.Project(t), t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	t.Setenv("DOCKER_HOST", engine.Host)
	t.Setenv("MINIBOT_SECRETS_DIR", t.TempDir())
	t.Setenv("MINIBOT_STATE_DIR", t.TempDir())
	minibot := func(stdin string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "minibot", append([]string{"--secret-store", "file"}, args...)...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
		return cmd
	}
	done := func(stdin string, args ...string) {
		t.Helper()
		if out, err := minibot(stdin, args...).CombinedOutput(); err != nil {
			t.Fatalf("minibot %v: %v\n%s", args, err, out)
		}
	}
	spec := func(word string) {
		text := fmt.Sprintf(logsSpec, stack, stack, refs.Redis, word)
		if err := os.WriteFile(filepath.Join(dir, "minibot.hcl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const first, second = "first-canary-of-the-logs", "second-canary-of-the-logs"
	spec("beginning")
	done(first, "secret", "set", "TOKEN")
	done("", "apply", "-y")

	follow := minibot("", "logs", "--follow")
	var stderr bytes.Buffer
	follow.Stderr = &stderr
	stdout, err := follow.StdoutPipe()
	if err == nil {
		err = follow.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	lines := bufio.NewReader(stdout)
	until := func(want string) {
		t.Helper()
		for {
			line, err := lines.ReadString('\n')
			if all += line; err != nil {
				t.Fatalf("%v, and never %q in\n%s%s", err, want, all, &stderr)
			}
			if line == want {
				return
			}
		}
	}
	until("talker | beginning\n")
	until("talker | ***\n")
	done(second, "secret", "set", "-y", "TOKEN")
	spec("again")
	done("", "apply", "-y")
	until("talker | again\n")
	until("talker | ***\n")
	if err := follow.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := lines.ReadString(0)
	all += rest
	if code := exitOf(t, follow.Wait()); code != exitInterrupted {
		t.Errorf("exit code %d\n%s", code, &stderr)
	}
	if strings.Contains(all+stderr.String(), "canary") || !strings.HasSuffix(all, "\n") {
		t.Errorf("a secret, or half a line, in\n%s%s", all, &stderr)
	}
	if strings.Count(all, "beginning") != 1 || strings.Count(all, "again") != 1 {
		t.Errorf("not each line once:\n%s", all)
	}
	if !strings.Contains(stderr.String(), "talker runs again\n") {
		t.Errorf("stderr:\n%s", &stderr)
	}
}
