package plan_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"minibot/golden"
	"minibot/internal/plan"
)

// canary is in every value that a person set behind minibot's back and that nobody may see.
const canary = "c4n4ry"

func TestCases(t *testing.T) {
	golden.Run(t, "plan", func(t *testing.T, c golden.Case) map[string]string {
		s := newScene(t, c.File(t, "minibot.hcl"), c.File(t, "live"))
		p := plan.DiffWith(s.project, s.live, s.options)
		if c.Has("destroy") {
			p = plan.Destroy(s.project.Name, s.live)
		}
		text := view(t, p)
		if strings.Contains(text, canary) {
			t.Errorf("the plan shows a value that may be a secret:\n%s", text)
		}
		if p.Empty() != (len(p.Steps)+len(p.Problems)+len(p.Rotations) == 0) || p.Differs() != (!p.Empty() || len(p.Strays) > 0) {
			t.Errorf("Empty %t, Differs %t", p.Empty(), p.Differs())
		}
		for range 5 {
			rand.Shuffle(len(s.live.Containers), func(i, j int) {
				s.live.Containers[i], s.live.Containers[j] = s.live.Containers[j], s.live.Containers[i]
			})
			again := plan.DiffWith(s.project, s.live, s.options)
			if diff := cmp.Diff(text, view(t, again)); diff != "" && !c.Has("destroy") {
				t.Errorf("another order of containers, another plan:\n%s", diff)
			}
		}
		return map[string]string{"plan": text}
	})
}

// leaves match a list of strings and an object without objects in it, which go on one line.
var leaves = []*regexp.Regexp{regexp.MustCompile(`\[\n(\s*"(\\.|[^"\\])*",?\n)+\s*\]`), regexp.MustCompile(`\{\n[^{}]*\}`)}

var space = regexp.MustCompile(`\n\s*`)

// view is the plan as JSON, with every cause and every action on one line.
func view(t testing.TB, p plan.Plan) string {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(struct {
		Steps     []plan.Step    `json:"steps"`
		Problems  []plan.Problem `json:"problems,omitempty"`
		Warnings  []plan.Problem `json:"warnings,omitempty"`
		Rotations []string       `json:"rotations,omitempty"`
		Strays    []plan.Stray   `json:"strays,omitempty"`
	}{p.Steps, p.Problems, p.Warnings, p.Rotations, p.Strays})
	if err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, leaf := range leaves {
		text = leaf.ReplaceAllStringFunc(text, func(object string) string {
			line := space.ReplaceAllString(object, " ")
			return line[:1] + strings.TrimSpace(line[1:len(line)-1]) + line[len(line)-1:]
		})
	}
	return text
}
