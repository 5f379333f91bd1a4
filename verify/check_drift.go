package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"minibot/internal/plan"
)

// drift has one result for each difference that the plan would put right: images, networks
// and volumes first, then services in the order of the spec.
func drift(_ context.Context, s Subject) []Result {
	order := map[string]int{}
	for i, service := range s.Stack.Services {
		order[service.Name] = i + 1
	}
	rank := func(object, name string) int {
		if object != "service" {
			return 0
		}
		return order[name]
	}
	steps := slices.Clone(s.Plan.Steps)
	slices.SortStableFunc(steps, func(a, b plan.Step) int { return cmp.Compare(rank(a.Object, a.Name), rank(b.Object, b.Name)) })

	var results []Result
	for _, step := range steps {
		for _, cause := range step.Causes {
			results = append(results, about(fail("%s", difference(cause)), step.Object, step.Name))
		}
	}
	for _, problem := range s.Plan.Problems {
		results = append(results, about(fail("%s", problem.Summary).remedy("%s", problem.Remedy), problem.Object, problem.Name))
	}
	if results == nil {
		return []Result{pass("the plan is empty").on("stack")}
	}
	return results
}

func about(r Result, object, name string) Result {
	if object == "service" {
		return r.of(name, "")
	}
	return r.on(object + " " + name)
}

// difference says a cause in the order of time: what it was → what it became.
func difference(c plan.Cause) string {
	from, to, why := c.Old, c.New, "to be applied"
	if c.Drift {
		from, to, why = c.New, c.Old, "changed on the machine, not in the spec"
	}
	text := c.Path + " "
	switch {
	case c.Path == "state":
		text += "is " + c.Old + ", not " + c.New
	case from != "" && to != "":
		text += readable(c.Path, from) + " → " + readable(c.Path, to) + ": " + why
	case c.New == "":
		text += readable(c.Path, c.Old) + ": on the machine, not in the spec"
	default:
		text += readable(c.Path, c.New) + ": in the spec, not on the machine"
	}
	if c.Note != "" {
		text += " (" + c.Note + ")"
	}
	return text
}

// readable writes the sizes among the values as the file does.
func readable(path, value string) string {
	if lines := strings.Count(value, "\n"); lines > 1 {
		return fmt.Sprintf("a text of %d lines", lines)
	}
	bytes, err := strconv.ParseInt(value, 10, 64)
	if err != nil || !strings.HasPrefix(path, "mem") && path != "shm_size" {
		return value
	}
	return size(bytes)
}
