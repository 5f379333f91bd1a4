package engine

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"

	"minibot/internal/plan"
	"minibot/internal/secret"
)

// Prepare finds what would keep a plan's containers from being made and needs no engine to
// be seen, such as a secret whose value would break the file around it. Call it before the
// first action.
func (s *Stack) Prepare(p plan.Plan) error {
	var all []error
	for _, step := range p.Steps {
		for _, action := range step.Actions {
			if action.Verb == plan.CreateContainer {
				_, _, _, err := s.prepare(action.Service)
				all = append(all, err)
			}
		}
	}
	return errors.Join(all...)
}

// prepare puts the secrets of this run into a service's definition and files.
func (s *Stack) prepare(name string) (types.ServiceConfig, definition, []file, error) {
	service := s.project.Services[name]
	service.Name = name
	d := delivery{secrets: s.secrets.Values, used: map[string]secret.Value{}}
	defined, err := create(s.project, service, d.expand)
	if err != nil {
		return service, defined, nil, fmt.Errorf("service %s: %w", name, err)
	}
	files, err := filesOf(s.project, service, d.expand)
	if err != nil {
		return service, defined, nil, err
	}
	if !s.secrets.Key.IsZero() {
		defined.fingerprints = plan.Fields{}
		for used, value := range d.used {
			defined.fingerprints[used] = []string{s.secrets.Key.Delivered(s.project.Name, name, used, value)}
		}
	}
	return service, defined, files, nil
}

// delivery resolves references for one service, and remembers which it met.
type delivery struct {
	secrets secret.Values
	used    map[string]secret.Value
}

// expand resolves compose's $ syntax in one text.
func (d *delivery) expand(text string) (string, error) {
	refs := mentions(text)
	alone := len(refs) == 1 && text[refs[0].from:refs[0].to] == strings.TrimSpace(text)
	var bad error
	expanded, err := template.Substitute(text, func(name string) (string, bool) {
		value, ok := d.secrets.Get(name)
		if !ok {
			return "", false
		}
		d.used[name] = value
		revealed := string(value.Reveal())
		if !alone && strings.ContainsFunc(revealed, structural) {
			bad = fmt.Errorf("the value of %s has a space, a quote or a backslash in it, and would break the text that it stands in; choose one without, or give it a file of its own: secret.%s.file", name, name)
		}
		return revealed, true
	})
	switch {
	case bad != nil:
		return "", bad
	case err != nil:
		// The library's error may quote the text around a secret: say only that one lacks.
		return "", errors.New("a secret that it names has no value")
	}
	return expanded, nil
}

// structural reports whether a character ends or escapes a word in the usual forms of text:
// JSON, YAML, redis.conf, a shell's. None of them can be asked which one a file is in.
func structural(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("\"'`\\", r)
}
