package plan_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/internal/plan"
)

// choices reads decisions from the fuzzer's bytes; when they are used up, all are 0.
type choices []byte

func (c *choices) pick(n int) int {
	if len(*c) == 0 {
		return 0
	}
	first := (*c)[0]
	*c = (*c)[1:]
	return int(first) % n
}

func one[T any](c *choices, of ...T) T { return of[c.pick(len(of))] }

// weirdLive is a state that no engine would show, or hardly.
func weirdLive(c *choices, project *types.Project) plan.Live {
	live := plan.Live{Images: map[string]plan.Image{}}
	for range c.pick(8) {
		live.Containers = append(live.Containers, weirdContainer(c, project))
	}
	labels := func() map[string]string {
		return one(c, nil, map[string]string{plan.LabelProject: "shop"}, map[string]string{plan.LabelProject: "blog"})
	}
	if c.pick(2) == 1 {
		live.Networks = map[string]plan.Network{
			"shop-net": {Name: "shop-net", Driver: one(c, "bridge", "", "macvlan"), Labels: labels(), Options: one(c, nil, map[string]string{"a": "b"})},
			"back":     {Labels: labels(), Subnets: []netip.Prefix{{}}},
		}
		live.Volumes = map[string]plan.Volume{"shop_data": {Driver: one(c, "local", "", "nfs"), Labels: labels()}}
	}
	for _, ref := range []string{"db:2", "web:2", "sha256:1", ""} {
		if c.pick(2) == 1 {
			live.Images[ref] = plan.Image{ID: one(c, "", "sha256:1", "x"), Volumes: one(c, nil, []string{"/data/", "", "/x"}), Defaults: weirdService(c, project)}
		}
	}
	return live
}

func weirdContainer(c *choices, project *types.Project) plan.Container {
	return plan.Container{
		ID:      one(c, "", "1", "2", "3"),
		Name:    one(c, "", "shop-db", "shop-db.replaced", "shop-web", "shop-web.replaced", "shop-migrate", "x", ".replaced"),
		Project: one(c, "shop", "", "blog"), Service: one(c, "db", "web", "migrate", "", "nobody"), Number: c.pick(3),
		Applied:   one(c, nil, plan.Fields{}, plan.Fields{"image": {}, "ports": {"x", "y"}, "secrets": nil, "": {"", ""}, "networks.": {"attached"}}, plan.Desired(project)["db"]),
		Actual:    weirdService(c, project),
		ImageID:   one(c, "", "sha256:1", "short"),
		State:     plan.State{Status: one(c, "running", "exited", "created", "paused", "restarting", "dead", "removing", "", "?"), Health: one(c, "", "healthy", "unhealthy", "starting", "?"), ExitCode: c.pick(2)},
		Published: one(c, nil, []plan.Port{{}}, []plan.Port{{Published: 80, Protocol: "tcp"}, {Published: 80, Protocol: "tcp", HostIP: netip.IPv6Unspecified()}}),
	}
}

func weirdService(c *choices, project *types.Project) types.ServiceConfig {
	var s types.ServiceConfig
	if c.pick(2) == 1 {
		s = project.Services[one(c, "db", "web", "migrate")]
	}
	s.Networks = one(c, nil, map[string]*types.ServiceNetworkConfig{"": nil, "shop-net": {}, "a.b": {Aliases: []string{"x"}}})
	s.Environment = one(c, nil, types.MappingWithEquals{"": nil, "A": new(string)})
	s.Command, s.Entrypoint = one(c, nil, types.ShellCommand{}, types.ShellCommand{""}), one(c, nil, types.ShellCommand{}, types.ShellCommand{""})
	s.HealthCheck = one(c, nil, &types.HealthCheckConfig{}, &types.HealthCheckConfig{Test: []string{"NONE"}}, &types.HealthCheckConfig{Disable: true, Retries: new(uint64)})
	s.Ports = one(c, nil, []types.ServicePortConfig{{}}, []types.ServicePortConfig{{Published: "80-90", HostIP: "?"}, {Target: 70000}})
	s.Volumes = one(c, nil, []types.ServiceVolumeConfig{{}, {}}, []types.ServiceVolumeConfig{{Type: "volume", Source: "nothing", Target: "/data"}})
	s.Devices = one(c, nil, []types.DeviceMapping{{Source: "/dev/a"}, {}})
	s.Ulimits = one(c, nil, map[string]*types.UlimitsConfig{"nofile": nil, "": {}})
	s.Logging = one(c, nil, &types.LoggingConfig{})
	s.Privileged = c.pick(2) == 1
	return s
}

// Diff and Destroy have an answer for everything that can be put into a Live, the same one
// for any order of its containers, and one that can be carried out.
func FuzzDiff(f *testing.F) {
	f.Add([]byte{})
	for i := range byte(32) {
		f.Add(slices.Repeat([]byte{i, 3 * i, 7*i + 1, i / 3, 1, 2}, 40))
	}
	project := projectOf(f, stack)
	f.Fuzz(func(t *testing.T, data []byte) {
		live := weirdLive((*choices)(&data), project)
		p := plan.Diff(project, live)
		destroy := plan.Destroy("shop", live)
		names := map[string]bool{}
		for _, c := range live.Containers {
			names[c.Name] = true
		}
		if len(names) < len(live.Containers) {
			return // no engine has two of a name: it is enough that there is an answer
		}
		carriedOut(t, p, project)
		carriedOut(t, destroy, project)
		text := view(t, p)
		slices.Reverse(live.Containers)
		if again := view(t, plan.Diff(project, live)); again != text {
			t.Errorf("another order of containers, another plan:\n%s\n%s", text, again)
		}
	})
}

// carriedOut checks that steps have names of their own, wait for what is there and not for
// each other, and make containers under their services' names alone.
func carriedOut(t *testing.T, p plan.Plan, project *types.Project) {
	ids := map[string]bool{}
	for _, step := range p.Steps {
		if ids[step.ID] {
			t.Errorf("two steps %s", step.ID)
		}
		ids[step.ID] = true
		for _, action := range step.Actions {
			if action.Verb == plan.CreateContainer && action.Target != project.Services[step.Name].ContainerName {
				t.Errorf("a container of another name: %+v", action)
			}
		}
	}
	for _, step := range p.Steps {
		for _, id := range step.After {
			if !ids[id] {
				t.Errorf("%s waits for %s, which is not there", step.ID, id)
			}
		}
	}
	inOrder(t, p)
}
