package adopt

import (
	"maps"
	"path"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"gopkg.in/yaml.v3"

	"minibot/internal/plan"
	"minibot/spec"
)

// stack is a compose project that is being written as a spec. Texts in it are as a program sees them, but for marks.
type stack struct {
	*translator
	name     string
	project  *types.Project
	services []types.ServiceConfig
	compose  *compose          // nil where there is no file
	networks map[string]string // the spec's names by the project's keys
	// Of a project that is there, by service: its container, and how much memory that uses, in bytes.
	containers map[string]plan.Container
	memory     map[string]int64
}

const advice = "What could not be carried over was listed then. Look through it, and at the limits above all, before you apply it."

// write writes the whole spec.
func (s *stack) write(title string) *spec.Draft {
	if s.compose != nil {
		s.services = s.compose.kept(s.project)
	}
	s.nameNetworks()
	var all []*service
	for _, config := range s.services {
		one := &service{stack: s, ServiceConfig: config, container: s.containers[config.Name]}
		one.gather() // the secrets of all, before any is looked for in other places
		all = append(all, one)
	}
	var services spec.Draft
	for _, one := range all {
		services.Blank()
		one.write(&services)
	}
	s.writtenOut()
	var draft spec.Draft
	draft.Comment(title + " " + advice)
	draft.Blank()
	draft.Set("name", spec.Quote(s.name), 0)
	draft.Blank()
	if s.vars != nil {
		s.vars.write(&draft, s.firstUse)
	}
	for _, key := range s.usedNetworks() {
		s.writeNetwork(&draft, key)
	}
	draft.Blank()
	s.secrets.write(&draft)
	draft.Append(&services)
	return &draft
}

// writtenOut says which variables the spec has no place for.
func (s *stack) writtenOut() {
	if s.vars == nil {
		return
	}
	for _, one := range s.vars.order {
		if !one.used {
			s.note(Changed, s.origins[s.firstUse[one.name]-1], "${"+one.name+"}", "It is no variable of the spec: its value "+quoted(one.value)+" is written out.")
		}
	}
}

// text is a text as the spec writes it; word the same on one line.
func (s *stack) text(text string) spec.Expr { return spec.Template(s.pieces(text)...) }

func (s *stack) word(text string) spec.Expr { return spec.Line(s.pieces(text)...) }

// pieces cuts a text at its marks, and notes what it names.
func (s *stack) pieces(text string) []spec.Piece {
	pieces := s.marks.pieces(text)
	for _, p := range pieces {
		s.secrets.use(p.Ref)
		if s.vars != nil {
			s.vars.use(p.Ref)
		}
	}
	return pieces
}

func (s *stack) words(list []string) spec.Expr {
	var all []spec.Expr
	for _, one := range list {
		all = append(all, s.word(one))
	}
	return spec.List(all...)
}

// usedNetworks are the keys of the networks that services are on, sorted, the default one first.
func (s *stack) usedNetworks() []string {
	used := map[string]bool{}
	for _, config := range s.services {
		for key := range networksOf(config) {
			used[key] = true
		}
	}
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(used)), func(key string) bool { return key == defaultNetwork })
	if used[defaultNetwork] {
		keys = append([]string{defaultNetwork}, keys...)
	}
	return keys
}

// defaultNetwork is the key of the network that compose puts services on by itself.
const defaultNetwork = "default"

// networksOf are the networks of a service. One that asks for the engine's own bridge gets the default one.
func networksOf(config types.ServiceConfig) map[string]*types.ServiceNetworkConfig {
	if len(config.Networks) == 0 {
		return map[string]*types.ServiceNetworkConfig{defaultNetwork: nil}
	}
	return config.Networks
}

// nameNetworks chooses the names of the spec's networks. In compose a network's own name is the project's and its key,
// with a line below between them; minibot makes one of its own beside it, since what compose made lacks its options.
func (s *stack) nameNetworks() {
	s.networks = map[string]string{}
	taken := map[string]bool{}
	for _, key := range s.usedNetworks() {
		config, name := s.project.Networks[key], s.name+"-"+key
		switch {
		case config.Name != "" && !bool(config.External) && (s.compose == nil || config.Name != s.project.Name+"_"+key):
			name = config.Name
		case key == defaultNetwork:
			name = s.name + "-net"
		}
		if taken[name] {
			name += "-2"
		}
		s.networks[key], taken[name] = name, true
	}
}

func (s *stack) writeNetwork(d *spec.Draft, key string) {
	config := s.project.Networks[key]
	at, node := origin{}, (*yaml.Node)(nil)
	if s.compose != nil {
		node = find(s.compose.root, "networks", key)
		at.line = keyLine(find(s.compose.root, "networks"), key)
		s.compose.judgeKeys(node, at, "network.", networkKeys)
	}
	s.judgeNetwork(key, config, node, at)
	d.Open(s.from(at), "network", s.networks[key])
	if config.Internal {
		d.Set("internal", spec.Boolean(true), 0)
	}
	if len(config.Ipam.Config) > 0 && config.Ipam.Config[0].Subnet != "" {
		d.Set("subnet", spec.Quote(config.Ipam.Config[0].Subnet), s.from(at))
	}
	d.Close()
}

func (s *stack) judgeNetwork(key string, config types.NetworkConfig, node *yaml.Node, at origin) {
	if config.External {
		s.note(Changed, at, "network "+key, "It is another stack's. minibot has networks of its own alone: "+s.networks[key]+" takes its place, and containers of other stacks are not on it.")
		return
	}
	if driver := config.Driver; driver != "" && driver != "bridge" && driver != "default" {
		s.note(Refused, origin{line: keyLine(node, "driver")}, "network "+key+" driver "+driver, spec.Advice("network.driver"))
	}
	for _, pool := range config.Ipam.Config {
		if pool.Gateway != "" || pool.IPRange != "" || len(pool.AuxiliaryAddresses) > 0 {
			s.note(LeftOut, origin{line: keyLine(node, "ipam")}, "network "+key+" ipam", "Only its subnet is kept; the engine chooses the rest.")
		}
	}
	if len(config.Ipam.Config) > 1 {
		s.note(LeftOut, origin{line: keyLine(node, "ipam")}, "network "+key+" ipam", "A network has one subnet.")
	}
}

// inDir is a path of the host that the compose file writes from its folder.
func (c *compose) inDir(file string) string {
	switch {
	case file == "~":
		return c.Home
	case len(file) > 1 && file[:2] == "~/":
		return path.Join(c.Home, file[2:])
	case path.IsAbs(file):
		return file
	}
	return path.Join(c.Dir, file)
}
