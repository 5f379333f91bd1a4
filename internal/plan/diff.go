package plan

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// Options are what a person asks for beyond the spec.
type Options struct {
	// Replace names services that get a new container though nothing of theirs changed.
	Replace []string
	// RemoveStrays removes strays, but none that belongs to another compose project.
	RemoveStrays bool
	// Pulled are images that were pulled for this plan already.
	Pulled []string
}

// Diff compares what the compose file asks for with what the engine holds.
func Diff(project *types.Project, live Live) Plan { return DiffWith(project, live, Options{}) }

// DiffWith is Diff with wishes.
func DiffWith(project *types.Project, live Live, options Options) Plan {
	live.Containers = byName(live.Containers)
	d := &differ{
		project: project, live: live, options: options, plan: Plan{Stack: project.Name, Steps: []Step{}},
		changes: map[string]change{}, known: map[*Container]bool{}, images: map[string]Fields{}, held: map[string]bool{}, before: map[string][]string{},
	}
	d.networks()
	d.volumes()
	d.secrets()
	names := slices.Sorted(maps.Keys(project.Services))
	for _, name := range names {
		d.changes[name] = d.service(project.Services[name])
	}
	d.ports()
	d.restarts()
	d.strays()
	d.pulls()
	for _, name := range names {
		change := d.changes[name]
		if change.kind != "" {
			d.step(change.step())
		}
		if change.aside != nil && !change.makes() {
			d.step(change.leftover())
		}
	}
	d.order()
	return d.plan
}

// differ gathers one plan.
type differ struct {
	project *types.Project
	live    Live
	options Options
	plan    Plan
	changes map[string]change   // by service
	known   map[*Container]bool // those that stand for a service, or were put aside for one
	before  map[string][]string // steps that free a port for a service, by the service
	images  map[string]Fields   // what images set, by ID
	held    map[string]bool     // changed secrets that no container may be given yet
}

func (d *differ) step(s Step) {
	d.plan.Steps = append(d.plan.Steps, s)
}

func (d *differ) problem(object, name, summary, remedy string) {
	d.plan.Problems = append(d.plan.Problems, Problem{Object: object, Name: name, Summary: summary, Remedy: remedy})
}

func (d *differ) warning(object, name, summary, remedy string) {
	d.plan.Warnings = append(d.plan.Warnings, Problem{Object: object, Name: name, Summary: summary, Remedy: remedy})
}

func (d *differ) networks() {
	for _, key := range slices.Sorted(maps.Keys(d.project.Networks)) {
		config := d.project.Networks[key]
		network, found := d.live.Networks[config.Name]
		if !found {
			d.step(Step{
				ID: "network/" + config.Name, Kind: Create, Object: "network", Name: config.Name,
				Causes:  []Cause{{Path: "networks." + key, New: config.Driver}},
				Actions: []Action{{Verb: CreateNetwork, Target: config.Name}},
			})
			continue
		}
		if owner := network.Labels[LabelProject]; owner != d.project.Name {
			d.problem("network", config.Name, fmt.Sprintf("a network %q is there already and is not this stack's%s", config.Name, of(owner)),
				fmt.Sprintf("Choose another name in the spec, or remove it: docker network rm %s", config.Name))
			continue
		}
		for _, cause := range networkCauses(key, config, network) {
			d.problem("network", config.Name, fmt.Sprintf("%s is %s and shall be %s; a network cannot be changed while it is there", cause.Path, quoted(cause.Old), quoted(cause.New)),
				"Run minibot destroy (volumes stay), then minibot apply.")
		}
	}
}

// networkCauses compares a network with its definition. Options that minibot does not
// set are drift as well: some of them open the network to the LAN.
func networkCauses(key string, config types.NetworkConfig, network Network) []Cause {
	var causes []Cause
	compare := func(path, old, new string) {
		if old != new {
			causes = append(causes, Cause{Path: "networks." + key + "." + path, Old: old, New: new})
		}
	}
	compare("driver", network.Driver, config.Driver)
	compare("internal", fmt.Sprint(network.Internal), fmt.Sprint(config.Internal))
	options := map[string]bool{}
	for name := range network.Options {
		options[name] = true
	}
	for name := range config.DriverOpts {
		options[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		compare("driver_opts."+name, network.Options[name], config.DriverOpts[name])
	}
	for _, pool := range config.Ipam.Config {
		if prefix, err := netip.ParsePrefix(pool.Subnet); err == nil && !slices.Contains(network.Subnets, prefix) {
			compare("ipam.config.subnet", strings.Trim(fmt.Sprint(network.Subnets), "[]"), pool.Subnet)
		}
	}
	return causes
}

func (d *differ) volumes() {
	for _, key := range slices.Sorted(maps.Keys(d.project.Volumes)) {
		config := d.project.Volumes[key]
		volume, found := d.live.Volumes[config.Name]
		if !found {
			d.step(Step{
				ID: "volume/" + config.Name, Kind: Create, Object: "volume", Name: config.Name,
				Causes:  []Cause{{Path: "volumes." + key, New: "local"}},
				Actions: []Action{{Verb: CreateVolume, Target: config.Name}},
			})
			continue
		}
		if owner := volume.Labels[LabelProject]; owner != "" && owner != d.project.Name {
			d.problem("volume", config.Name, fmt.Sprintf("the volume %q belongs to another stack%s", config.Name, of(owner)), "Choose another name in the spec.")
		}
		if volume.Driver != "local" {
			d.problem("volume", config.Name, fmt.Sprintf("the volume %q has the driver %q, not local", config.Name, volume.Driver),
				"Copy its data into a new volume by hand, and name that one in the spec. minibot never deletes a volume.")
		}
	}
}

// pulls plans a pull for each image that is about to be needed and is missing, or is to be
// pulled each time.
func (d *differ) pulls() {
	needed := map[string][]Cause{}
	for _, name := range slices.Sorted(maps.Keys(d.changes)) {
		service := d.project.Services[name]
		ref, policy := service.Image, service.PullPolicy
		_, present := d.live.Images[ref]
		cause := Cause{Path: "services." + name + ".image", New: ref}
		switch {
		case !d.changes[name].makes():
		case !present && policy == types.PullPolicyNever:
			d.problem("service", name, fmt.Sprintf("the image %s is not here, and pull_policy is never", ref), "Load it into the engine (docker load), or let it be pulled: pull_policy = \"missing\".")
		case !present:
			needed[ref] = append(needed[ref], cause)
		case policy == types.PullPolicyAlways && !slices.Contains(d.options.Pulled, ref):
			cause.Note = "pull_policy is always"
			needed[ref] = append(needed[ref], cause)
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(needed)) {
		d.step(Step{ID: "image/" + ref, Kind: Pull, Object: "image", Name: ref, Causes: needed[ref], Actions: []Action{{Verb: PullImage, Target: ref}}})
	}
}

// defaults are what an image sets.
func (d *differ) defaults(id string) Fields {
	if _, ok := d.images[id]; !ok {
		d.images[id] = FieldsOf(d.live.Images[id].Defaults)
	}
	return d.images[id]
}

func of(owner string) string {
	if owner == "" {
		return ""
	}
	return fmt.Sprintf(" (it is %q's)", owner)
}

// whose tells to whom a container belongs that bears the name of another one.
func (d *differ) whose(container *Container) string {
	if container.Project == d.project.Name {
		return fmt.Sprintf("belongs to service %q", container.Service)
	}
	return "is not this stack's" + of(container.Project)
}

func quoted(value string) string {
	if value == "" {
		return "not set"
	}
	return fmt.Sprintf("%q", value)
}
