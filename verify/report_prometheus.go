package verify

import (
	"fmt"
	"io"
	"strings"
)

// writePrometheus writes gauges in the text format 0.0.4. What is skipped or accepted has no
// sample in minibot_check, so that an alert on minibot_check > 0 is all that anybody needs.
func (r Report) writePrometheus(w io.Writer, _ Options) error {
	var out strings.Builder
	metric := func(name, help string) { fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name) }

	metric("minibot_check", "What came of a check of an object: 0 it holds, 1 it does not, 2 it could not be looked at.")
	for _, results := range group(r.Results, func(r Result) string { return r.Check + "\n" + r.Object }) {
		if worst, value := r.sample(results); value >= 0 {
			fmt.Fprintf(&out, "minibot_check{stack=%s,id=%s,object=%s,severity=%s} %d\n",
				label(r.Stack), label(worst.Check), label(worst.Object), label(string(worst.Severity)), value)
		}
	}
	metric("minibot_results", "How many results there are of each kind.")
	for _, kind := range r.Summary.kinds() {
		fmt.Fprintf(&out, "minibot_results{stack=%s,status=%s} %d\n", label(r.Stack), label(kind.name), kind.n)
	}
	metric("minibot_left_out", "How many checks of the table were not made, and how many results are not shown, because nobody asked for them.")
	var left LeftOut
	if r.LeftOut != nil {
		left = *r.LeftOut
	}
	fmt.Fprintf(&out, "minibot_left_out{stack=%s,what=\"checks\"} %d\n", label(r.Stack), left.Checks)
	fmt.Fprintf(&out, "minibot_left_out{stack=%s,what=\"results\"} %d\n", label(r.Stack), left.Results)
	_, err := io.WriteString(w, out.String())
	return err
}

// sample is the one value for all results of a check and an object, and the result that it
// comes from; below 0 if there is none.
func (r Report) sample(results []Result) (from Result, value int) {
	value = -1
	for _, result := range results {
		v := -1
		switch {
		case result.Status == Error:
			v = 2
		case result.Status == Fail && result.Accepted == "":
			v = 1
		case result.Status == Pass:
			v = 0
		}
		if v > value || v == value && result.Severity.rank() < from.Severity.rank() {
			from, value = result, v
		}
	}
	return from, value
}

// label writes a label's value.
func label(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value) + `"`
}
