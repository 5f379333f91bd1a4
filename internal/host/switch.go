package host

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// Switch is a thing that is on or off, and the words that said so, on one line. They name no user.
type Switch struct {
	On   bool
	Said string
}

// words read a program's output: whichever pattern is found says on or off. Off is looked for first, since "disabled" may
// stand beside a word for on.
type words struct{ off, on *regexp.Regexp }

// read finds out what the words say. Anything else is an error.
func (w words) read(out []byte) (Switch, error) {
	for _, one := range []struct {
		pattern *regexp.Regexp
		on      bool
	}{{w.off, false}, {w.on, true}} {
		if found := one.pattern.Find(out); found != nil {
			return Switch{On: one.on, Said: strings.TrimSpace(printable(string(found)))}, nil
		}
	}
	return Switch{}, fmt.Errorf("unknown words: %.80q", out)
}

// ask runs a program of macOS and reads its words; fact names what is asked, for errors.
func (m Machine) ask(ctx context.Context, fact string, w words, argv ...string) (Switch, error) {
	if err := m.only("darwin"); err != nil {
		return Switch{}, err
	}
	out, err := m.Run(ctx, argv...)
	if err != nil {
		return Switch{}, fmt.Errorf("%s: %w", fact, err)
	}
	state, err := w.read(out)
	if err != nil {
		return Switch{}, fmt.Errorf("%s: %w", fact, err)
	}
	return state, nil
}
