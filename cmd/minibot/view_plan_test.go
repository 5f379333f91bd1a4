package main

import (
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"minibot/internal/plan"
)

// On a terminal no line of a plan is wider than it, but for words that are; elsewhere each thing stays on one line.
func TestPlanText(t *testing.T) {
	p := plan.Plan{
		Stack: "shop",
		Problems: []plan.Problem{{
			Object: "service", Name: "redis", Summary: `port 127.0.0.1:6379:6379 is held by the container "other"`,
			Remedy: "Stop it (docker stop other), or give the service another port.",
		}},
		Warnings: []plan.Problem{{Object: "secrets", Name: "shop", Summary: "nobody knows whether a secret changed", Remedy: "See minibot secret where."}},
		Strays: []plan.Stray{
			{Name: "guest", Image: "web:1", Why: []string{`is on the network "shop-net", where it reaches every service`}},
			{Name: "other", Image: "web:1", Project: "mall", Why: []string{"publishes 127.0.0.1:6379:6379"}},
		},
		Steps: []plan.Step{
			{Kind: plan.Create, Object: "service", Name: "redis"},
			{Kind: plan.Replace, Object: "service", Name: "web", Causes: []plan.Cause{
				{Path: "cpus", Old: "1", New: "2"},
				{Path: "command", Old: `["serve","--port","8080","--verbose"]`, New: `["serve","--port","8081","--verbose"]`, Drift: true},
			}},
		},
	}
	project := &types.Project{Services: types.Services{"redis": {ContainerSpec: types.ContainerSpec{Image: "redis:7", MemLimit: 256 << 20, CPUS: 1}}}}
	want := `Problem: service redis: port 127.0.0.1:6379:6379 is held by
         the container "other".
  Stop it (docker stop other), or give the service another
  port.

Warning: secrets shop: nobody knows whether a secret changed.
  See minibot secret where.

Stray: container guest (web:1) is not in the spec:
  it is on the network "shop-net", where it reaches every
  service
  To remove it: minibot apply --remove-strays

Stray: container other (web:1) is not in the spec:
  it publishes 127.0.0.1:6379:6379
  it is of the compose project "mall", so minibot leaves it
  alone

+ service redis  create
    redis:7, at most 256M of memory and 1 CPU
± service web  replace; the old one is kept until the new one
  is healthy
    cpus     1 → 2
    command  (changed behind minibot's back)
      - ["serve","--port","8080","--verbose"]
      + ["serve","--port","8081","--verbose"]

Plan for the stack "shop": 1 to create, 1 to replace, once the
problem above is settled.
`
	if diff := cmp.Diff(want, planText(p, project, 62, paint(false))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	plain := planText(p, project, 0, paint(false))
	if !strings.Contains(plain, `    command  ["serve","--port","8080","--verbose"] → ["serve","--port","8081","--verbose"]  (changed`) {
		t.Errorf("without columns:\n%s", plain)
	}
}
