package lookout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"

	"github.com/mattn/go-shellwords"

	"minibot/internal/secret"
)

const (
	programWait  = time.Minute // that a program may take
	programGrace = time.Second // for pipes that a child of an ended program keeps open
)

// Words splits a command line into a program and its arguments, as a shell does, but runs
// none: there are no variables, pipes or redirections. It has one word at least.
func Words(line string) ([]string, error) {
	parser := shellwords.NewParser()
	words, err := parser.Parse(line)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is no command line: a quote is not closed", line)
	case parser.Position >= 0:
		return nil, fmt.Errorf("%q has %q in it, which only a shell knows: quote it, or write sh -c '…'", line, string(line[parser.Position]))
	case len(words) == 0 || words[0] == "":
		return nil, errors.New("it names no program")
	}
	return words, nil
}

// Tell starts a program with what it is told on its standard input, and waits until it ends.
// What it prints goes to messages. It sees this environment without minibot's secrets, and
// after a minute it is killed, with all of its process group.
func Tell(ctx context.Context, argv []string, told []byte, messages io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, programWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(told), messages, messages
	cmd.Env = secret.Environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = programGrace
	switch err := cmd.Run(); {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s did not end within %v, and was killed", argv[0], programWait)
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return fmt.Errorf("%s: %w", argv[0], err)
	}
}
