package verify

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// TextOptions say how a report is written for people.
type TextOptions struct {
	// Width is the longest line, in characters; 0 is 100. Long words are not broken.
	Width int
	// Color adds terminal colors. The text is the same without.
	Color bool
	// Verbose lists every result; else passes are counted, and errors and skips of one reason
	// are put together.
	Verbose bool
}

// WriteText writes the report for people, what matters most first: failures, the worst
// first, and what could not be looked at, with evidence and remedy; then what is accepted,
// what was skipped, and how much passed.
func (r Report) WriteText(w io.Writer, opt TextOptions) error {
	t := newText(opt)
	failed := group(r.having(func(result Result) bool { return result.Status == Fail && result.Accepted == "" }), func(r Result) string { return r.Check })
	slices.SortStableFunc(failed, func(a, b []Result) int { return cmp.Compare(worst(a).rank(), worst(b).rank()) })
	t.blocks(failed, failMark)
	t.errors(r.having(func(result Result) bool { return result.Status == Error }))
	t.accepted(r.having(func(result Result) bool { return result.Accepted != "" }))
	t.skipped(r.having(func(result Result) bool { return result.Status == Skip }))
	t.passed(r.having(func(result Result) bool { return result.Status == Pass }))
	t.line(r.Summary.String())
	t.wrapped("", errorMark.color, r.LeftOut.String())
	return t.flush(w)
}

// String is the last line of a report, such as "58 checks: 52 passed, 1 failed, 5 skipped".
func (s Summary) String() string {
	words := map[string]string{"pass": "passed", "fail": "failed", "error": "not checked", "accepted": "accepted", "skip": "skipped"}
	var counts []string
	all := 0
	for _, kind := range s.kinds() {
		all += kind.n
		if kind.n > 0 || kind.name == "pass" {
			counts = append(counts, fmt.Sprintf("%d %s", kind.n, words[kind.name]))
		}
	}
	return count(all, "check") + ": " + strings.Join(counts, ", ")
}

func (r Report) having(want func(Result) bool) []Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(result Result) bool { return !want(result) })
}

// mark begins a result; color is of ANSI's.
type mark struct{ sign, color string }

var (
	failMark   = mark{"✗", "31"}
	errorMark  = mark{"!", "33"}
	acceptMark = mark{"~", "36"}
	skipMark   = mark{"–", "2"}
	passMark   = mark{"✓", "32"}
)

const (
	bold = "1"
	dim  = "2"
)

// text is a report being written.
type text struct {
	opt TextOptions
	out strings.Builder
}

func newText(opt TextOptions) *text {
	opt.Width = cmp.Or(opt.Width, 100)
	return &text{opt: opt}
}

// flush writes all of it at once.
func (t *text) flush(w io.Writer) error {
	_, err := io.WriteString(w, t.out.String())
	return err
}

func (t *text) paint(color, words string) string {
	if !t.opt.Color || words == "" {
		return words
	}
	return "\x1b[" + color + "m" + words + "\x1b[0m"
}

func (t *text) line(s string) { t.out.WriteString(strings.TrimRight(s, " ") + "\n") }

// wrapped writes words after a first prefix; further lines are indented as deep.
func (t *text) wrapped(prefix, color, words string) {
	if words == "" {
		return
	}
	indent := strings.Repeat(" ", utf8.RuneCountInString(prefix))
	for i, line := range wrap(words, t.opt.Width-len(indent)) {
		if i > 0 {
			prefix = indent
		}
		t.line(prefix + t.paint(color, line))
	}
}

// wrap breaks words into lines of at most width characters.
func wrap(words string, width int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(words) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}

// blocks writes results check by check: id and severity, what is claimed, what was seen of
// each object, and how to put it right, once for all neighbours that share it.
func (t *text) blocks(groups [][]Result, m mark) {
	for _, results := range groups {
		first := results[0]
		t.head(m, first.Check, string(worst(results))+prefixed(", CIS ", first.CIS))
		t.wrapped("  want  ", dim, first.Claim)
		label := "  seen  "
		for i, r := range results {
			t.wrapped(label, "", r.Object+": "+r.Evidence)
			t.wrapped("  note  ", "", prefixed("the spec accepted this ", r.Lapsed))
			label = "        "
			if i+1 == len(results) || results[i+1].Remedy != r.Remedy {
				t.wrapped("  fix   ", "", r.Remedy)
				label = "  seen  "
			}
		}
		t.line("")
	}
}

func (t *text) head(m mark, title, note string) {
	t.line(t.paint(m.color, m.sign) + " " + t.paint(bold, title) + t.paint(dim, "  "+note))
}

// errors writes what could not be looked at, in the order of the table, as one error may
// have its reason in an earlier one. Several checks that had one reason are one block.
func (t *text) errors(results []Result) {
	for _, results := range group(results, func(r Result) string { return r.Evidence + "\n" + r.Remedy }) {
		ids := checksOf(results)
		if len(ids) == 1 || t.opt.Verbose {
			t.blocks(group(results, func(r Result) string { return r.Check }), errorMark)
			continue
		}
		t.head(errorMark, count(len(ids), "check")+" could not look", "up to "+string(worst(results)))
		t.wrapped("  ids   ", dim, strings.Join(ids, ", "))
		t.wrapped("  seen  ", "", objectsOf(results)+": "+results[0].Evidence)
		t.wrapped("  fix   ", "", results[0].Remedy)
		t.line("")
	}
}

// accepted writes the failures that one reason waives together.
func (t *text) accepted(results []Result) {
	for _, results := range group(results, func(r Result) string { return r.Check + "\n" + r.waiver() }) {
		first := results[0]
		t.head(acceptMark, first.Check, string(worst(results))+prefixed(", CIS ", first.CIS)+", accepted")
		label := "  seen  "
		for _, r := range results {
			t.wrapped(label, "", r.Object+": "+r.Evidence)
			label = "        "
		}
		t.wrapped("  why   ", "", first.waiver())
		t.line("")
	}
}

// skipped writes one line for each reason.
func (t *text) skipped(results []Result) {
	groups := group(results, func(r Result) string {
		if t.opt.Verbose {
			return r.Check + "\n" + r.Object
		}
		return r.Evidence
	})
	for _, results := range groups {
		name := results[0].Check
		if ids := checksOf(results); len(ids) > 1 {
			name = count(len(ids), "check")
		}
		t.wrapped(fmt.Sprintf("%s %-25s  ", skipMark.sign, name), dim, objectsOf(results)+": "+results[0].Evidence)
	}
	if len(groups) > 0 {
		t.line("")
	}
}

// passed counts passes by family, or lists them.
func (t *text) passed(results []Result) {
	if len(results) == 0 {
		return
	}
	if t.opt.Verbose {
		for _, r := range results {
			t.wrapped(fmt.Sprintf("%s %-25s  ", passMark.sign, r.Check), dim, r.Object+": "+r.Evidence)
		}
	} else {
		var counts []string
		for _, results := range group(results, func(r Result) string { return family(r.Check) }) {
			counts = append(counts, fmt.Sprintf("%s %d", family(results[0].Check), len(results)))
		}
		t.line(t.paint(passMark.color, passMark.sign) + " " + strings.Join(counts, "   "))
	}
	t.line("")
}

// family is the first part of a check's id.
func family(id string) string {
	name, _, _ := strings.Cut(id, ".")
	return name
}

// group puts results with one key together, in the order in which they come first.
func group(results []Result, key func(Result) string) [][]Result {
	at := map[string]int{}
	var groups [][]Result
	for _, r := range results {
		k := key(r)
		if i, ok := at[k]; ok {
			groups[i] = append(groups[i], r)
			continue
		}
		at[k] = len(groups)
		groups = append(groups, []Result{r})
	}
	return groups
}

func checksOf(results []Result) []string {
	var ids []string
	for _, r := range results {
		if !slices.Contains(ids, r.Check) {
			ids = append(ids, r.Check)
		}
	}
	return ids
}

func objectsOf(results []Result) string {
	var objects []string
	for _, r := range results {
		if !slices.Contains(objects, r.Object) {
			objects = append(objects, r.Object)
		}
	}
	return strings.Join(objects, ", ")
}

// worst is the gravest severity among results.
func worst(results []Result) Severity {
	return slices.MinFunc(results, func(a, b Result) int { return cmp.Compare(a.Severity.rank(), b.Severity.rank()) }).Severity
}
