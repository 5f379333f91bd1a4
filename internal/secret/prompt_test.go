package secret

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReadFromAPipe(t *testing.T) {
	long := strings.Repeat("x", MaxValue)
	for name, c := range map[string]struct{ in, want, err string }{
		"as it stands":      {"value", "value", ""},
		"one newline":       {"value\n", "value", ""},
		"one only":          {"value\n\n", "value\n", ""},
		"one of Windows":    {"value\r\n", "value", ""},
		"no lone return":    {"value\r", "value\r", ""},
		"many lines":        {"one\ntwo\n", "one\ntwo", ""},
		"spaces stay":       {"  v  \n", "  v  ", ""},
		"binary":            {"\x00\xff\n", "\x00\xff", ""},
		"the longest":       {long + "\r\n", long, ""},
		"too long":          {long + "x", "", "the value of TOKEN is longer than 65536 bytes"},
		"far too long":      {long + long, "", "the value of TOKEN is longer than 65536 bytes"},
		"empty":             {"", "", "the value of TOKEN is empty"},
		"only a newline":    {"\n", "", "the value of TOKEN is empty"},
		"only one of those": {"\r\n", "", "the value of TOKEN is empty"},
	} {
		var messages bytes.Buffer
		value, err := Read(context.Background(), strings.NewReader(c.in), &messages, "TOKEN", true)
		if got := string(value.Reveal()); got != c.want {
			t.Errorf("%s: got %d bytes, want %d", name, len(got), len(c.want))
		}
		if err != nil && err.Error() != c.err || err == nil && c.err != "" {
			t.Errorf("%s: error %v, want %s", name, err, c.err)
		}
		if messages.Len() > 0 {
			t.Errorf("%s: asked %q", name, messages.String())
		}
	}
}

func TestReadStopsWithItsContext(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Read(ctx, r, io.Discard, "TOKEN", false); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
