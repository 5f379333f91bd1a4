package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"minibot/internal/testbed"
)

// What is asked of the engine grows with the services alone: a plan looks at each of them once, and a cold apply makes,
// starts and looks at each.
func TestCalls(t *testing.T) {
	t.Parallel()
	_, refs := testbed.Require(t)
	const n = 5
	var spec strings.Builder
	spec.WriteString("name = %[1]q\nnetwork \"%[1]s-net\" {}\n")
	for i := range n {
		fmt.Fprintf(&spec, `
service "s%d" {
  image      = %%[2]q
  entrypoint = ["sleep", "600"]
  init       = true
  volume "s%[1]d-data" { target = "/data" }
  limits {
    memory = "32MB"
    cpus   = 0.1
  }
}
`, i)
	}
	c := newComposed(t, spec.String(), refs.Redis)
	proxy, err := testbed.NewProxy(c.engine.Host, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	c.host = proxy.Host()
	before := 0
	for _, step := range []struct {
		args []string
		most int
	}{
		{[]string{"apply", "-y"}, 4*n + 10},
		{[]string{"plan"}, n + 4},
		{[]string{"apply", "-y"}, n + 5}, // and the engine's events: is anything of before still going on?
	} {
		c.must(step.args...)
		calls := proxy.Calls()[before:]
		before += len(calls)
		ours := slices.Collect(maps.Values(c.ids()))
		// Containers of others that are open to the network are looked at, too.
		calls = slices.DeleteFunc(calls, func(call testbed.Call) bool {
			id, inspection := strings.CutSuffix(strings.TrimPrefix(call.Path, "/containers/"), "/json")
			return call.Method == "GET" && inspection && len(id) == 64 && !slices.Contains(ours, id)
		})
		if len(calls) > step.most {
			t.Errorf("%s: %d calls, at most %d for %d services:\n%v", strings.Join(step.args, " "), len(calls), step.most, n, calls)
		}
	}
	if most := proxy.MaxInFlight(); most > 8 {
		t.Errorf("%d calls at once", most)
	}
}
