package engine

import (
	"slices"
	"testing"

	"minibot/internal/plan"
)

// A value that was made from a reference is shown as the reference; one that does not fit
// may be another secret and is not shown.
func TestMasked(t *testing.T) {
	const ref = "--token=${TOKEN:?is a secret of this stack}"
	applied := []string{`["run","` + ref + `","a$$b"]`}
	for _, c := range []struct {
		name         string
		actual, want []string
	}{
		{"as applied", []string{"run", "--token=" + canary, "a$b"}, []string{"run", ref, "a$$b"}},
		{"moved", []string{"run", "-v", "--token=" + canary}, []string{"run", plan.Hidden, plan.Hidden}},
		{"longer", []string{"run", "--token=" + canary, "a$b", canary}, []string{"run", ref, "a$$b", plan.Hidden}},
		{"shorter", []string{canary}, []string{plan.Hidden}},
	} {
		if got := masked(c.actual, applied); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if got := masked([]string{"run", "x$y"}, []string{`["run","z"]`}); !slices.Equal(got, []string{"run", "x$$y"}) {
		t.Errorf("without secrets: got %q", got)
	}
}
