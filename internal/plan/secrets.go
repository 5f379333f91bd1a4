package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// initOnly are the variables by which official images take a password that they read once,
// when they make their data, and never again; each also with _FILE.
var initOnly = []string{"POSTGRES_PASSWORD", "MONGO_INITDB_ROOT_PASSWORD"}

// secretChanged is the cause of a container that was given an older value.
func secretChanged(name string) Cause {
	return Cause{Path: "secrets." + name, Old: "the value given to it", New: "the value in the store", Note: "secret " + name + " changed"}
}

// secrets says what is known of the store, and holds back a changed password that a
// database took over when it made its data: only the old container's file still has the
// one that works.
func (d *differ) secrets() {
	d.plan.Rotations = slices.Clone(d.live.Store.Rotating)
	if problem := d.live.Store.Problem; problem != "" {
		d.warning("secrets", d.project.Name, "nobody knows whether a secret changed since it was applied: "+problem, "minibot secret where tells which store is used, and what is against it.")
	}
	changed := map[string]bool{}
	for _, container := range d.live.Containers {
		for _, name := range container.Changed {
			changed[name] = changed[name] || !d.succeeded(container)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		service := d.initialized(name)
		if !changed[name] || service == "" || slices.Contains(d.live.Store.Accepted, name) {
			continue
		}
		d.held[name] = true
		if !slices.Contains(d.live.Store.Rotating, name) {
			d.warning("secret", name, fmt.Sprintf("it changed in the store, but %s keeps the password that its data was made with", service),
				fmt.Sprintf("Run: minibot secret rotate %s", name))
		}
	}
}

// succeeded reports whether a container is not this stack's, or was put aside for one that
// is there: what it was given counts no more.
func (d *differ) succeeded(old Container) bool {
	return old.Project != d.project.Name || strings.HasSuffix(old.Name, replacedSuffix) &&
		slices.ContainsFunc(d.live.Containers, func(c Container) bool { return c.Name+replacedSuffix == old.Name })
}

// initialized names a service that read the secret when it made the data that it has now;
// empty if there is none.
func (d *differ) initialized(secret string) string {
	for _, name := range slices.Sorted(maps.Keys(d.project.Services)) {
		service := d.project.Services[name]
		if slices.ContainsFunc(initOnly, func(variable string) bool { return d.reads(service, variable, secret) }) && d.hasData(service) {
			return name
		}
	}
	return ""
}

// reads reports whether a variable of the service, or the file that it names, holds a secret.
func (d *differ) reads(service types.ServiceConfig, variable, secret string) bool {
	if value := service.Environment[variable]; value != nil && strings.HasPrefix(*value, "${"+secret+":?") {
		return true
	}
	file := service.Environment[variable+"_FILE"]
	return file != nil && slices.ContainsFunc(service.Secrets, func(given types.ServiceSecretConfig) bool {
		return given.Target == *file && d.project.Secrets[given.Source].Environment == secret
	})
}

// hasData reports whether a volume of the service is there already.
func (d *differ) hasData(service types.ServiceConfig) bool {
	return slices.ContainsFunc(service.Volumes, func(v types.ServiceVolumeConfig) bool {
		volume, there := d.live.Volumes[d.project.Volumes[v.Source].Name]
		return there && v.Type == types.VolumeTypeVolume && volume.Labels[LabelFiles] == ""
	})
}

// keepsPassword refuses to replace a container that holds the only copy of a password that
// works.
func (d *differ) keepsPassword(c change) {
	for _, container := range []*Container{c.current, c.aside} {
		if container == nil {
			continue
		}
		for _, name := range container.Changed {
			if d.held[name] && !slices.Contains(d.live.Store.Rotating, name) {
				d.problem("service", c.service.Name, fmt.Sprintf("secret %s changed in the store, and the service does not know it yet; in a new container it would be locked out", name),
					fmt.Sprintf("First run: minibot secret rotate %s", name))
				return
			}
		}
	}
}

// sharesFiles reports whether the files of the service lie in a volume, which a new
// container writes over while the old one is still there.
func sharesFiles(service types.ServiceConfig) bool {
	return service.ReadOnly && len(service.Secrets)+len(service.Configs) > 0
}
