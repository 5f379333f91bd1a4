package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/term"

	"minibot/internal/plan"
	"minibot/spec"
)

// planFormat is the version of the plan's JSON. It changes when a field changes its meaning.
const planFormat = "1"

// viewPlan prints a plan as the result of a command.
func (a *app) viewPlan(p plan.Plan, project *types.Project) error {
	if a.JSON {
		return a.json(struct {
			FormatVersion string `json:"format_version"`
			Differs       bool   `json:"differs"`
			plan.Plan
		}{planFormat, p.Differs(), p})
	}
	columns := 0
	if term.IsTerminal(fd(a.stdout)) {
		columns = a.width
	}
	_, err := io.WriteString(a.stdout, planText(p, project, columns, paint(a.colorOut)))
	return err
}

// painter colours text, or leaves it alone.
type painter func(code, text string) string

func paint(color bool) painter {
	return func(code, text string) string {
		if !color || text == "" {
			return text
		}
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
}

// The colours by meaning.
const (
	green  = "32"
	yellow = "33"
	red    = "31"
	dim    = "2"
	bold   = "1"
)

// signs say at a glance what a step does.
var signs = map[plan.Kind]struct{ sign, color, text string }{
	plan.Pull:    {"↓", green, "pull"},
	plan.Create:  {"+", green, "create"},
	plan.Start:   {">", green, "start"},
	plan.Update:  {"~", yellow, "update in place, no restart"},
	plan.Restart: {"↻", yellow, "restart"},
	plan.Replace: {"±", yellow, "replace; the old one is kept until the new one is healthy"},
	plan.Remove:  {"-", red, "remove"},
}

// planText is the plan for people, in lines of at most so many columns; 0 are any number.
func planText(p plan.Plan, project *types.Project, columns int, paint painter) string {
	var out bytes.Buffer
	for _, problem := range p.Problems {
		fmt.Fprintf(&out, "%s %s %s: %s.\n  %s\n\n", paint(red, "Problem:"), problem.Object, problem.Name, problem.Summary, problem.Remedy)
	}
	for _, warning := range p.Warnings {
		fmt.Fprintf(&out, "%s %s %s: %s.\n  %s\n\n", paint(yellow, "Warning:"), warning.Object, warning.Name, warning.Summary, warning.Remedy)
	}
	for _, name := range p.Rotations {
		fmt.Fprintf(&out, "%s the rotation of secret %s was interrupted; apply finishes it first\n\n", paint(yellow, "±"), paint(bold, name))
	}
	for _, stray := range p.Strays {
		fmt.Fprintf(&out, "%s container %s (%s) is not in the spec:\n", paint(yellow, "Stray:"), stray.Name, stray.Image)
		for _, why := range stray.Why {
			fmt.Fprintf(&out, "  it %s\n", why)
		}
		if stray.Project != "" && stray.Project != p.Stack {
			fmt.Fprintf(&out, "  it is of the compose project %q, so minibot leaves it alone\n\n", stray.Project)
		} else {
			fmt.Fprint(&out, "  To remove it: minibot apply --remove-strays\n\n")
		}
	}
	if len(p.Steps) == 0 {
		switch {
		case len(p.Rotations) > 0:
			fmt.Fprintf(&out, "Plan for the stack %q: %s to finish.\n", p.Stack, count(len(p.Rotations), "rotation"))
		case len(p.Problems) > 0:
			fmt.Fprintf(&out, "Nothing can be done for the stack %q before that is settled.\n", p.Stack)
		default:
			fmt.Fprintf(&out, "No changes. The stack %q is what the spec says.\n", p.Stack)
		}
		return foldText(out.String(), columns)
	}
	for _, step := range p.Steps {
		stepText(&out, step, columns, paint)
		if step.Kind == plan.Create && step.Object == "service" {
			serviceText(&out, project.Services[step.Name])
		}
	}
	fmt.Fprintf(&out, "\n%s\n", summary(p))
	return foldText(out.String(), columns)
}

func stepText(out *bytes.Buffer, step plan.Step, columns int, paint painter) {
	sign := signs[step.Kind]
	fmt.Fprintf(out, "%s %s %s  %s\n", paint(sign.color, sign.sign), step.Object, paint(bold, step.Name), paint(dim, sign.text))
	if step.Kind == plan.Create || step.Kind == plan.Pull || step.Kind == plan.Remove {
		return
	}
	wide := 0
	for _, cause := range step.Causes {
		if !severalLines(cause) {
			wide = max(wide, len(cause.Path))
		}
	}
	for _, cause := range step.Causes {
		note := cause.Note
		if cause.Drift {
			note = strings.TrimPrefix(note+"; changed behind minibot's back", "; ")
		}
		if note != "" {
			note = "  " + paint(yellow, "("+note+")")
		}
		if severalLines(cause) {
			fmt.Fprintf(out, "    %s%s\n", cause.Path, note)
			linesText(out, cause, paint)
			continue
		}
		old, new := value(cause.Path, cause.Old), value(cause.Path, cause.New)
		line := fmt.Sprintf("    %-*s  %s → %s%s", wide, cause.Path, paint(red, old), paint(green, new), note)
		if columns > 0 && width(line) > columns { // one below the other, where they can be compared
			line = fmt.Sprintf("    %s%s\n      %s\n      %s", cause.Path, note, paint(red, "- "+old), paint(green, "+ "+new))
		}
		fmt.Fprintln(out, line)
	}
}

// serviceText says in a line or two what a new container will be.
func serviceText(out *bytes.Buffer, service types.ServiceConfig) {
	cpus := fmt.Sprintf("%g CPUs", service.CPUS)
	if service.CPUS == 1 {
		cpus = "1 CPU"
	}
	fmt.Fprintf(out, "    %s, at most %s of memory and %s\n", service.Image, spec.SizeOf(int64(service.MemLimit)), cpus)
	for _, port := range plan.Ports(service) {
		fmt.Fprintf(out, "    on %s\n", port)
	}
}

// severalLines reports whether a cause is shown as lines that changed.
func severalLines(cause plan.Cause) bool { return strings.Contains(cause.Old+cause.New, "\n") }

// linesText shows the lines that changed in a text of several lines.
func linesText(out *bytes.Buffer, cause plan.Cause, paint painter) {
	for line := range strings.Lines(string(diff.Diff("old", []byte(cause.Old), "new", []byte(cause.New)))) {
		switch {
		case strings.HasPrefix(line, "diff "), strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "@@"):
			continue
		case strings.HasPrefix(line, "-"):
			line = paint(red, strings.TrimSuffix(line, "\n")) + "\n"
		case strings.HasPrefix(line, "+"):
			line = paint(green, strings.TrimSuffix(line, "\n")) + "\n"
		}
		fmt.Fprintf(out, "      %s", line)
	}
}

// sizes are the paths whose values are amounts of memory in bytes.
var sizes = []string{"mem_limit", "memswap_limit", "shm_size"}

// value writes one side of a cause for people.
func value(path, text string) string {
	if text == "" {
		return "(none)"
	}
	if slices.Contains(sizes, path) {
		if bytes, err := strconv.ParseInt(text, 10, 64); err == nil {
			return string(spec.SizeOf(bytes))
		}
	}
	return text
}

// stepCounts counts the steps by kind.
func stepCounts(p plan.Plan) (parts []string) {
	for _, kind := range []plan.Kind{plan.Pull, plan.Create, plan.Start, plan.Update, plan.Restart, plan.Replace, plan.Remove} {
		n := 0
		for _, step := range p.Steps {
			if step.Kind == kind {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, kind))
		}
	}
	return parts
}

// summary is the last line of a plan.
func summary(p plan.Plan) string {
	text := fmt.Sprintf("Plan for the stack %q: %s", p.Stack, strings.Join(stepCounts(p), ", "))
	switch len(p.Problems) {
	case 0:
		return text + "."
	case 1:
		return text + ", once the problem above is settled."
	}
	return text + ", once the problems above are settled."
}
