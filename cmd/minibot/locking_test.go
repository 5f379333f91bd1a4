package main

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"minibot/internal/lock"
)

// Whoever changed nothing, or came to a good end, leaves nothing for the next one to wait for.
func TestUnlock(t *testing.T) {
	for _, c := range []struct {
		name                    string
		before, rested, touched bool
		err                     error
		clean                   bool
	}{
		{"done", false, true, true, nil, true},
		{"not confirmed", false, true, false, errDeclined, true},
		{"failed on the way", true, true, true, errIncomplete, false},
		{"failed before it was at rest", false, false, false, errIncomplete, false},
		{"failed before it looked, and it was at rest", true, false, false, errIncomplete, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lock")
			held, err := lock.Acquire(t.Context(), path, 0, lock.Holder{PID: 1, Since: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			held.Clean = c.before
			s := &site{held: held, rested: c.rested, touched: c.touched}
			ended := c.err
			if s.unlock(&ended); !errors.Is(ended, c.err) || (ended == nil) != (c.err == nil) {
				t.Errorf("the error became %v", ended)
			}
			next, err := lock.Acquire(t.Context(), path, 0, lock.Holder{PID: 1, Since: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			if next.Clean != c.clean {
				t.Errorf("clean: %t, want %t", next.Clean, c.clean)
			}
			if err := next.Release(true); err != nil {
				t.Error(err)
			}
		})
	}
}
