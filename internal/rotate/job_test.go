package rotate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"minibot/internal/rotate"
	"minibot/internal/secret"
)

// errKilled is what everything answers from the moment at which the world is stopped.
var errKilled = errors.New("killed")

// world is a store, services and containers, which stops at a chosen deed. Reads and writes
// count, since minibot can be stopped at each of them.
type world struct {
	t       *testing.T
	values  map[string]string
	logins  []*login
	deeds   int
	stopAt  int    // the number of the deed at which all stops; 0 for never
	after   bool   // the deed is done before all stops
	only    bool   // that deed alone fails, and nothing stops
	refuse  string // a login that changes nothing
	propose string
	sealed  bool // the store cannot be written
	aside   bool // the store's value was changed by hand, and the services were not told
}

// deed counts, and runs what is done unless the world stops first.
func (w *world) deed(do func()) error {
	w.deeds++
	at := w.stopAt != 0 && (w.deeds == w.stopAt || w.deeds > w.stopAt && !w.only)
	if !at || w.after && w.deeds == w.stopAt {
		do()
	}
	w.check()
	if at {
		return errKilled
	}
	return nil
}

// check is the promise: each service answers to a password that the store holds.
func (w *world) check() {
	w.t.Helper()
	held := []string{w.values["NAME"]}
	if r, err := secret.FindRotation(context.Background(), quiet{w}, "NAME"); err == nil {
		held = append(held, string(r.Old.Reveal()), string(r.New.Reveal()))
	}
	for _, l := range w.logins {
		if w.aside { // before anything was begun, the container's own file is all that is left
			held = append(held, l.given)
		}
		if !slices.Contains(held, l.password) {
			w.t.Errorf("%s answers to %s, and the store holds %s", l.name, l.password, held)
		}
	}
}

// quiet is the store as it is, without counting.
type quiet struct{ w *world }

func (q quiet) Get(_ context.Context, name string) (secret.Value, error) {
	if text, ok := q.w.values[name]; ok {
		return secret.NewValue([]byte(text)), nil
	}
	return secret.Value{}, &secret.Error{Store: "test", Name: name, Kind: secret.ErrNotFound}
}

func (q quiet) Set(_ context.Context, name string, value secret.Value) error {
	q.w.values[name] = string(value.Reveal())
	return nil
}

func (q quiet) Delete(_ context.Context, name string) error {
	delete(q.w.values, name)
	return nil
}

func (q quiet) List(context.Context) ([]secret.Item, error) { return nil, nil }

// store is the store that minibot uses.
type store struct{ w *world }

func (s store) Get(ctx context.Context, name string) (value secret.Value, err error) {
	if e := s.w.deed(func() { value, err = quiet{s.w}.Get(ctx, name) }); e != nil {
		return secret.Value{}, e
	}
	return value, err
}

func (s store) Set(ctx context.Context, name string, value secret.Value) error {
	if s.w.sealed {
		return &secret.Error{Store: "test", Name: name, Kind: secret.ErrReadOnly}
	}
	return s.w.deed(func() { _ = quiet{s.w}.Set(ctx, name, value) })
}

func (s store) Delete(ctx context.Context, name string) error {
	if s.w.sealed {
		return &secret.Error{Store: "test", Name: name, Kind: secret.ErrReadOnly}
	}
	return s.w.deed(func() { _ = quiet{s.w}.Delete(ctx, name) })
}

func (s store) List(context.Context) ([]secret.Item, error) { return nil, nil }

// login is a service with one password.
type login struct {
	w        *world
	name     string
	live     bool
	initOnly bool   // a new container keeps the password
	password string // in force
	given    string // to its container
	down     bool
}

func (l *login) String() string { return l.name }
func (l *login) Live() bool     { return l.live }

func (l *login) Accepts(_ context.Context, password secret.Value) (accepted bool, err error) {
	err = l.w.deed(func() { accepted = string(password.Reveal()) == l.password })
	if err == nil && l.down {
		return false, errors.New("connection refused")
	}
	return accepted && err == nil, err
}

func (l *login) Change(_ context.Context, old, new secret.Value) error {
	if l.w.refuse == l.name {
		return errors.New("read-only database")
	}
	if string(old.Reveal()) != l.password {
		l.w.t.Errorf("%s is changed with a wrong old password", l.name)
	}
	return l.w.deed(func() { l.password = string(new.Reveal()) })
}

// renew makes the containers anew one by one; each is down for a moment.
func (w *world) renew(context.Context) error {
	for _, l := range w.logins {
		if l.given == w.values["NAME"] && !l.down {
			continue
		}
		if err := w.deed(func() { l.down = true }); err != nil {
			return err
		}
		err := w.deed(func() {
			l.given, l.down = w.values["NAME"], false
			if !l.initOnly {
				l.password = l.given
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) run() error {
	w.deeds = 0
	var logins []rotate.Login
	for _, l := range w.logins {
		logins = append(logins, l)
	}
	return rotate.Job{
		Name: "NAME", Store: store{w}, Logins: logins, Renew: w.renew, Tell: func(string) {},
		Propose: func(context.Context) (secret.Value, error) { return secret.NewValue([]byte(w.propose)), nil },
		Given: func(context.Context) (all []secret.Value, err error) {
			for _, l := range w.logins {
				all = append(all, secret.NewValue([]byte(l.given)))
			}
			return all, nil
		},
	}.Run(context.Background())
}

// worlds are the stacks in which a rotation is tried.
var worlds = map[string]func(t *testing.T) *world{
	"postgres": func(t *testing.T) *world {
		return newWorld(t, "old", &login{name: "postgres", live: true, initOnly: true})
	},
	"redis":      func(t *testing.T) *world { return newWorld(t, "old", &login{name: "redis", live: true}) },
	"openclaw":   func(t *testing.T) *world { return newWorld(t, "old", &login{name: "openclaw"}) },
	"an API key": func(t *testing.T) *world { return newWorld(t, "old") },
	"one password for three": func(t *testing.T) *world {
		return newWorld(t, "old", &login{name: "postgres", live: true, initOnly: true}, &login{name: "redis", live: true}, &login{name: "openclaw"})
	},
	"the store was changed first": func(t *testing.T) *world {
		return newWorld(t, "new", &login{name: "postgres", live: true, initOnly: true}, &login{name: "mongo", live: true, initOnly: true})
	},
}

func newWorld(t *testing.T, stored string, logins ...*login) *world {
	w := &world{t: t, values: map[string]string{"NAME": stored}, propose: "new", aside: stored == "new"}
	for _, l := range logins {
		l.w, l.password, l.given = w, "old", "old"
		w.logins = append(w.logins, l)
	}
	return w
}

func (w *world) done() error {
	var wrong []string
	for _, l := range w.logins {
		if l.password != "new" || l.given != "new" || l.down {
			wrong = append(wrong, fmt.Sprintf("%s answers to %s, was given %s, down %t", l.name, l.password, l.given, l.down))
		}
	}
	if len(w.values) != 1 || w.values["NAME"] != "new" {
		wrong = append(wrong, fmt.Sprintf("the store holds %v", w.values))
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

// Stopped at any deed, or failing at it, a rotation that is run again ends well, and at no
// time does a service answer to a password that nobody holds.
func TestEveryInterruption(t *testing.T) {
	for name, make := range worlds {
		t.Run(name, func(t *testing.T) {
			w := make(t)
			w.check()
			if err := w.run(); err != nil {
				t.Fatal(err)
			}
			if err := w.done(); err != nil {
				t.Fatal(err)
			}
			total := w.deeds
			for k := 1; k <= total; k++ {
				for _, how := range []struct{ after, only bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
					w := make(t)
					w.stopAt, w.after, w.only = k, how.after, how.only
					first := w.run()
					if first == nil {
						t.Errorf("deed %d of %d fails, and the rotation says nothing", k, total)
					}
					w.stopAt = 0
					ended := w.done() == nil // and only that could not be said any more
					if err := w.run(); err != nil && !ended {
						t.Errorf("deed %d %+v: %v; again: %v", k, how, first, err)
					}
					if err := w.done(); err != nil {
						t.Errorf("deed %d %+v: %v; again: %v", k, how, first, err)
					}
				}
			}
		})
	}
}

// A service that will not change leaves all as it was, and no rotation begun.
func TestNothingChanged(t *testing.T) {
	w := worlds["postgres"](t)
	w.refuse = "postgres"
	err := w.run()
	if !errors.Is(err, rotate.ErrNothingChanged) || len(w.values) != 1 || w.values["NAME"] != "old" {
		t.Errorf("%v, %v", err, w.values)
	}
	unfinished := new(rotate.UnfinishedError)
	if errors.As(err, &unfinished) {
		t.Errorf("it says that the rotation is not finished: %v", err)
	}
}

// Of two services that share a password, one has it and one will not: that is not forgotten.
func TestHalfChanged(t *testing.T) {
	w := newWorld(t, "old", &login{name: "postgres", live: true, initOnly: true}, &login{name: "mongo", live: true, initOnly: true})
	w.refuse = "mongo"
	unfinished := new(rotate.UnfinishedError)
	if err := w.run(); !errors.As(err, &unfinished) || len(w.values) != 2 {
		t.Fatalf("%v, %v", err, w.values)
	}
	w.refuse, w.propose = "", "never asked for"
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if err := w.done(); err != nil {
		t.Fatal(err)
	}
}

// A service that accepts no value that anybody knows stays as it is.
func TestUnknownPassword(t *testing.T) {
	w := worlds["postgres"](t)
	w.logins[0].password = "lost"
	w.t = &testing.T{} // nobody holds it from the start
	err := w.run()
	if err == nil || !strings.Contains(err.Error(), "postgres accepts neither") || len(w.values) != 1 {
		t.Errorf("%v, %v", err, w.values)
	}
}

// In a store that cannot be written nothing is rotated; a value that was changed in it by
// other hands is taken over.
func TestReadOnlyStore(t *testing.T) {
	w := worlds["postgres"](t)
	w.sealed = true
	if err := w.run(); !errors.Is(err, secret.ErrReadOnly) || !errors.Is(err, rotate.ErrNothingChanged) || w.logins[0].password != "old" {
		t.Errorf("%v; the password is %s", err, w.logins[0].password)
	}
	w = worlds["the store was changed first"](t)
	w.sealed = true
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if err := w.done(); err != nil {
		t.Error(err)
	}
}

// The same value again is no rotation.
func TestSameValue(t *testing.T) {
	w := worlds["redis"](t)
	w.propose = "old"
	if err := w.run(); !errors.Is(err, rotate.ErrNothingChanged) {
		t.Error(err)
	}
}
