package secret

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Read takes the value of a secret from a person or a pipe, never from an argument list.
//
// If in is a terminal it asks on messages by the secret's name and reads one line without echo, twice if confirm is
// set. Otherwise all of in is the value, up to MaxValue bytes, less one newline at the end. An empty value is an
// error. When the context ends, Read returns its error, with the terminal's echo back on.
func Read(ctx context.Context, in io.Reader, messages io.Writer, name string, confirm bool) (Value, error) {
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return readTerminal(ctx, int(f.Fd()), messages, name, confirm)
	}
	text, err := await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(in, MaxValue+2+1)) }) // with \r\n, and one more to see
	if err != nil {
		return Value{}, fmt.Errorf("read the value of %s: %w", name, err)
	}
	return accept(name, cutNewline(text))
}

func readTerminal(ctx context.Context, fd int, messages io.Writer, name string, confirm bool) (Value, error) {
	first, err := readHidden(ctx, fd, messages, "Value of "+name+": ")
	if err != nil {
		return Value{}, fmt.Errorf("read the value of %s: %w", name, err)
	}
	value, err := accept(name, first)
	if err != nil || !confirm {
		return value, err
	}
	second, err := readHidden(ctx, fd, messages, "The same again: ")
	if err != nil {
		return Value{}, fmt.Errorf("read the value of %s: %w", name, err)
	}
	if !value.Equal(NewValue(second)) {
		return Value{}, fmt.Errorf("the two values of %s differ; nothing was stored", name)
	}
	return value, nil
}

// readHidden reads a line without echo. An interrupt arrives as the end of the context, while the read goes on: the
// terminal's state has to be put back here.
func readHidden(ctx context.Context, fd int, messages io.Writer, prompt string) ([]byte, error) {
	state, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(messages, prompt)
	line, err := await(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	if ctx.Err() != nil {
		_ = term.Restore(fd, state)
	}
	fmt.Fprintln(messages)
	return line, err
}

func accept(name string, text []byte) (Value, error) {
	switch {
	case len(text) == 0:
		return Value{}, fmt.Errorf("the value of %s is empty", name)
	case len(text) > MaxValue:
		return Value{}, fmt.Errorf("the value of %s is longer than %d bytes", name, MaxValue)
	}
	return NewValue(text), nil
}

// cutNewline takes one newline off the end, as a line of a terminal or the output of a program has it.
func cutNewline(text []byte) []byte {
	text, newline := bytes.CutSuffix(text, []byte("\n"))
	if newline {
		text = bytes.TrimSuffix(text, []byte("\r"))
	}
	return text
}
