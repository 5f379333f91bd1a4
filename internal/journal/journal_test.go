package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func entry(id, result string) Entry {
	return Entry{ID: id, Time: time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC), User: "ada", Command: "apply", Summary: "1 to create", Result: result}
}

func add(t *testing.T, j Journal, entries ...Entry) {
	t.Helper()
	for _, e := range entries {
		if err := j.Add(e); err != nil {
			t.Fatal(err)
		}
	}
}

func last(t *testing.T, j Journal, n int, want ...Entry) {
	t.Helper()
	got, err := j.Last(n)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A deed is one entry, with what is known of it last; what was written stays as it was.
func TestJournal(t *testing.T) {
	j := Journal{filepath.Join(t.TempDir(), "history", "box.jsonl")}
	last(t, j, 10)
	add(t, j, entry("1", Unfinished), entry("1", "done"), entry("2", Unfinished))
	before, err := os.ReadFile(j.Path)
	if err != nil {
		t.Fatal(err)
	}
	add(t, j, entry("3", Unfinished), entry("3", "failed"))
	last(t, j, 10, entry("1", "done"), entry("2", Unfinished), entry("3", "failed"))
	last(t, j, 2, entry("2", Unfinished), entry("3", "failed"))
	after, err := os.ReadFile(j.Path)
	if err != nil || !strings.HasPrefix(string(after), string(before)) {
		t.Errorf("what was written has changed (%v)", err)
	}
	for path, want := range map[string]os.FileMode{j.Path: 0o600, filepath.Dir(j.Path): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// Who was killed while writing, or wrote nonsense, spoils no other line.
func TestJournalHalfALine(t *testing.T) {
	j := Journal{filepath.Join(t.TempDir(), "box.jsonl")}
	add(t, j, entry("1", "done"))
	file, err := os.OpenFile(j.Path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(file, "nonsense\n\n{\"id\":\"2\",\"resu")
	file.Close()
	add(t, j, entry("3", "done"))
	last(t, j, 10, entry("1", "done"), entry("3", "done"))
}

// It never becomes larger than it may, and what goes is the oldest.
func TestJournalIsBounded(t *testing.T) {
	j := Journal{filepath.Join(t.TempDir(), "box.jsonl")}
	long := strings.Repeat("x", 64<<10)
	for i := range 40 {
		e := entry(fmt.Sprint(i), "done")
		e.Error = long
		add(t, j, e)
	}
	info, err := os.Stat(j.Path)
	if err != nil || info.Size() > Most+2*64<<10 || info.Mode().Perm() != 0o600 {
		t.Errorf("%d bytes, %v, %v", info.Size(), info.Mode(), err)
	}
	got, err := j.Last(100)
	if err != nil || len(got) < 5 || got[len(got)-1].ID != "39" || got[0].ID == "0" {
		t.Errorf("%d entries, %v", len(got), err)
	}
	if left, err := os.ReadDir(filepath.Dir(j.Path)); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestJournalCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (Journal{filepath.Join(dir, "file", "box.jsonl")}).Add(entry("1", "done")); err == nil {
		t.Error("no error")
	}
	if _, err := (Journal{dir}).Last(1); err == nil {
		t.Error("a folder is read as a journal")
	}
}
