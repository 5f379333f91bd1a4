package adopt

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/override"
	"github.com/compose-spec/compose-go/v2/transform"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/compose-spec/compose-go/v2/validation"
	"gopkg.in/yaml.v3"
)

// load makes compose's project of the file, with marks or values in the place of variables. It reads no other file and
// no environment.
//
// It goes the way of compose-go's own loader, by the same steps of compose-go's, for what the spec can take over. The
// loader itself stays out of the program: with it comes a validator of JSON schemas that takes 6 ms to begin, of every
// command. TestLoad holds that both make the same of every case, and what the schema would refuse check.go does.
func (c *compose) load() (project *types.Project, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	defer func() {
		// compose-go takes the schema's word for much, and panics where it does not hold.
		if caught := recover(); caught != nil {
			project, err = nil, &FileError{File: c.Name, Problem: "compose cannot read it; docker compose config says more"}
		}
	}()
	model, err := c.model()
	for _, step := range []func(map[string]any) (map[string]any, error){
		override.EnforceUnicity,
		func(m map[string]any) (map[string]any, error) { return transform.Canonical(m, false) },
		override.EnforceUnicity,
		transform.SetDefaultValues,
		func(m map[string]any) (map[string]any, error) { return m, validation.Validate(m) },
	} {
		if err == nil {
			model, err = step(model)
		}
	}
	if err != nil {
		return nil, c.located(err)
	}
	c.normalize(model)
	project = &types.Project{Name: c.stack}
	if err := decode(model, project); err != nil {
		return nil, c.located(err)
	}
	return project, c.consistent(project)
}

// model is the file as compose-go takes it: what is carried over, with what services extend put together.
func (c *compose) model() (map[string]any, error) {
	all := map[string]any{}
	for _, key := range []string{"networks", "volumes", "secrets", "configs"} {
		objects := map[string]any{}
		for name, node := range pairs(find(c.root, key)) {
			objects[name.Value] = carried(node, map[string]rule{"labels": {kind: LeftOut}})
		}
		all[key] = objects
	}
	services := map[string]any{}
	for _, name := range c.services {
		service := map[string]any{}
		for _, base := range slices.Backward(c.bases(name)) {
			node := find(c.root, "services", base)
			if node == nil {
				return nil, fmt.Errorf("services.%s: it extends %q, which is not there", name, base)
			}
			var err error
			if service, err = override.ExtendService(service, carried(node, serviceKeys)); err != nil {
				return nil, err
			}
		}
		delete(service, "extends")
		services[name] = service
	}
	all["services"] = services
	return all, nil
}

// carried is a mapping without what is not carried over.
func carried(node *yaml.Node, rules map[string]rule) map[string]any {
	all := map[string]any{}
	for key, value := range pairs(node) {
		if !strings.HasPrefix(key.Value, "x-") && rules[key.Value].kind == "" && value.Tag != "!!null" {
			all[key.Value] = plain(value)
		}
	}
	return all
}

// normalize writes out what compose takes for granted, as its loader does.
func (c *compose) normalize(model map[string]any) {
	services, networks := model["services"].(map[string]any), model["networks"].(map[string]any)
	for name := range services {
		service := services[name].(map[string]any)
		c.linked(name, service)
		if attached, _ := service["networks"].(map[string]any); len(attached) == 0 && service["network_mode"] == nil {
			service["networks"] = map[string]any{defaultNetwork: nil}
		}
		if attached, _ := service["networks"].(map[string]any); attached != nil {
			if _, on := attached[defaultNetwork]; on && networks[defaultNetwork] == nil {
				networks[defaultNetwork] = map[string]any{}
			}
		}
		mounts, _ := service["volumes"].([]any)
		for _, one := range mounts {
			if mount, ok := one.(map[string]any); ok {
				mount["target"] = path.Clean(fmt.Sprint(mount["target"]))
			}
		}
	}
	for _, kind := range []string{"networks", "volumes", "secrets", "configs"} {
		for key, object := range model[kind].(map[string]any) {
			if object, ok := object.(map[string]any); ok && object["name"] == nil {
				object["name"] = c.stack + "_" + key
				if object["external"] == true {
					object["name"] = key
				}
			}
		}
	}
}

// linked makes a dependency of a link, as compose does.
func (c *compose) linked(name string, service map[string]any) {
	for _, link := range items(find(c.root, "services", name, "links")) {
		dependencies, _ := service["depends_on"].(map[string]any)
		if dependencies == nil {
			dependencies = map[string]any{}
			service["depends_on"] = dependencies
		}
		other, _, _ := strings.Cut(link.Value, ":")
		if _, there := dependencies[other]; !there {
			dependencies[other] = map[string]any{"condition": types.ServiceConditionStarted, "restart": true, "required": true}
		}
	}
}

var placeInError = regexp.MustCompile(`(?:services|networks|volumes|secrets|configs)(?:\.[\w-]+)+`)

// located is an error of compose-go with the line that it is about, as far as it says which.
func (c *compose) located(err error) error {
	node, line := c.root, 0
	for _, step := range strings.Split(placeInError.FindString(err.Error()), ".") {
		if next := find(node, step); next != nil {
			line, node = keyLine(node, step), next
		}
	}
	return &FileError{File: c.Name, Line: line, Problem: markPattern.ReplaceAllString(err.Error(), "…")}
}

// consistent makes sure that everything is there that a service names.
func (c *compose) consistent(project *types.Project) error {
	for _, name := range c.services {
		service := project.Services[name]
		missing := func(key, what string) error {
			line := keyLine(find(c.root, "services"), name)
			for _, base := range c.bases(name) {
				if at, found := lineOf(find(c.root, "services", base), []string{key, what}); found {
					line = at
				}
			}
			return &FileError{File: c.Name, Line: line, Problem: fmt.Sprintf("%s names %q, and the file does not have it (%s)", name, what, key)}
		}
		if service.Image == "" && service.Build == nil {
			return &FileError{File: c.Name, Line: keyLine(find(c.root, "services"), name), Problem: name + " has neither an image nor a build"}
		}
		for _, key := range slices.Sorted(maps.Keys(service.Networks)) {
			if _, ok := project.Networks[key]; !ok {
				return missing("networks", key)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(service.DependsOn)) {
			if _, ok := project.Services[key]; !ok {
				return missing("depends_on", key)
			}
		}
		for _, v := range service.Volumes {
			if _, ok := project.Volumes[v.Source]; !ok && v.Type == types.VolumeTypeVolume && v.Source != "" {
				return missing("volumes", v.Source)
			}
		}
		for _, one := range service.Secrets {
			if _, ok := project.Secrets[one.Source]; !ok {
				return missing("secrets", one.Source)
			}
		}
		for _, one := range service.Configs {
			if _, ok := project.Configs[one.Source]; !ok {
				return missing("configs", one.Source)
			}
		}
	}
	return nil
}

// kept are the services of the project that are translated, in the file's order.
func (c *compose) kept(project *types.Project) []types.ServiceConfig {
	var all []types.ServiceConfig
	for _, name := range c.services {
		all = append(all, project.Services[name])
	}
	return all
}
