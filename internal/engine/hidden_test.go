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

func TestMentions(t *testing.T) {
	const ref = "${TOKEN:?is a secret of this stack}"
	for text, want := range map[string][]string{
		ref:                       {ref},
		"a " + ref + ref + " b":   {ref, ref},
		"$" + ref:                 nil, // $${…} is a text
		"$$" + ref:                {ref},
		"$$$" + ref:               nil,
		"${TOKEN} ${TOKEN:-none}": nil,
	} {
		var got []string
		for _, m := range mentions(text) {
			got = append(got, text[m.from:m.to])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// A value is read back from between the words that stood around its reference.
func TestWithin(t *testing.T) {
	const ref = "${TOKEN:?is a secret of this stack}"
	for _, c := range []struct {
		asked, text, name, want string
		ok                      bool
	}{
		{ref, "value", "TOKEN", "value", true},
		{"requirepass " + ref + "\ndir /data\n", "requirepass a$b\ndir /data\n", "TOKEN", "a$b", true},
		{"costs $$5 " + ref, "costs $5 x", "TOKEN", "x", true},
		{"requirepass " + ref, "requirepass x", "OTHER", "", false},
		{"requirepass " + ref, "masterauth x", "TOKEN", "", false},
		{"requirepass " + ref + "\n", "requirepass x", "TOKEN", "", false},
		{"requirepass " + ref, "requirepass ", "TOKEN", "", false},
		{ref + ref, "xx", "TOKEN", "", false},
		{"nothing", "nothing", "TOKEN", "", false},
	} {
		if got, ok := within(c.asked, c.text, c.name); ok != c.ok || ok && got != c.want {
			t.Errorf("%q of %q: %q, %t", c.text, c.asked, got, ok)
		}
	}
}
