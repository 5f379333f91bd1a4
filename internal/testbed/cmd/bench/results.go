package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// results are the figures, by what they are of.
type results map[key]*result

type key struct {
	n        int
	op, tool string
}

// result is what a tool needs for something.
type result struct {
	wall, cpu, peak []float64 // ms, ms, MiB
	calls, inFlight int       // of the engine; at once at most
	inspected       int       // containers
	restarts        int       // of containers
}

func (r results) of(n int, op, tool string) *result {
	k := key{n, op, tool}
	if r[k] == nil {
		r[k] = &result{}
	}
	return r[k]
}

func (r *result) add(s sample) {
	r.wall = append(r.wall, ms(s.wall))
	r.cpu = append(r.cpu, ms(s.cpu))
	r.peak = append(r.peak, s.peak)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median is the upper one of an even number; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// ratio compares the medians of two tools.
func (r results) ratio(n int, op, tool, with string) float64 {
	return median(r.of(n, op, tool).wall) / median(r.of(n, op, with).wall)
}

// table writes all figures.
func (r results) table(w io.Writer, sizes []int, tools []string, about string) {
	fmt.Fprintf(w, "\n%s, %d CPUs. Medians; wall and CPU of the client in ms, × is minibot's wall by this one's.\n\n", about, runtime.NumCPU())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "N\t\t\trounds\twall\tmin\tmax\tCPU\t×\tcalls\tat once\tMiB\trestarts\t")
	for _, n := range sizes {
		for _, op := range []string{opVersion, opPlan, opApply, opCold, opLimit, opSetting} {
			for _, tool := range tools {
				one, there := r[key{n, op, tool}]
				if !there || len(one.wall) == 0 {
					continue
				}
				times := ""
				if tool != toolMinibot {
					times = fmt.Sprintf("%.2f", r.ratio(n, op, toolMinibot, tool))
				}
				restarts := ""
				if op == opLimit || op == opSetting {
					restarts = fmt.Sprint(one.restarts)
				}
				fmt.Fprintf(t, "%d\t%s\t%s\t%d\t%.1f\t%.1f\t%.1f\t%s\t%s\t%s\t%s\t%s\t%s\t\n", n, op, tool, len(one.wall),
					median(one.wall), slices.Min(one.wall), slices.Max(one.wall), positive(median(one.cpu)), times,
					positive(float64(one.calls)), positive(float64(one.inFlight)), positive(median(one.peak)), restarts)
			}
		}
	}
	t.Flush()
}

// positive is a figure, or nothing where none was taken.
func positive(v float64) string {
	if v == 0 {
		return ""
	}
	if v == float64(int(v)) {
		return fmt.Sprint(int(v))
	}
	return fmt.Sprintf("%.1f", v)
}

// bars compares the figures with what is promised, and returns how many promises do not hold.
func (r results) bars(w io.Writer, sizes []int, five bool) (missed int) {
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	bar := func(what string, n int, got, most float64, unit string) {
		verdict := "met"
		switch {
		case math.IsNaN(got): // not measured is no pass
			missed++
			verdict = "not measured"
		case got > most:
			missed++
			verdict = fmt.Sprintf("missed by %.2f%s", got-most, unit)
		}
		fmt.Fprintf(t, "%s\tN = %d\t%.2f%s\tat most %.2f%s\t%s\n", what, n, got, unit, most, unit, verdict)
	}
	for _, n := range sizes {
		bar("no-change plan, of compose up --dry-run", n, r.ratio(n, opPlan, toolMinibot, toolCompose), 0.5, " ×")
	}
	for _, n := range sizes {
		plan := r.of(n, opPlan, toolMinibot)
		bar("no-change plan, containers not inspected", n, float64(n-plan.inspected), 0, "")
		bar("no-change plan, calls beyond N", n, float64(plan.calls-n), 4, "")
		bar("no-change plan, calls at once", n, float64(plan.inFlight), 8, "")
	}
	for _, n := range sizes {
		most := 1.0
		if n < 20 {
			most = 0.9
		}
		bar("cold apply, of compose up", n, r.ratio(n, opCold, toolMinibot, toolCompose), most, " ×")
		if five && n >= 20 {
			bar("cold apply, of compose v5 up", n, r.ratio(n, opCold, toolMinibot, toolCompose5), 0.6, " ×")
		}
		bar("cold apply, of the engine's floor", n, r.ratio(n, opCold, toolMinibot, toolFloor), 1.15, " ×")
		bar("cold apply, calls beyond 4 N", n, float64(r.of(n, opCold, toolMinibot).calls-4*n), 10, "")
	}
	for _, n := range sizes {
		bar("a changed limit, restarts", n, float64(r.of(n, opLimit, toolMinibot).restarts), 0, "")
		bar("a changed limit, of compose's recreate", n, r.ratio(n, opLimit, toolMinibot, toolCompose), 0.1, " ×")
	}
	for _, n := range sizes {
		if n == 20 {
			bar("one changed service, of compose's", n, r.ratio(n, opSetting, toolMinibot, toolCompose), 1, " ×")
		}
	}
	for _, n := range sizes {
		if n == 100 {
			peak := max(median(r.of(n, opPlan, toolMinibot).peak), median(r.of(n, opApply, toolMinibot).peak), median(r.of(n, opCold, toolMinibot).peak))
			bar("peak memory", n, peak, 30, " MiB")
		}
	}
	n := slices.MaxFunc(sizes, func(a, b int) int {
		return cmp.Compare(len(r.of(a, opVersion, toolMinibot).wall), len(r.of(b, opVersion, toolMinibot).wall))
	})
	bar("start-up (version)", n, median(r.of(n, opVersion, toolMinibot).wall), 15, " ms")
	t.Flush()
	return missed
}
