package verify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"minibot/internal/plan"
)

func exposure(ctx context.Context, s Subject) []Result {
	all := s.secrets(ctx)
	for _, k := range all {
		if k.err != nil {
			return []Result{unknown("%v", k.err).on("stack").remedy("Unlock the store, or set the secret: minibot secret set %s", k.name)}
		}
	}
	if len(all) == 0 {
		return []Result{skip("the spec has no secret").on("stack")}
	}
	own := map[string]string{} // services, by their containers
	for _, p := range s.pairs() {
		if p.have != nil {
			own[p.have.ID] = p.spec.Name
		}
	}
	containers := slices.DeleteFunc(slices.Clone(s.Live.Containers), func(c plan.Container) bool { return c.Project != s.Project.Name && own[c.ID] == "" && !s.stray(c) })
	slices.SortFunc(containers, func(a, b plan.Container) int { return strings.Compare(a.Name, b.Name) })
	return sideBySide(containers, func(c plan.Container) Result {
		result := s.exposedBy(ctx, c, all)
		if service := own[c.ID]; service != "" {
			return result.of(service, "")
		}
		return result.on(c.Name)
	})
}

func (s Subject) exposedBy(ctx context.Context, c plan.Container, all []known) Result {
	raw, err := s.Containers.Inspection(ctx, c.ID)
	var told any
	if err == nil {
		err = json.Unmarshal(raw, &told)
	}
	if err != nil {
		return unknown("what the engine says of %s could not be read", c.Name).remedy("Look at it by hand: docker inspect %s", c.Name)
	}
	var found []string
	for _, k := range all {
		search := forms(string(k.value.Reveal()))
		for _, place := range places(told, "", search) {
			found = append(found, fmt.Sprintf("%s in %s", k.name, place))
		}
	}
	if len(found) > 0 {
		return fail("docker inspect %s shows %s", c.Name, strings.Join(found, ", "))
	}
	return pass("nothing in it")
}

// leastSought is the length, in bytes, from which a value is searched for: a shorter one is found anywhere.
const leastSought = 6

// forms are the ways in which a value may be written.
func forms(value string) []string {
	if len(value) < leastSought {
		return nil
	}
	all := []string{value, base64.StdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)), url.QueryEscape(value)}
	slices.Sort(all)
	return slices.Compact(all)
}

// places lists where in a tree one of the texts stands, such as "Config.Env (TOKEN)".
func places(node any, path string, texts []string) []string {
	holds := func(text string) bool {
		return slices.ContainsFunc(texts, func(sought string) bool { return strings.Contains(text, sought) })
	}
	var found []string
	switch node := node.(type) {
	case string:
		if holds(node) {
			found = append(found, path)
		}
	case []any:
		for i, item := range node {
			at := path + "[" + strconv.Itoa(i) + "]"
			if line, ok := item.(string); ok && path == "Config.Env" {
				name, _, _ := strings.Cut(line, "=")
				if !holds(name) {
					at = path + " (" + name + ")"
				}
			}
			found = append(found, places(item, at, texts)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(node)) {
			at := key
			if holds(key) {
				at = "a name"
				found = append(found, strings.TrimPrefix(path+"."+at, "."))
			}
			found = append(found, places(node[key], strings.TrimPrefix(path+"."+at, "."), texts)...)
		}
	}
	return found
}
