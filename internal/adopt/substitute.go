package adopt

import (
	"errors"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// textual are the keys of a service whose values are text as they stand, in which the spec can name a variable. In others
// the value of a variable is put in its place, so that compose's loader can read it.
var textual = []string{"environment", "command", "entrypoint", "image", "labels", "hostname", "container_name", "user", "working_dir"}

// isTextual reports whether a place of the file is such a text.
func isTextual(path []string) bool {
	switch {
	case len(path) >= 3 && path[0] == "services":
		return slices.Contains(textual, path[2]) || len(path) >= 4 && path[2] == "healthcheck" && path[3] == "test"
	case len(path) == 3 && path[0] == "configs":
		return path[2] == "content"
	}
	return false
}

// learn finds the variables that hold secrets though their own name does not say so: those that are all of what is
// named like one, as in MYSQL_PASSWORD: ${ROOT}.
func (t *translator) learn(root *yaml.Node) {
	for _, service := range pairs(find(root, "services")) {
		for key, value := range environment(find(service, "environment")) {
			refs, err := references(value.Value)
			if err != nil || !namesSecret(key) {
				continue
			}
			for _, r := range refs {
				if r.name != "" {
					t.vars.secret[r.name] = true
				}
			}
		}
	}
}

// environment goes through the entries of either form: a mapping, or a list of KEY=VALUE.
func environment(node *yaml.Node) func(func(key string, value *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		for key, value := range pairs(node) {
			if !yield(key.Value, value) {
				return
			}
		}
		for _, item := range items(node) {
			key, value, _ := strings.Cut(item.Value, "=")
			if !yield(key, &yaml.Node{Kind: yaml.ScalarNode, Value: value, Line: item.Line}) {
				return
			}
		}
	}
}

// substitute puts values, or marks, in the place of all references.
func (t *translator) substitute(node *yaml.Node, path []string, service string) error {
	switch node.Kind {
	case yaml.MappingNode:
		for key, value := range pairs(node) {
			below := append(slices.Clone(path), key.Value)
			if len(below) == 2 && below[0] == "services" {
				service = below[1]
			}
			if err := t.substitute(value, below, service); err != nil {
				return err
			}
		}
		return nil
	case yaml.SequenceNode:
		for _, item := range node.Content {
			if err := t.substitute(item, path, service); err != nil {
				return err
			}
		}
		return nil
	}
	if node.Tag != "!!str" || !strings.Contains(node.Value, "$") {
		return nil
	}
	refs, err := references(node.Value)
	if err != nil {
		return &FileError{File: t.file, Line: node.Line, Problem: err.Error()}
	}
	at := origin{line: node.Line, service: service}
	var out strings.Builder
	for _, r := range refs {
		if r.name == "" {
			out.WriteString(r.literal)
			continue
		}
		out.WriteString(t.reference(r, at, path))
	}
	node.Value = out.String()
	return nil
}

// reference is what stands in the place of one.
func (t *translator) reference(r reference, at origin, path []string) string {
	value, err := t.vars.value(r)
	missing := (*missingError)(nil)
	switch known := !errors.As(err, &missing); {
	case err != nil && known:
		t.note(Refused, at, r.written, err.Error())
	case isTextual(path) && (!known || value != "") && t.vars.isSecret(r.name) && !strings.HasSuffix(r.op, "+"):
		return t.marks.of("secret." + t.variableSecret(r.name, value, at) + ".value")
	case !known:
		return t.unset(r, missing, at, path)
	case t.vars.isSecret(r.name) && value != "":
		t.note(Refused, at, r.written, "A secret's value cannot stand here: it would be seen by anyone who reads the spec.")
	case r.name == projectVariable:
	case strings.HasSuffix(r.op, "+"):
		t.note(Changed, at, r.written, "A spec has nothing like it: "+quoted(value)+" is written out.")
	case !t.vars.declare(r.name, value):
		t.note(Changed, at, r.written, "Its default is another one elsewhere in the file; here "+quoted(value)+" is written out.")
	case isTextual(path):
		t.firstLine(r.name, at)
		return t.marks.of("var." + r.name)
	default:
		t.firstLine(r.name, at)
		t.typed(at.service, path)[r.name] = true
	}
	return value
}

// unset decides what becomes of a variable that has no value. Compose puts nothing in its place.
func (t *translator) unset(r reference, missing *missingError, at origin, path []string) string {
	if len(path) > 2 && path[2] == "environment" && !strings.HasSuffix(r.op, "?") {
		t.note(Changed, at, r.written, "Nothing gives it a value. It is empty, as with compose; the spec's variable of that name can have one.")
		t.vars.declare(r.name, "")
		t.firstLine(r.name, at)
		return t.marks.of("var." + r.name)
	}
	t.note(Refused, at, r.written, missing.Error()+". Write it into the .env file beside the compose file, or add: --var "+r.name+"=VALUE")
	if slices.Contains(path, "volumes") {
		return "/" + r.name
	}
	return "1" // so that what it is a part of can be read
}

// variableSecret is the secret that a variable holds.
func (t *translator) variableSecret(name, value string, at origin) string {
	one, known := t.variableSecrets[name]
	if !known {
		wanted := Secret{Name: name}
		if _, there := t.vars.dotenv[name]; there {
			wanted.File = ".env"
		} else if value != "" {
			wanted.Line = at.line
		}
		one = t.secrets.add(wanted, "", value, "the variable "+name+" of "+t.file)
		t.variableSecrets[name] = one
	}
	return one.Name
}

// firstLine remembers where a variable comes first.
func (t *translator) firstLine(name string, at origin) {
	if _, known := t.firstUse[name]; !known {
		t.firstUse[name] = t.from(at)
	}
}

// typed are the variables that stand in a part of a service that is not text, such as its ports. In the spec one of them
// is named where the value is found again.
func (t *translator) typed(service string, path []string) map[string]bool {
	key := service
	if len(path) > 2 {
		key += "." + path[2]
	}
	if t.typedUses[key] == nil {
		t.typedUses[key] = map[string]bool{}
	}
	return t.typedUses[key]
}
