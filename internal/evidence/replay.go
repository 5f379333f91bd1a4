package evidence

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"minibot/internal/plan"
	"minibot/internal/secret"
	"minibot/verify"
)

// Wrap is put around what would carry requests to the engine: none leaves.
func (b Bundle) Wrap(http.RoundTripper) http.RoundTripper { return b.Engine.transport() }

// Attach has verify look at what was collected. The caller has observed the engine through Wrap, unless Engine.Unseen
// says that nobody could.
func (b Bundle) Attach(s *verify.Subject) {
	p := player{newTape(b.Calls)}
	s.Local, s.Endpoint, s.Offline, s.Now = b.Engine.Local, b.Engine.Host, b.Offline, b.Made
	s.Machine, s.Prober, s.Inside, s.Containers = b.Machine.Host(), p, p, p
	s.Unseen = b.Engine.Unseen.Err()
	s.Secret = b.secret
}

// Remember fills in what the store said of the stack's secrets.
func (b Bundle) Remember(live *plan.Live) {
	live.Store = b.Store.Store
	for i := range live.Containers {
		live.Containers[i].Changed = b.Store.Changed[live.Containers[i].ID]
	}
}

// secret is the mark that stands where the value stood.
func (b Bundle) secret(_ context.Context, name string) (secret.Value, error) {
	if failed := b.Store.Failures[name]; failed != nil {
		return secret.Value{}, failed.Err()
	}
	mark, ok := b.Store.Marks[name]
	if !ok {
		return secret.Value{}, fmt.Errorf("%w: secret %s", ErrMissing, name)
	}
	if mark == "" {
		return secret.Value{}, errors.New("it is empty")
	}
	return secret.NewValue([]byte(mark)), nil
}
