package adopt

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
)

// load has compose's own loader read the file, with marks or values in the place of variables. It reads no other file
// and no environment.
func (c *compose) load() (*types.Project, error) {
	details := types.ConfigDetails{
		WorkingDir:  c.Dir,
		ConfigFiles: []types.ConfigFile{{Filename: c.Name, Config: c.model()}},
	}
	// The loader takes a context for remote files; there are none.
	project, err := loader.LoadWithContext(context.Background(), details, func(o *loader.Options) {
		o.SetProjectName(c.stack, true)
		o.Interpolate = &interpolation.Options{ // values are casts of text, which is done already
			Substitute:      func(text string, _ template.Mapping) (string, error) { return text, nil },
			LookupValue:     func(string) (string, bool) { return "", false },
			TypeCastMapping: o.Interpolate.TypeCastMapping,
		}
		o.ResolvePaths = false
		o.SkipResolveEnvironment = true
		o.SkipResolveLabels = true
	})
	if err != nil {
		return nil, c.located(err)
	}
	return project, nil
}

// model is the file as the loader takes it.
func (c *compose) model() map[string]any {
	all := map[string]any{}
	for key, value := range pairs(c.root) {
		if key.Value != "version" && key.Value != "include" && !strings.HasPrefix(key.Value, "x-") {
			all[key.Value] = plain(value)
		}
	}
	return all
}

var (
	placeInError = regexp.MustCompile(`(?:services|networks|volumes|secrets|configs)(?:\.[\w-]+)+`)
	nameInError  = regexp.MustCompile(`service "([^"]+)"`)
)

// located is an error of the loader with the line that it is about, as far as it says which.
func (c *compose) located(err error) error {
	text := strings.TrimSuffix(strings.TrimPrefix(err.Error(), "validating "+c.Name+": "), ": invalid compose project")
	node := c.root
	line := 0
	place := strings.Split(placeInError.FindString(text), ".")
	if match := nameInError.FindStringSubmatch(text); match != nil && place[0] == "" {
		place = []string{"services", match[1]}
	}
	for _, step := range place {
		if next := find(node, step); next != nil {
			line, node = keyLine(node, step), next
		}
	}
	text = strings.ReplaceAll(markPattern.ReplaceAllString(text, "…"), " false schema", ": compose knows no such key")
	return &FileError{File: c.Name, Line: line, Problem: text}
}

// kept are the services of the project that are translated, in the file's order.
func (c *compose) kept(project *types.Project) []types.ServiceConfig {
	var all []types.ServiceConfig
	for _, name := range c.services {
		if service, ok := project.Services[name]; ok {
			all = append(all, service)
		}
	}
	return slices.Clip(all)
}
