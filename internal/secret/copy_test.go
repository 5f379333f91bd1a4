package secret

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// twoStores are two file stores with a key of their own each, the first with A, B and minibot's key.
func twoStores(t *testing.T) (from, to Store, key Key) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("MINIBOT_SECRETS_DIR", filepath.Join(dir, "from"))
	from = mustOpen(t, "file")
	t.Setenv("MINIBOT_SECRETS_DIR", filepath.Join(dir, "to"))
	to = mustOpen(t, "file")
	mustSet(t, from, "A", canary)
	mustSet(t, from, "B", "of B")
	key, err := LoadKey(t.Context(), from, true)
	if err != nil {
		t.Fatal(err)
	}
	return from, to, key
}

func mustSet(t *testing.T, s Store, name, text string) {
	t.Helper()
	if err := s.Set(t.Context(), name, NewValue([]byte(text))); err != nil {
		t.Fatal(err)
	}
}

func wantCopied(t *testing.T, got, want []Copied) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("copied (-want +got):\n%s", diff)
	}
}

func TestCopy(t *testing.T) {
	ctx := t.Context()
	from, to, key := twoStores(t)
	mustSet(t, to, "OWN", "stays")

	got, err := Copy(ctx, from, to, []string{"B", "A", "GONE", "B"}, false)
	if err != nil {
		t.Fatal(err)
	}
	wantCopied(t, got, []Copied{{Name: "A"}, {Name: "B"}, {Name: "GONE", Absent: true}, {Name: LabelKey}})
	wantValue(t, to, "A", canary)
	wantValue(t, to, "B", "of B")
	wantNames(t, to, "A", "B", "OWN")
	wantNames(t, from, "A", "B")
	moved, err := LoadKey(ctx, to, false)
	if err != nil || moved.ID() != key.ID() {
		t.Errorf("the key did not come along: %v", err)
	}

	got, err = Copy(ctx, from, to, []string{"A"}, false)
	if err != nil {
		t.Fatal(err)
	}
	wantCopied(t, got, []Copied{{Name: "A", Before: Same}, {Name: LabelKey, Before: Same}})
}

func TestCopyReplacesOnlyWhenTold(t *testing.T) {
	ctx := t.Context()
	from, to, key := twoStores(t)
	mustSet(t, to, "B", "another")
	if _, err := LoadKey(ctx, to, true); err != nil {
		t.Fatal(err)
	}

	_, err := Copy(ctx, from, to, []string{"A", "B"}, false)
	conflict := new(ConflictError)
	if !errors.As(err, &conflict) {
		t.Fatalf("%v, want a ConflictError", err)
	}
	if diff := cmp.Diff([]string{"B", LabelKey}, conflict.Names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	wantNames(t, to, "B")
	wantValue(t, to, "B", "another")

	got, err := Copy(ctx, from, to, []string{"A", "B"}, true)
	if err != nil {
		t.Fatal(err)
	}
	wantCopied(t, got, []Copied{{Name: "A"}, {Name: "B", Before: Other}, {Name: LabelKey, Before: Other}})
	wantValue(t, to, "B", "of B")
	if moved, err := LoadKey(ctx, to, false); err != nil || moved.ID() != key.ID() {
		t.Errorf("the key did not come along: %v", err)
	}
}

func TestCopyRefuses(t *testing.T) {
	ctx := t.Context()
	from, to, _ := twoStores(t)
	t.Setenv("MINIBOT_SECRET_A", "value of A")
	if _, err := Copy(ctx, from, mustOpen(t, "env"), []string{"A"}, true); !errors.Is(err, ErrReadOnly) {
		t.Errorf("to a read-only store: %v", err)
	}
	if _, err := Copy(ctx, from, to, []string{"A", LabelKey}, true); err == nil {
		t.Error("a reserved name was taken")
	}
	if err := BeginRotation(ctx, from, "B", Rotation{NewValue([]byte("old")), NewValue([]byte("new"))}); err != nil {
		t.Fatal(err)
	}
	if _, err := Copy(ctx, from, to, []string{"A", "B"}, true); err == nil || !strings.Contains(err.Error(), "rotation was interrupted") {
		t.Errorf("in the middle of a rotation: %v", err)
	}
	wantNames(t, to)
}

// forgetful takes values and gives back others.
type forgetful struct{ Store }

func (f forgetful) Set(ctx context.Context, name string, _ Value) error {
	return f.Store.Set(ctx, name, NewValue([]byte("something else")))
}

func TestCopyProves(t *testing.T) {
	from, to, _ := twoStores(t)
	_, err := Copy(t.Context(), from, forgetful{to}, []string{"A"}, false)
	if err == nil || !strings.Contains(err.Error(), "does not give back") || strings.Contains(err.Error(), canary) {
		t.Errorf("%v", err)
	}
}

func TestRemove(t *testing.T) {
	ctx := t.Context()
	from, to, _ := twoStores(t)
	if _, err := Copy(ctx, from, to, []string{"A", "B"}, false); err != nil {
		t.Fatal(err)
	}

	mustSet(t, from, "B", "changed meanwhile")
	if err := Remove(ctx, from, to, []string{"A", "B"}); err == nil {
		t.Error("removed what was copied nowhere")
	}
	wantNames(t, from, "A", "B")

	if err := Remove(ctx, from, to, []string{"A"}); err != nil {
		t.Error(err)
	}
	wantNames(t, from, "B")
	if _, err := LoadKey(ctx, from, false); err != nil {
		t.Errorf("the key went while a secret is left: %v", err)
	}

	mustSet(t, from, "B", "of B")
	if err := Remove(ctx, from, to, []string{"A", "B"}); err != nil {
		t.Error(err)
	}
	wantNames(t, from)
	if _, err := LoadKey(ctx, from, false); !errors.Is(err, ErrNotFound) {
		t.Errorf("the key is left: %v", err)
	}
	wantNames(t, to, "A", "B")
	if _, err := LoadKey(ctx, to, false); err != nil {
		t.Error(err)
	}
}

func TestHolds(t *testing.T) {
	ctx := t.Context()
	_, s, _ := twoStores(t)
	mustSet(t, s, "A", canary)
	for want, at := range map[Holding]struct{ name, text string }{
		Nothing: {"B", canary}, Same: {"A", canary}, Other: {"A", canary + "\n"},
	} {
		if got, err := Holds(ctx, s, at.name, NewValue([]byte(at.text))); got != want || err != nil {
			t.Errorf("%v: %v, %v; want %v", at.name, got, err, want)
		}
	}
	empty := guarded{"test", envStore{"A": {}}}
	if got, err := Holds(ctx, empty, "A", NewValue([]byte("x"))); got != Nothing || err != nil {
		t.Errorf("an empty one: %v, %v", got, err)
	}
	if _, err := empty.Get(ctx, "A"); err == nil || !strings.Contains(err.Error(), "test store: A: holds an empty value; run") {
		t.Error(err)
	}
}

func TestCheckWritable(t *testing.T) {
	t.Setenv("MINIBOT_SECRETS_DIR", t.TempDir())
	for kind, writable := range map[string]bool{"file": true, "env": false, "exec": false} {
		s := Once(mustOpen(t, kind))
		err := CheckWritable(s, "A")
		if writable != (err == nil) || !writable && (!errors.Is(err, ErrReadOnly) || err.Error() != s.Set(t.Context(), "A", NewValue([]byte("x"))).Error()) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
