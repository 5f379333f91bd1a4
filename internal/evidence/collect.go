package evidence

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"minibot/internal/host"
	"minibot/internal/plan"
	"minibot/internal/secret"
	"minibot/verify"
)

// Collector stands between verify and what it looks at, and keeps it. Use it for one report.
type Collector struct {
	real      host.Machine
	machine   machineRecorder
	transport transportRecorder
	tape      *tape
	secrets   map[string]secret.Value
	failures  map[string]*Failure
	marker    secret.Marker
	reducer   reducer
}

// Collect begins to collect, for the stack of a compose project, with the secrets that a store holds. All of them are
// read, since none may stand in the evidence; a store that does not tell, and a value that is too short to be found, is
// an error. One that the store lacks is none.
func Collect(ctx context.Context, project string, names []string, lookup func(context.Context, string) (secret.Value, error)) (*Collector, error) {
	c := &Collector{
		real: host.This(), tape: newTape(nil), secrets: map[string]secret.Value{}, failures: map[string]*Failure{},
		transport: transportRecorder{answers: map[string]Answer{}},
	}
	for _, name := range names {
		value, err := lookup(ctx, name)
		switch {
		case errors.Is(err, secret.ErrNotFound):
			c.failures[name] = failure(err)
		case err != nil:
			return nil, fmt.Errorf("a secret that cannot be read cannot be kept out of the evidence: %w", err)
		case !value.IsZero():
			c.secrets[name] = value
		}
	}
	var err error
	c.marker, err = secret.NewMarker(c.secrets, func(name string, mark, value secret.Value) bool {
		return verify.Weakness(name, mark) == verify.Weakness(name, value)
	})
	c.reducer = reducer{project: project, marker: c.marker}
	c.transport.reduce = c.reducer.reduce
	return c, err
}

// Wrap is put around what carries requests to the engine.
func (c *Collector) Wrap(next http.RoundTripper) http.RoundTripper {
	c.transport.next = next
	return &c.transport
}

// Attach has verify look through the collector. Inside and Containers of the subject must be set if they will be.
func (c *Collector) Attach(s *verify.Subject) {
	r := recorder{tape: c.tape, reducer: c.reducer, inside: s.Inside, containers: s.Containers, prober: s.Prober, expects: expectationsOf(s)}
	if r.prober == nil {
		r.prober = verify.Probes{Inside: s.Inside, Dialer: s.Dialer, Timeout: s.ProbeTimeout}
	}
	s.Machine, s.Prober = c.machine.machine(c.real), r
	if s.Inside != nil {
		s.Inside, s.Containers = r, r
	}
	s.Secret = func(_ context.Context, name string) (secret.Value, error) {
		if failed := c.failures[name]; failed != nil {
			return secret.Value{}, failed.Err()
		}
		return c.secrets[name], nil
	}
}

// Encode is all that was collected, as the bytes of a Bundle: marked, and told apart by what the caller knows.
func (c *Collector) Encode(b Bundle, live plan.Live, unseen error, now time.Time) ([]byte, error) {
	b.FormatVersion, b.Made = FormatVersion, now.UTC()
	b.Engine.Unseen = failure(unseen)
	if unseen == nil {
		b.Engine.Answers = c.transport.all()
		b.Store.Store = live.Store
		for _, container := range live.Containers {
			if len(container.Changed) > 0 {
				if b.Store.Changed == nil {
					b.Store.Changed = map[string][]string{}
				}
				b.Store.Changed[container.ID] = container.Changed
			}
		}
	}
	b.Store.Failures, b.Store.Marks = c.failures, map[string]string{}
	for name := range c.secrets {
		mark, _ := c.marker.Value(name)
		b.Store.Marks[name] = string(mark.Reveal())
	}
	b.Machine, b.Calls = c.machine.seen(c.real), c.tape.all()
	data, err := b.Encode()
	if err != nil {
		return nil, err
	}
	return c.marker.Mark(data), nil
}

// WithoutHome is encoded evidence in which the user's home directory has another's name. It is the caller's to see
// whether that says the same.
func WithoutHome(data []byte, home string) []byte {
	i := strings.LastIndexByte(home, '/')
	if i < 0 {
		return data
	}
	return []byte(strings.ReplaceAll(string(data), home, home[:i]+"/user"))
}

// Home is the home directory of who collected, as a path from the root.
func (c *Collector) Home() string { return c.real.Home }
