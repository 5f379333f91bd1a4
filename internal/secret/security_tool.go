package secret

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// securityProgram is signed by Apple: items that it makes open without a dialog after every rebuild of minibot, and
// to any program of the user that asks `security` for them. That is the price of a build without cgo.
const securityProgram = "/usr/bin/security"

const (
	// security -i reads lines into a buffer of 4096; what is beyond 4095 bytes would be run as the next command.
	toolMaxLine = 4095
	// toolMaxValue is the largest value in bytes: two hex digits each, and room for the names.
	toolMaxValue = 1900
	// toolMaxOutput bounds what is kept of the program's output: a keychain's whole list of items fits many times.
	toolMaxOutput = 32 << 20
)

// toolStore reaches the keychain through security(1) without a value in an argument list or environment: the command
// goes to stdin (-i), the value in hexadecimal (-X) so that no quoting exists to get wrong, and comes back by -g, the
// one output that tells text and hex apart. (Rules: SecurityTool/macOS in apple-oss-distributions/Security-61901.)
type toolStore struct {
	stack   string
	program string
	wait    time.Duration
}

func (s *toolStore) Get(ctx context.Context, name string) (Value, error) {
	_, messages, err := s.run(ctx, name, "find-generic-password "+s.item(name)+" -g")
	if err != nil {
		return Value{}, err
	}
	value, ok := parsePassword(messages)
	if !ok {
		return Value{}, &Error{Store: "keychain", Name: name, Detail: "the answer of " + s.program + " could not be read"}
	}
	return value, nil
}

func (s *toolStore) Set(ctx context.Context, name string, value Value) error {
	if n := len(value.peek()); n > toolMaxValue {
		return tooLong("keychain", name, n, toolMaxValue)
	}
	_, _, err := s.run(ctx, name, fmt.Sprintf("add-generic-password -U %s -l %q -D %q -X %s",
		s.item(name), keychainLabel(s.stack, name), keychainDescription, hex.EncodeToString(value.peek())))
	return err
}

func (s *toolStore) Delete(ctx context.Context, name string) error {
	_, _, err := s.run(ctx, name, "delete-generic-password "+s.item(name))
	return err
}

// List reads the attributes of all items in the user's keychains, which asks for nothing: no values without -d.
func (s *toolStore) List(ctx context.Context) ([]Item, error) {
	output, _, err := s.run(ctx, "", "dump-keychain")
	if err != nil {
		return nil, err
	}
	return parseDump(output, keychainService(s.stack)), nil
}

// item names one item. Both names have been checked and need no escapes inside the quotes.
func (s *toolStore) item(name string) string {
	return fmt.Sprintf("-s %q -a %q", keychainService(s.stack), name)
}

// run has the program carry out one command. Its exit status is the command's: the low byte of an OSStatus.
func (s *toolStore) run(ctx context.Context, name, command string) (output, messages []byte, err error) {
	line := command + "\n" // without a newline the last line is dropped
	if len(line) > toolMaxLine {
		return nil, nil, &Error{Store: "keychain", Name: name, Detail: "the name and value together are too long for " + s.program}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.wait, errNoAnswer)
	defer cancel()

	out, errs := limited{most: toolMaxOutput}, limited{most: toolMaxOutput}
	cmd := exec.CommandContext(ctx, s.program, "-i")
	cmd.Stdin = bytes.NewReader([]byte(line))
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = toolEnv()
	cmd.WaitDelay = time.Second // for pipes that a helper of the killed program keeps open

	err = cmd.Run()
	if err == nil {
		return out.buf.Bytes(), errs.buf.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, nil, unanswered(ctx, name, s.wait)
	}
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return nil, nil, toolError(name, exit.ExitCode())
	}
	return nil, nil, &Error{Store: "keychain", Name: name, Kind: ErrUnavailable, Detail: "could not run " + s.program, Cause: err}
}

// toolEnv is all that the program sees of our environment. LC_ALL=C: what counts as printable depends on the locale.
func toolEnv() []string {
	env := []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"}
	for _, variable := range []string{"HOME", "USER", "LOGNAME"} {
		if text := os.Getenv(variable); text != "" {
			env = append(env, variable+"="+text)
		}
	}
	return env
}

// toolError finds the status that has this low byte.
func toolError(name string, code int) error {
	for _, s := range keychainStatuses {
		if s.status&0xff == code {
			return keychainError(name, s.status)
		}
	}
	return &Error{Store: "keychain", Name: name, Detail: fmt.Sprintf("security ended with exit status %d", code)}
}
