package adopt

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"gopkg.in/yaml.v3"

	"minibot/spec"
)

// File is a compose file and its surroundings.
type File struct {
	// Name is how a person calls it.
	Name string
	Text []byte
	// Dir is the folder it is in, as an absolute path: what the file says of other files is from there. Home is what ~
	// stands for.
	Dir, Home string
	// Read reads another file: .env and those of env_file. The error is fs.ErrNotExist where there is none.
	Read func(path string) ([]byte, error)
	// Exists reports whether something of the host is there to be mounted.
	Exists func(path string) bool
}

// ErrNoService says that an option names a service or profile that the file does not have.
var ErrNoService = errors.New("no such service")

func noService(flag, source, name string, names []string) error {
	return fmt.Errorf("%s: %w: %s has no %q; it has %s", flag, ErrNoService, source, name, strings.Join(names, ", "))
}

// FromFile translates a compose file. The error is a *FileError where it cannot be read, and ErrNoService where the
// options do not fit it.
func FromFile(f File, options Options) (Result, error) {
	c, err := newCompose(f, options)
	if err != nil {
		return Result{}, err
	}
	if err := c.substitute(c.root, nil, ""); err != nil {
		return Result{}, err
	}
	c.judge()
	project, err := c.load()
	if (err != nil || len(c.services) == 0) && c.refuses() {
		return Result{Stack: c.stack, Notes: c.sorted()}, nil // an error may come of what stands there instead
	}
	if err != nil {
		return Result{}, err
	}
	s := &stack{translator: c.translator, name: c.stack, project: project, compose: c}
	draft := s.write("Translated from " + f.Name + " by minibot init.")
	c.aboutDotenv()
	return c.finish(c.stack, draft)
}

// newCompose reads the file and what is known of its variables, and takes out what is not wanted.
func newCompose(f File, options Options) (*compose, error) {
	root, err := parseYAML(f.Name, f.Text)
	if err != nil {
		return nil, err
	}
	c := &compose{File: f, root: root, translator: &translator{
		Options: options, file: f.Name, secrets: &secrets{}, variableSecrets: map[string]*secret{}, secretFiles: map[string]*secret{}, firstUse: map[string]int{}, typedUses: map[string]map[string]bool{},
		vars: &variables{values: map[string]string{}, dotenv: map[string]string{}, secret: map[string]bool{}, all: map[string]*variable{}},
	}}
	if err := c.dotenv(); err != nil {
		return nil, err
	}
	if c.stack, err = c.name(); err != nil {
		return nil, err
	}
	c.vars.values[projectVariable] = c.stack
	if err := c.prune(); err != nil {
		return nil, err
	}
	c.learn(root)
	return c, nil
}

// projectVariable is one that compose sets itself.
const projectVariable = "COMPOSE_PROJECT_NAME"

// compose is a compose file that is being translated.
type compose struct {
	*translator
	File
	root     *yaml.Node
	stack    string
	services []string // those that are translated, in the file's order
}

// dotenv reads the .env file beside the compose file.
func (c *compose) dotenv() error {
	text, err := c.Read(filepath.Join(c.Dir, ".env"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read .env: %w", err)
	}
	values, err := dotenv.UnmarshalBytesWithLookup(text, c.lookup)
	if err != nil {
		return &FileError{File: ".env", Problem: "it is no .env file"} // the library's error may quote a value
	}
	maps.Copy(c.vars.dotenv, values)
	maps.Copy(c.vars.values, values)
	for name, value := range c.Variables {
		c.vars.values[name] = value
		delete(c.vars.dotenv, name)
	}
	return nil
}

// lookup is what a .env file may refer to beside itself. The environment of this process is not read.
func (c *compose) lookup(name string) (string, bool) {
	value, ok := c.vars.values[name]
	return value, ok
}

// aboutDotenv says which values went from the .env file into the spec.
func (c *compose) aboutDotenv() {
	if names := c.vars.fromDotenv(); len(names) > 0 {
		c.note(Changed, origin{}, ".env", "Its values of "+strings.Join(names, ", ")+" are written into the spec as defaults of variables. If one of them is secret, make it a secret before you keep the file.")
	}
}

// name is the stack's name: what a person asks for, or what compose would call the project.
func (c *compose) name() (string, error) {
	name := c.Options.Name
	if name == "" {
		written, err := "", error(nil)
		if node := find(c.root, "name"); node != nil {
			if written, err = c.vars.text(node.Value); err != nil {
				return "", &FileError{File: c.file, Line: node.Line, Problem: err.Error()}
			}
		}
		name = projectName(cmpOr(written, cmpOr(c.vars.values[projectVariable], filepath.Base(c.Dir))))
	}
	if err := spec.CheckStackName(name); err != nil {
		return "", &FileError{File: c.file, Problem: "neither its name nor its folder's makes one for a stack; choose one: --name NAME"}
	}
	return name, nil
}

// projectName makes a name as compose does: in lower case, without what no project's name has.
func projectName(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return -1
	}, strings.ToLower(text))
	return strings.TrimLeft(text, "_-")
}

// serviceNames are those of the file, in its order.
func (c *compose) serviceNames() []string {
	var names []string
	for key := range pairs(find(c.root, "services")) {
		names = append(names, key.Value)
	}
	return names
}

// prune takes out the services that are not wanted, and what the others say of them.
func (c *compose) prune() error {
	services, names := find(c.root, "services"), c.serviceNames()
	for _, name := range c.Without {
		if !slices.Contains(names, name) {
			return noService("--without", c.file, name, names)
		}
	}
	gone := map[string]bool{}
	known := map[string]bool{"*": true}
	for key, service := range pairs(services) {
		var profiles []string
		for _, item := range items(find(service, "profiles")) {
			profiles, known[item.Value] = append(profiles, item.Value), true
		}
		asked := slices.ContainsFunc(profiles, func(p string) bool { return slices.Contains(c.Profiles, p) })
		switch {
		case slices.Contains(c.Without, key.Value):
			gone[key.Value] = true
			c.note(LeftOut, origin{key.Line, key.Value}, "the service", "As --without says.")
		case len(profiles) > 0 && !asked && !slices.Contains(c.Profiles, "*"):
			gone[key.Value] = true
			c.note(LeftOut, origin{keyLine(service, "profiles"), key.Value}, "the service", "It is in the profile "+strings.Join(profiles, ", ")+", which compose does not start by itself. To take it: --profile "+profiles[0])
		}
		remove(service, "profiles")
	}
	for _, profile := range c.Profiles {
		if !known[profile] {
			return fmt.Errorf("--profile: %w: %s has no profile %q", ErrNoService, c.file, profile)
		}
	}
	needed := map[string]bool{}
	for _, name := range names {
		if !gone[name] {
			c.services = append(c.services, name)
			for _, base := range c.bases(name) {
				needed[base] = true
			}
		}
	}
	for _, name := range names {
		if !needed[name] {
			remove(services, name)
		}
	}
	for key, service := range pairs(services) {
		c.forget(key.Value, service, gone)
	}
	if len(names) == 0 {
		return &FileError{File: c.file, Problem: "it has no services"}
	}
	if len(c.services) == 0 {
		c.note(Refused, origin{line: keyLine(c.root, "services")}, "services", "No service is left.")
	}
	return nil
}

// bases are the services whose definitions a service takes over, itself first. Those in other files are refused.
func (c *compose) bases(name string) []string {
	var chain []string
	for name != "" && !slices.Contains(chain, name) {
		chain = append(chain, name)
		extends := find(c.root, "services", name, "extends")
		next := ""
		if extends != nil && extends.Kind == yaml.ScalarNode {
			next = extends.Value
		} else if base := find(extends, "service"); base != nil && find(extends, "file") == nil {
			next = base.Value
		}
		name = next
	}
	return chain
}

// forget takes out of a service what it says of those that are gone.
func (c *compose) forget(name string, service *yaml.Node, gone map[string]bool) {
	for _, key := range []string{"depends_on", "links"} {
		node := find(service, key)
		for other := range gone {
			if node == nil {
				continue
			}
			line := keyLine(node, other)
			before := len(node.Content)
			remove(node, other)
			if node.Kind == yaml.SequenceNode {
				node.Content = slices.DeleteFunc(slices.Clone(node.Content), func(item *yaml.Node) bool {
					first, _, _ := strings.Cut(item.Value, ":")
					if first == other {
						line = item.Line
					}
					return first == other
				})
			}
			if len(node.Content) < before && !gone[name] {
				c.note(LeftOut, origin{line, name}, key+" "+other, "That service is left out.")
			}
		}
		if node != nil && len(node.Content) == 0 && (node.Kind == yaml.MappingNode || node.Kind == yaml.SequenceNode) {
			remove(service, key)
		}
	}
}
