package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// invisible lists the paths that no inspection shows: for them only what was last asked
// for can be compared.
var invisible = map[string]bool{"secrets": true, "configs": true, "pull_policy": true, "platform": true}

// private lists the paths whose values may be somebody's password.
var private = []string{"environment.", "command", "entrypoint", "healthcheck.test", "labels.", "logging.options."}

// Hidden stands for a value that minibot does not show, because it may be a secret.
const Hidden = "(hidden)"

// engineDefaults are what the engine fills in where nobody says anything.
var engineDefaults = Fields{"shm_size": {"67108864"}, "restart": {"no"}, "logging.driver": {"json-file"}}

// causes lists the differences between what is wanted and what the container is.
func (d *differ) causes(service types.ServiceConfig, container Container) []Cause {
	var causes []Cause
	wanted, defaults := DesiredOf(d.project, service), d.defaults(container.ImageID)
	want, actual := overlay(defaults, wanted), d.actual(container)
	for _, path := range paths(want, wanted, actual, container.Applied) {
		was, old, new := container.Applied[path], actual[path], want[path]
		drift := container.Applied != nil && slices.Equal(was, wanted[path])
		switch top, _, _ := strings.Cut(path, "."); {
		case top == "depends_on", top == "pull_policy":
			continue // they are about steps, and change nothing in a container
		case invisible[top]:
			if drift || container.Applied == nil {
				continue
			}
			old, new = was, wanted[path]
		case slices.Equal(old, new):
			continue
		case len(old) > 0 && isPrivate(path) && !slices.Equal(old, was) && !slices.Equal(old, defaults[path]):
			old = []string{Hidden} // neither minibot nor the image put it there
		}
		causes = append(causes, split(path, old, new, drift)...)
	}
	if container.Applied == nil {
		causes = append(causes, unowned)
	}
	for _, name := range container.Changed {
		if !d.held[name] {
			causes = append(causes, secretChanged(name))
		}
	}
	if image, ok := d.live.Images[service.Image]; ok && image.ID != container.ImageID && slices.Equal(want["image"], actual["image"]) {
		causes = append(causes, Cause{Path: "image", Old: short(container.ImageID), New: short(image.ID), Note: "the tag " + service.Image + " names another image now"})
	}
	return causes
}

// actual is what a container is.
func (d *differ) actual(container Container) Fields {
	fields := FieldsOf(container.Actual)
	for _, network := range d.project.Networks {
		if _, there := d.live.Networks[network.Name]; !there {
			// It was removed while the container was stopped: the container still names it, and
			// would not start, not even after a new network of that name was made.
			delete(fields, "networks."+network.Name)
		}
	}
	return fields
}

func isPrivate(path string) bool {
	return slices.ContainsFunc(private, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}

// overlay is what a container must be: the engine's defaults, over them the image's, over
// them what the file says. As the engine does it: an entrypoint drops the image's command,
// and an empty command or, beside an empty entrypoint, none leaves it.
func overlay(image, wanted Fields) Fields {
	want := maps.Clone(engineDefaults)
	maps.Copy(want, image)
	for path, values := range wanted {
		if top, _, _ := strings.Cut(path, "."); !invisible[top] {
			want[path] = values
		}
	}
	says := func(path string) bool { return wanted[path] != nil && wanted[path][0] != "[]" }
	if !says("command") {
		from := image
		if says("entrypoint") {
			from = wanted
		}
		want["command"] = from["command"]
	}
	return want
}

// split makes causes of one path: one for a single value, one for each value that a set
// gained or lost.
func split(path string, old, new []string, drift bool) []Cause {
	if len(old) <= 1 && len(new) <= 1 {
		return []Cause{{Path: path, Old: text(old), New: text(new), Drift: drift}}
	}
	var causes []Cause
	for _, value := range old {
		if !slices.Contains(new, value) {
			causes = append(causes, Cause{Path: path, Old: value, Drift: drift})
		}
	}
	for _, value := range new {
		if !slices.Contains(old, value) {
			causes = append(causes, Cause{Path: path, New: value, Drift: drift})
		}
	}
	if len(causes) == 0 { // the same values, one of them twice
		return []Cause{{Path: path, Old: strings.Join(old, " "), New: strings.Join(new, " "), Drift: drift}}
	}
	return causes
}

// text is a single value: "" if there is none, so that one that is empty is shown as such.
func text(values []string) string {
	if len(values) == 1 && values[0] == "" {
		return `""`
	}
	return strings.Join(values, "")
}

// short is an image's digest as people read it.
func short(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(12, len(id))]
}
