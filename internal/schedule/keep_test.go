package schedule

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func write(path string, content []byte) error { return os.WriteFile(path, content, 0o600) }

// The last reports are kept, and the record of the last run, whether it made a report or not.
func TestKeep(t *testing.T) {
	a := Archive{Dir: filepath.Join(t.TempDir(), "reports"), Write: write}
	if last, err := a.Last(); last != nil || err != nil {
		t.Errorf("before the first run there is %v (%v)", last, err)
	}
	start := time.Date(2026, 11, 15, 12, 0, 0, 0, time.FixedZone("CET", 3600))
	for i := range 5 {
		record := Record{Time: start.Add(time.Duration(i) * time.Minute), Seconds: 0.5, Exit: i, Summary: "1 check"}
		if err := a.Keep(fmt.Appendf(nil, "report %d", i), &record, 3); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"20261115T110200.000Z.json", "20261115T110300.000Z.json", "20261115T110400.000Z.json", "last.json"}
	if diff := cmp.Diff(want, files(t, a.Dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	failed := Record{Time: start.Add(time.Hour).UTC(), Exit: 1, Summary: "minibot.hcl has an error"}
	if err := a.Keep(nil, &failed, 2); err != nil {
		t.Fatal(err)
	}
	last, err := a.Last()
	if err != nil || *last != failed {
		t.Errorf("the last run is %+v (%v)", last, err)
	}
	if reports, err := a.Reports(); err != nil || !slices.Equal(reports, want[1:3]) {
		t.Errorf("there are %q (%v)", reports, err)
	}
	job := Job{Name: "box", Argv: []string{"/bin/true"}, Environ: []string{"A=b"}, Dir: "/", Every: time.Hour, Keep: 2, Log: "/log"}
	if err := a.SetJob(job); err != nil {
		t.Fatal(err)
	}
	if back, err := a.Job(); err != nil || cmp.Diff(&job, back) != "" {
		t.Errorf("%+v (%v)", back, err)
	}
	if n, err := a.Empty(); n != 2 || err != nil {
		t.Errorf("%d reports removed (%v)", n, err)
	}
	if _, err := os.Stat(a.Dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there (%v)", err)
	}
	if n, err := a.Empty(); n != 0 || err != nil {
		t.Errorf("%d reports removed of none (%v)", n, err)
	}
}

// What somebody else put into the folder stays.
func TestEmptyLeavesOthers(t *testing.T) {
	a := Archive{Dir: t.TempDir(), Write: write}
	for _, name := range []string{"notes.json", "20261115T110200.000Z.json", "last.json", "20261115.json"} {
		if err := write(filepath.Join(a.Dir, name), []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := a.Empty(); n != 1 || err != nil {
		t.Errorf("%d reports removed (%v)", n, err)
	}
	if diff := cmp.Diff([]string{"20261115.json", "notes.json"}, files(t, a.Dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
