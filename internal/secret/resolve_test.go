package secret

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mapStore is a store in memory; a name in fail answers that instead.
type mapStore struct {
	values map[string]Value
	fail   map[string]error
	sets   []string
	gets   int
}

func (s *mapStore) Get(_ context.Context, name string) (Value, error) {
	s.gets++
	if err := s.fail[name]; err != nil {
		return Value{}, err
	}
	if value, ok := s.values[name]; ok {
		return value, nil
	}
	return Value{}, notFound("map", name)
}

func (s *mapStore) Set(_ context.Context, name string, value Value) error {
	if err := s.fail["set "+name]; err != nil {
		return err
	}
	s.sets = append(s.sets, name)
	s.values[name] = value
	return nil
}

func (s *mapStore) Delete(_ context.Context, name string) error {
	if _, ok := s.values[name]; !ok {
		return notFound("map", name)
	}
	delete(s.values, name)
	return nil
}

func (s *mapStore) List(context.Context) ([]Item, error) {
	var items []Item
	for name := range s.values {
		items = append(items, Item{Name: name})
	}
	return items, nil
}

func TestResolve(t *testing.T) {
	locked := &Error{Store: "map", Kind: ErrLocked}
	odd := errors.New("odd")
	for name, c := range map[string]struct {
		wants     []Want
		fail      map[string]error
		names     []string
		generated []string
		sets      []string
		err       error
		text      string
	}{
		"all there": {
			wants: []Want{{Name: "B"}, {Name: "A", Generate: true}, {Name: "A"}},
			names: []string{"A", "B"},
		},
		"generates what is not there": {
			wants: []Want{{Name: "NEW2", Generate: true}, {Name: "A"}, {Name: "NEW1", Generate: true}},
			names: []string{"A", "NEW1", "NEW2"}, generated: []string{"NEW1", "NEW2"}, sets: []string{"NEW1", "NEW2"},
		},
		"refuses for data": {
			wants: []Want{{Name: "NEW", Generate: true, Refuse: "volume v already holds data made with it"}, {Name: "OTHER", Generate: true}},
			err:   ErrNotFound,
			text:  "secret NEW is not set (volume v already holds data made with it); run `minibot secret set NEW`",
		},
		"all that is missing at once, and nothing generated": {
			wants: []Want{{Name: "Z"}, {Name: "NEW", Generate: true}, {Name: "Y"}},
			err:   ErrNotFound,
			text:  "secret Y is not set; run `minibot secret set Y`\nsecret Z is not set; run `minibot secret set Z`",
		},
		"locked comes before missing and before generating": {
			wants: []Want{{Name: "NEW", Generate: true}, {Name: "MISSING"}, {Name: "Z", Generate: true}},
			fail:  map[string]error{"Z": locked},
			err:   ErrLocked, text: "map store: locked",
		},
		"an odd error is not a missing secret": {
			wants: []Want{{Name: "Z", Generate: true}},
			fail:  map[string]error{"Z": odd},
			err:   odd, text: "odd",
		},
		"a second want can forbid": {
			wants: []Want{{Name: "NEW", Generate: true}, {Name: "NEW", Generate: true, Refuse: "r"}, {Name: "NEW", Generate: true}},
			err:   ErrNotFound, text: "secret NEW is not set (r); run `minibot secret set NEW`",
		},
		"a second want that needs a person": {
			wants: []Want{{Name: "NEW"}, {Name: "NEW", Generate: true}},
			err:   ErrNotFound, text: "secret NEW is not set; run `minibot secret set NEW`",
		},
		"a store that is read-only": {
			wants: []Want{{Name: "N1", Generate: true}, {Name: "N2", Generate: true}},
			fail:  map[string]error{"set N1": &Error{Kind: ErrReadOnly}},
			err:   ErrNotFound,
			text: "secret N1 is not set (its store is read-only); run `minibot secret set N1`\n" +
				"secret N2 is not set (its store is read-only); run `minibot secret set N2`",
		},
		"storing fails half-way": {
			wants:     []Want{{Name: "N1", Generate: true}, {Name: "N2", Generate: true}},
			fail:      map[string]error{"set N2": locked},
			generated: []string{"N1"}, sets: []string{"N1"},
			err: ErrLocked, text: "map store: locked",
		},
		"a name that is minibot's own": {
			wants: []Want{{Name: "_label_key", Generate: true}},
			text:  `secret name "_label_key" is reserved for minibot's own use`,
		},
		"nothing wanted": {},
	} {
		t.Run(name, func(t *testing.T) {
			s := &mapStore{values: map[string]Value{"A": NewValue([]byte("a")), "B": NewValue([]byte("b"))}, fail: c.fail}
			values, generated, err := Resolve(context.Background(), s, c.wants)
			if diff := cmp.Diff(c.names, values.Names()); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([][]string{c.generated, c.sets}, [][]string{generated, s.sets}); diff != "" {
				t.Errorf("generated and stored (-want +got):\n%s", diff)
			}
			if got := fmt.Sprint(err); err != nil && got != c.text || err == nil && c.text != "" || c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("error\n got %s\nwant %s", got, c.text)
			}
			for _, name := range c.generated {
				if value, ok := values.Get(name); err == nil && (!ok || !value.Equal(s.values[name])) {
					t.Errorf("%s is not what was stored", name)
				}
			}
		})
	}
}

func TestResolveFromTheEnvironment(t *testing.T) {
	t.Setenv("MINIBOT_SECRET_A", "a")
	_, _, err := Resolve(context.Background(), mustOpen(t, "env"), []Want{{Name: "A"}, {Name: "B", Generate: true}, {Name: "C", Generate: true}})
	missing := new(MissingError)
	if !errors.As(err, &missing) || len(missing.Missing) != 2 || missing.Missing[1].Remedy != "set the environment variable MINIBOT_SECRET_C" {
		t.Errorf("%v", err)
	}
}

func TestValues(t *testing.T) {
	source := map[string]Value{"B": NewValue([]byte(canary)), "A": {}}
	values := NewValues(source)
	delete(source, "B")
	if diff := cmp.Diff([]string{"A", "B"}, values.Names()); diff != "" {
		t.Error(diff)
	}
	if _, ok := values.Get("C"); ok {
		t.Error("C is there")
	}
	if value, ok := values.Get("B"); !ok || string(value.Reveal()) != canary {
		t.Error("B is not there")
	}
	if got := string(values.Mask([]byte("x " + canary + " y"))); got != "x *** y" {
		t.Error(got)
	}
	if got := fmt.Sprintf("%v %+v %#v %x", values, values, values, values); got != "*** *** *** ***" {
		t.Error(got)
	}
}
