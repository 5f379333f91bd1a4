package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"minibot/internal/testbed"
)

// Of twenty applies at once one works. The others are told who does, or wait and find
// nothing to do. The result is one clean stack.
func TestConcurrentApplies(t *testing.T) {
	_, refs := testbed.Require(t)
	for name, timeout := range map[string]string{"refused": "0s", "waiting": "60s"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newComposed(t, composedSpec, refs.Redis)
			c.must("secret", "generate")
			var mu sync.Mutex
			codes, said := map[int]int{}, ""
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					cmd := exec.CommandContext(t.Context(), "minibot", "--secret-store", "file", "apply", "-y", "--lock-timeout", timeout)
					cmd.Dir = c.dir
					cmd.Env = append(os.Environ(), "MINIBOT_SECRETS_DIR="+filepath.Join(c.dir, "secrets"), "MINIBOT_STATE_DIR="+filepath.Join(c.dir, "state"))
					out, err := cmd.CombinedOutput()
					code := 0
					if exit := new(exec.ExitError); errors.As(err, &exit) {
						code = exit.ExitCode()
					}
					mu.Lock()
					defer mu.Unlock()
					codes[code]++
					if code == exitRefused {
						said = string(out)
					}
				})
			}
			all.Wait()
			if codes[0] == 0 || codes[0]+codes[exitRefused] != 20 || timeout != "0s" && codes[0] != 20 {
				t.Errorf("exit codes %v", codes)
			}
			if codes[exitRefused] > 0 && !strings.Contains(said, "another minibot is changing this stack: minibot apply, process ") {
				t.Errorf("it does not say who:\n%s", said)
			}
			c.must("plan", "--detailed-exitcode")
			if names := strings.Fields(c.mustRun("docker", "ps", "-a", "--filter", "name="+c.stack, "--format", "{{.Names}}")); len(names) != 1 {
				t.Errorf("containers %v", names)
			}
		})
	}
}
