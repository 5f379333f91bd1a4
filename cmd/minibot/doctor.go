package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"minibot/internal/engine"
	"minibot/spec"
)

type doctorCmd struct{}

func (*doctorCmd) Examples() []example {
	return []example{
		{"minibot doctor", "what minibot finds on this machine, and what to do about it"},
		{"minibot doctor --json", "for a report of a fault"},
	}
}

// condition is how one thing is that minibot needs.
type condition struct {
	Name string `json:"name"`
	// OK says that nothing is wrong with it. One that was not looked at is neither.
	OK      bool   `json:"ok"`
	Skipped bool   `json:"skipped,omitempty"`
	Found   string `json:"found"`
	// Remedy says what to do about a problem.
	Remedy string `json:"remedy,omitempty"`
}

func fine(name, format string, args ...any) condition {
	return condition{Name: name, OK: true, Found: fmt.Sprintf(format, args...)}
}

func problem(name, remedy, format string, args ...any) condition {
	return condition{Name: name, Found: fmt.Sprintf(format, args...), Remedy: remedy}
}

func skipped(name, why string) condition { return condition{Name: name, Skipped: true, Found: why} }

// doctorPatience bounds what the engine is waited for.
const doctorPatience = 10 * time.Second

// Run looks at all that minibot needs, and changes nothing.
func (c *doctorCmd) Run(ctx context.Context, a *app) error {
	all := []condition{fine("minibot", "%s", versionLine())}
	stack, conditionOfSpec := a.examineSpec()
	all = append(all, conditionOfSpec)
	endpoint, conditions := a.examineEngine(ctx)
	all = append(all, conditions...)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	all = append(all, examineState())
	all = append(all, a.examineStack(ctx, stack, endpoint)...)
	sick := 0
	for _, one := range all {
		if !one.OK && !one.Skipped {
			sick++
		}
	}
	if a.JSON {
		if err := a.json(map[string]any{"format_version": "1", "ok": sick == 0, "conditions": all}); err != nil {
			return err
		}
	} else if _, err := io.WriteString(a.stdout, doctorText(all, sick, a.width, paint(a.colorOut))); err != nil {
		return err
	}
	if sick > 0 {
		return errIncomplete
	}
	return nil
}

// examineSpec reads the spec, without its messages: validate shows them.
func (a *app) examineSpec() (*spec.Stack, condition) {
	stack, diags, err := a.parse()
	var missing *noSpecError
	switch {
	case errors.As(err, &missing):
		return nil, problem("spec", outcomeOf(err).hint, "%v", err)
	case err != nil:
		return nil, problem("spec", "", "%v", err)
	case diags.HasErrors():
		return nil, problem("spec", "To see them: minibot validate -f "+shellWords(a.File), "%v", diags)
	}
	return stack, fine("spec", "%s: stack %q with %s", a.File, stack.Name, count(len(stack.Services), "service"))
}

// examineEngine asks the engine how it is.
func (a *app) examineEngine(ctx context.Context) (*engine.Endpoint, []condition) {
	endpoint, err := a.endpoint()
	if err != nil {
		return nil, []condition{problem("engine", "See docker context ls, or name another engine: --host URL", "%v", err)}
	}
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	e, err := engine.Connect(ctx, endpoint)
	if err != nil {
		return &endpoint, []condition{problem("engine", outcomeOf(err).hint, "%v", err)}
	}
	defer e.Close()
	vitals, err := e.Vitals(ctx)
	if err != nil {
		return &endpoint, []condition{problem("engine", outcomeOf(err).hint, "%v", err)}
	}
	return &endpoint, []condition{
		fine("engine", "%s (%s): %s, API %s, on %s", endpoint.Host, endpoint.Source, vitals.Version, vitals.API, vitals.OperatingSystem),
		examineClock(vitals), examineDisk(endpoint, vitals),
	}
}

// doctorText is a line for each condition, with the remedy below a problem.
func doctorText(all []condition, sick, width int, paint painter) string {
	var out strings.Builder
	const column = 14
	for _, one := range all {
		sign, name := paint(green, "✓"), fmt.Sprintf("%-*s", column-2, one.Name)
		switch {
		case one.Skipped:
			sign = paint(dim, "–")
		case !one.OK:
			sign, name = paint(red, "✗"), paint(bold, name)
		}
		for i, line := range wrapWords(harmless(one.Found), width-column) {
			if i > 0 {
				sign, name = " ", strings.Repeat(" ", column-2)
			}
			out.WriteString(sign + " " + name + line + "\n")
		}
		if one.Remedy == "" || one.OK {
			continue
		}
		for i, line := range wrapWords(harmless(one.Remedy), width-column-2) {
			arrow := "→ "
			if i > 0 {
				arrow = "  "
			}
			out.WriteString(strings.Repeat(" ", column) + arrow + line + "\n")
		}
	}
	if sick == 0 {
		out.WriteString("\nNothing is wrong.\n")
	} else {
		fmt.Fprintf(&out, "\n%s.\n", count(sick, "problem"))
	}
	return out.String()
}
