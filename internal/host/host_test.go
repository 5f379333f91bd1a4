package host

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// said is a Run of the tests: it answers each command line, joined by spaces, with a recorded output.
type said map[string]struct {
	out string
	err error
}

func (s said) run(_ context.Context, argv ...string) ([]byte, error) {
	line := strings.Join(argv, " ")
	answer, ok := s[line]
	if !ok {
		return nil, errors.New("unexpected command: " + line)
	}
	return []byte(answer.out), answer.err
}

// exitStatus is the error of a program that ended with this status.
func exitStatus(status int) error { return &ExitError{Program: "/program", Status: status} }

func TestRun(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip(err)
	}
	t.Setenv("MINIBOT_TEST", "inherited")
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	out, err := run(t.Context(), "/bin/sh", "-c", `echo "$MINIBOT_TEST/$LC_ALL"`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("/C\n", string(out)); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}

	out, err = run(t.Context(), "/bin/sh", "-c", `echo out; printf 'no \033[2J\nmore\n' >&2; exit 3`)
	if stderr, ok := ended(err, 3); string(out) != "out\n" || !ok || stderr != "no \033[2J\nmore\n" {
		t.Errorf("%q, %v, %q", out, err, stderr)
	}
	if want := `/bin/sh: exit status 3: "no \x1b[2J"`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := run(ctx, "/bin/sh", "-c", "while :; do :; done"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if _, err := run(t.Context(), "/no/such/program"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
