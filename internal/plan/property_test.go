package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"minibot/apply"
	"minibot/internal/plan"
)

// stack has all that makes plans differ: health, a job, dependencies, a second network, a
// volume and a port.
const stack = `name = "shop"

network "shop-net" {}

network "back" {}

service "db" {
  image    = "db:2"
  networks = ["shop-net", "back"]
  limits {
    memory = "256MB"
    cpus   = 1
  }
  bind { port = 5432 }
  restart = "unless-stopped"
  volume "data" { target = "/data" }
  healthcheck { test = ["CMD", "ready"] }
}

service "migrate" {
  image    = "migrate:2"
  restart  = "no"
  networks = ["back"]
  limits {
    memory = "128MB"
    cpus   = 1
  }
  depends_on "db" {}
}

service "web" {
  image    = "web:2"
  networks = ["shop-net"]
  env      = { LEVEL = "info" }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  bind { port = 80 }
  depends_on "db" { restart = true }
  depends_on "migrate" { condition = "service_completed_successfully" }
}
`

// Lines that spoil a service; $ stands for its name.
var (
	pasts = []string{"", "was db:1 | db:2", "was migrate:1 | migrate:2", "was web:1 | web:2", "was LEVEL = \"debug\" | LEVEL = \"info\"", "was 512MB | 256MB", "was [\"shop-net\"] | [\"shop-net\", \"back\"]"}
	world = []string{"", "", "", "empty", "image db:2 absent", "image web:2 moved", "image migrate:2 absent", "image db:2 moved"}
	fates = []string{
		"", "", "", "absent $", "state $ exited 1", "state $ exited 0", "state $ paused", "state $ created", "state $ dead", "state $ restarting 1", "state $ removing",
		"state $ running starting", "state $ running unhealthy", "rename $ mine-$", "no-label $", "aside $ running", "aside $ exited", "aside $ created",
		"aside $ exited\nnew $ created", "aside $ running\nnew $ created", "aside $ running\nnew $ exited 1\nset shop-$ restart no", "retired $\nnew $ created", "retired $\nnew $ exited 0", "retired $\nnew $ exited 1",
		"retired $\nnew $ running", "retired $\nnew $ running starting", "retired $\nnew $ running unhealthy", "retired $\nnew $ paused", "retired $\nnew $ restarting 1",
		"retired $\nnew $ running\nset shop-$ user nobody", "retired $\nnew $ exited 1\nset shop-$ user nobody", "retired $\nnew $ running\nset shop-$ mem_limit 134217728",
	}
	twists = []string{"", "", "", "set $ mem_limit 100000000", "set $ user nobody", "attach $ lan", "detach $ back", "detach $ shop-net", "set $ environment.X y", "applied $ mem_limit 1"}
)

// randomScene is the same for the same seed.
func randomScene(t testing.TB, seed uint64) (*scene, string) {
	random := rand.New(rand.NewPCG(seed, 0))
	pick := func(lines []string) string { return lines[random.IntN(len(lines))] }
	lines := pick(pasts) + "\n"
	var rest []string
	for _, service := range []string{"db", "migrate", "web"} {
		fate := pick(fates)
		fate = strings.Replace(fate, "retired $", "aside $ exited\nset shop-$.replaced restart no", 1)
		if !strings.HasPrefix(fate, "absent") && !strings.HasPrefix(fate, "aside") {
			rest = append(rest, strings.ReplaceAll(pick(twists), "$", service))
		}
		rest = append(rest, strings.ReplaceAll(fate, "$", service))
	}
	lines += strings.Join(rest, "\n") + "\n" + pick(world)
	policy := pick([]string{"unless-stopped", "always", "on-failure"})
	return newScene(t, strings.Replace(stack, `restart = "unless-stopped"`, fmt.Sprintf("restart = %q", policy), 1), lines), lines + "\nrestart " + policy
}

// inOrder lists a plan's actions one after the other, as After allows.
func inOrder(t testing.TB, p plan.Plan) []plan.Action {
	var actions []plan.Action
	done := map[string]bool{}
	for len(done) < len(p.Steps) {
		before := len(done)
		for _, step := range p.Steps {
			if !done[step.ID] && !slices.ContainsFunc(step.After, func(id string) bool { return !done[id] }) {
				actions = append(actions, step.Actions...)
				done[step.ID] = true
			}
		}
		if len(done) == before {
			t.Fatal("steps wait for each other")
		}
	}
	return actions
}

// converge applies the plan for the model's state; nothing may be left to do.
func converge(t testing.TB, m *model) {
	t.Helper()
	m.dies, m.fails, m.ordered = -1, -1, true
	for _, action := range inOrder(t, plan.Diff(m.project, m.live)) {
		if err := m.Do(t.Context(), action, nil); err != nil {
			t.Fatalf("%v, in the state\n%s", err, m.end())
		}
	}
	if again := plan.Diff(m.project, m.live); !again.Empty() {
		t.Fatalf("something is left to do:\n%s", view(t, again))
	}
}

// seeds is how many states are tried. When this was written, 2000 went well.
const seeds = 60

// Whatever the state, applying the plan leads to an empty plan, and so does applying what
// is planned after a kill between any two actions, or a power cut: to the same end. No engine
// that starts again runs two containers of one service.
func TestConverges(t *testing.T) {
	planned := 0
	for seed := range uint64(seeds) {
		s, lines := randomScene(t, seed)
		p := plan.Diff(s.project, s.live)
		if len(p.Problems) > 0 {
			continue
		}
		planned++
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("the state was:\n%s", lines)
				}
			}()
			whole := newModel(t, s.project, s.live)
			volumes := len(whole.live.Volumes)
			converge(t, whole)
			actions := inOrder(t, p)
			for killed := range 2 * len(actions) {
				m := newModel(t, s.project, s.live)
				for _, action := range actions[:killed/2] {
					if err := m.Do(t.Context(), action, nil); err != nil {
						t.Fatal(err)
					}
				}
				if killed%2 == 1 {
					m.reboot()
				}
				converge(t, m)
				if diff := gocmp.Diff(whole.end(), m.end()); diff != "" {
					t.Errorf("killed after %d actions, it ended otherwise (power cut %t):\n%s", killed/2, killed%2 == 1, diff)
				}
				if len(m.live.Volumes) < volumes {
					t.Errorf("a volume is gone")
				}
			}
		})
	}
	if planned < seeds*3/4 {
		t.Errorf("only %d of %d states had a plan", planned, seeds)
	}
}

// However an action fails, before or after it did its work, and wherever the process is
// killed, or the power is cut, while the step is taken back: the next apply leads to the same
// end, and a service that worked before still does after a step of it was taken back.
func TestRecovers(t *testing.T) {
	for seed := range uint64(seeds / 5) {
		s, lines := randomScene(t, seed)
		p := plan.Diff(s.project, s.live)
		if len(p.Problems) > 0 || len(p.Steps) == 0 {
			continue
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("the state was:\n%s", lines)
				}
			}()
			whole := newModel(t, s.project, s.live)
			converge(t, whole)
			for fails := range len(inOrder(t, p)) {
				for dies := range 6 {
					for variant := range 3 {
						halfway, boots := variant == 1, variant == 2
						if dies > 3 && !boots {
							continue
						}
						m := newModel(t, s.project, s.live)
						m.fails, m.halfway = fails, halfway
						if dies > 0 {
							m.dies = fails + 1 + dies
						}
						err := apply.Run(t.Context(), p, m, nil)
						if err == nil {
							t.Fatal("it must fail")
						}
						if dies == 0 && !halfway {
							m.stillWorks(s.live)
						}
						if boots {
							m.reboot()
						}
						converge(t, m)
						if diff := gocmp.Diff(whole.end(), m.end()); diff != "" {
							t.Fatalf("action %d failed (halfway %t), %d calls later it was killed (power cut %t), and it ended otherwise:\n%s", fails, halfway, dies, boots, diff)
						}
					}
				}
			}
		})
	}
}

// stillWorks checks that each service that had a container running has one still.
func (m *model) stillWorks(before plan.Live) {
	m.t.Helper()
	up := func(containers []plan.Container) map[string]bool {
		services := map[string]bool{}
		for _, c := range containers {
			if c.State.Status == "running" && c.State.Health != "unhealthy" && !plan.Job(m.project, c.Service) {
				services[c.Service] = true
			}
		}
		return services
	}
	now := up(m.live.Containers)
	for service := range up(before.Containers) {
		if !now[service] {
			m.t.Errorf("%s worked, and does not after a step was taken back:\n%s", service, m.end())
		}
	}
}
