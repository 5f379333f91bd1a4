package main

import (
	"errors"
	"path/filepath"
	"testing"

	"minibot/internal/secret"
	"minibot/spec"
)

// With --remove the old store is read anew, and loses only what the new one has.
func TestExportRemoves(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	open := func(name string) secret.Store {
		t.Helper()
		t.Setenv("MINIBOT_SECRETS_DIR", filepath.Join(dir, name))
		store, err := secret.Open("file", "box")
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	set := func(store secret.Store, name, text string) {
		t.Helper()
		if err := store.Set(ctx, name, secret.NewValue([]byte(text))); err != nil {
			t.Fatal(err)
		}
	}
	to, from := open("new"), open("old")
	set(from, "A", "one")
	set(from, "B", "two")
	set(to, "A", "one")
	a, stack, c := &app{}, &spec.Stack{Name: "box", Store: &spec.Store{Kind: "file"}}, &secretExportCmd{}

	if err := c.remove(ctx, a, stack, to, []string{"A", "B"}); err == nil {
		t.Error("removed B, which the new store does not have")
	}
	if _, err := from.Get(ctx, "A"); err != nil {
		t.Errorf("A is gone, though B could not go: %v", err)
	}
	if err := c.remove(ctx, a, stack, to, []string{"A"}); err != nil {
		t.Error(err)
	}
	if _, err := from.Get(ctx, "A"); !errors.Is(err, secret.ErrNotFound) {
		t.Errorf("A is still there: %v", err)
	}
	if _, err := from.Get(ctx, "B"); err != nil {
		t.Error(err)
	}
}
