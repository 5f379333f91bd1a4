package secret

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a pseudo-terminal: what a person types and sees, and what the program has.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// prompts hands each message over as it is written.
type prompts chan string

func (p prompts) Write(text []byte) (int, error) {
	p <- string(text)
	return len(text), nil
}

// typist answers each prompt once the echo is off, and returns all messages.
func typist(t *testing.T, person, program *os.File, messages prompts, lines ...string) string {
	var all strings.Builder
	for message := range messages {
		all.WriteString(message)
		if message == "\n" || len(lines) == 0 {
			continue
		}
		for echoes(t, program) { // the prompt is written first; a line typed before would show
		}
		fmt.Fprintln(person, lines[0])
		lines = lines[1:]
	}
	return all.String()
}

func TestReadFromATerminal(t *testing.T) {
	for name, c := range map[string]struct {
		typed       []string
		confirm     bool
		want        string
		err, dialog string
	}{
		"once":          {[]string{canary}, false, canary, "", "Value of TOKEN: \n"},
		"twice":         {[]string{canary, canary}, true, canary, "", "Value of TOKEN: \nThe same again: \n"},
		"two values":    {[]string{canary, "other"}, true, "", "the two values of TOKEN differ; nothing was stored", "Value of TOKEN: \nThe same again: \n"},
		"empty":         {[]string{""}, true, "", "the value of TOKEN is empty", "Value of TOKEN: \n"},
		"with a return": {[]string{"a b"}, false, "a b", "", "Value of TOKEN: \n"},
	} {
		t.Run(name, func(t *testing.T) {
			person, program := openTerminal(t)
			messages := make(prompts)
			var value Value
			var err error
			go func() {
				defer close(messages)
				value, err = Read(context.Background(), program, messages, "TOKEN", c.confirm)
			}()
			dialog := typist(t, person, program, messages, c.typed...)
			if string(value.Reveal()) != c.want || dialog != c.dialog || err != nil && err.Error() != c.err || err == nil && c.err != "" {
				t.Errorf("value %q, dialog %q, error %v", value.Reveal(), dialog, err)
			}
			if !echoes(t, program) {
				t.Error("the echo stays off")
			}
			fmt.Fprint(program, "END")
			seen := make([]byte, 1000)
			n, _ := person.Read(seen)
			mustNotShow(t, "the screen", string(seen[:n]))
		})
	}
}

func TestReadFromATerminalIsInterrupted(t *testing.T) {
	person, program := openTerminal(t)
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	messages := make(prompts)
	var err error
	go func() {
		defer close(messages)
		_, err = Read(ctx, program, messages, "TOKEN", true)
	}()
	for message := range messages {
		if message != "\n" {
			for echoes(t, program) {
			}
			interrupt()
		}
	}
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if !echoes(t, program) {
		t.Error("the echo stays off")
	}
	fmt.Fprintln(person, "lets the read behind it end")
}
