package secret

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestRotationRecord(t *testing.T) {
	ctx := context.Background()
	store := guarded{"test", &mapStore{values: map[string]Value{}}}
	if _, err := FindRotation(ctx, store, "A"); !errors.Is(err, ErrNotFound) {
		t.Errorf("none was begun: %v", err)
	}
	if err := EndRotation(ctx, store, "A"); err != nil {
		t.Errorf("none is ended already: %v", err)
	}
	old, new := NewValue([]byte("o\"ld\xff")), NewValue([]byte("new\n"))
	if err := BeginRotation(ctx, store, "A", Rotation{old, new}); err != nil {
		t.Fatal(err)
	}
	r, err := FindRotation(ctx, store, "A")
	if err != nil || !r.Old.Equal(old) || !r.New.Equal(new) {
		t.Errorf("%s, %v", r.Old.Reveal(), err)
	}
	if begun, err := Rotations(ctx, store, []string{"B", "A"}); err != nil || len(begun) != 1 || begun[0] != "A" {
		t.Errorf("%v, %v", begun, err)
	}
	err = NotRotating(ctx, store, "B", "A")
	if err == nil || !strings.Contains(err.Error(), "minibot secret rotate A") {
		t.Error(err)
	}
	if items, err := store.List(ctx); err != nil || len(items) != 0 {
		t.Errorf("a rotation is no secret of the stack: %v, %v", items, err)
	}
	if err := EndRotation(ctx, store, "A"); err != nil {
		t.Fatal(err)
	}
	if err := NotRotating(ctx, store, "A"); err != nil {
		t.Error(err)
	}
}

// What else stands there is shown to nobody, and is not taken for "none".
func TestRotationDamaged(t *testing.T) {
	for _, text := range []string{"c4n4ry", `{"old":"YzRuNHJ5"}`, `{"old":"c4n4ry!","new":"eA=="}`} {
		store := &mapStore{values: map[string]Value{rotationPrefix + "A": NewValue([]byte(text))}}
		if _, err := FindRotation(context.Background(), store, "A"); err == nil || errors.Is(err, ErrNotFound) || strings.Contains(err.Error(), "c4n4ry") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A value is asked for once, and anew when it was stored.
func TestOnce(t *testing.T) {
	ctx := context.Background()
	counted := &mapStore{values: map[string]Value{"A": NewValue([]byte("1"))}}
	store := Once(counted)
	for range 3 {
		if value, err := store.Get(ctx, "A"); err != nil || string(value.Reveal()) != "1" {
			t.Error(err)
		}
		if _, err := store.Get(ctx, "B"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	}
	if counted.gets != 2 {
		t.Errorf("asked %d times", counted.gets)
	}
	for _, name := range []string{"A", "B"} {
		if err := store.Set(ctx, name, NewValue([]byte("2"))); err != nil {
			t.Fatal(err)
		}
		if value, err := store.Get(ctx, name); err != nil || string(value.Reveal()) != "2" {
			t.Errorf("%s is what it was: %v", name, err)
		}
	}
	if err := store.Delete(ctx, "A"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get(ctx, "A"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
