package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// Setting is one setting of a container runtime: its name, its value, and whether the value is the runtime's default
// because nobody set another, or because the file of its settings is not there.
type Setting struct {
	Name    string
	Value   string
	Default bool
	NoFile  bool
}

// String is such as "docker.expose_ports_to_lan is true" or "network.mode is shared (default)".
func (s Setting) String() string {
	text := s.Name + " is " + s.Value
	switch {
	case s.NoFile:
		return text + " (default; there is no file of settings)"
	case s.Default:
		return text + " (default)"
	}
	return text
}

// PortBinding is Docker Desktop's setting of where a port goes that names no address: "default-port-binding" is to every
// address of the machine (facts/network-security.md §2.1).
func (m Machine) PortBinding() (Setting, error) {
	dir := "Library/Group Containers/group.com.docker"
	if m.GOOS == "linux" {
		dir = ".docker/desktop"
	}
	var settings struct{ PortBindingBehavior *string }
	setting := Setting{Name: "PortBindingBehavior", Value: "default-port-binding", Default: true}
	there, err := m.settings(path.Join(dir, "settings-store.json"), func(data []byte) error { return json.Unmarshal(data, &settings) })
	if err != nil {
		return Setting{}, fmt.Errorf("settings of Docker Desktop: %w", err)
	}
	setting.NoFile = !there
	if settings.PortBindingBehavior != nil {
		setting.Value, setting.Default = *settings.PortBindingBehavior, false
	}
	return setting, nil
}

// exposePorts is the line of OrbStack's settings that says whether a port that names no address goes to the LAN.
var exposePorts = regexp.MustCompile(`(?m)^docker\.expose_ports_to_lan:\s*(true|false)\s*$`)

// ExposedToLAN is OrbStack's setting of whether a port that names no address goes to the LAN; it does by default.
func (m Machine) ExposedToLAN(ctx context.Context) (Setting, error) {
	orb, err := m.tool("orb", "/"+path.Join(m.Home, ".orbstack/bin/orb"), "/Applications/OrbStack.app/Contents/MacOS/bin/orb")
	if err != nil {
		return Setting{}, fmt.Errorf("settings of OrbStack: %w", err)
	}
	out, err := m.Run(ctx, orb, "config", "show")
	if err != nil {
		return Setting{}, fmt.Errorf("settings of OrbStack: %w", err)
	}
	found := exposePorts.FindSubmatch(out)
	if found == nil {
		return Setting{}, errors.New("settings of OrbStack: docker.expose_ports_to_lan is not among them")
	}
	return Setting{Name: "docker.expose_ports_to_lan", Value: string(found[1])}, nil
}

// VMNetwork is how the virtual machine of Colima or Lima is on the network; machine is the name that its engine calls
// it by. "bridged" puts it on the LAN, beside this machine; "shared" behind it.
func (m Machine) VMNetwork(kind Kind, machine string) (Setting, error) {
	switch kind {
	case Colima:
		return m.colimaNetwork(machine)
	case Lima:
		return m.limaNetwork(machine)
	}
	return Setting{}, fmt.Errorf("%w: %s has no such setting", ErrNotApplicable, kind)
}

func (m Machine) colimaNetwork(machine string) (Setting, error) {
	profile := "default"
	if name, ok := strings.CutPrefix(strings.ToLower(machine), "colima-"); ok {
		profile = name
	}
	var settings struct {
		Network struct {
			Address bool
			Mode    string
		}
	}
	setting := Setting{Name: "network.mode", Value: "shared", Default: true}
	for _, dir := range []string{".colima", ".config/colima"} {
		there, err := m.settings(path.Join(dir, profile, "colima.yaml"), func(data []byte) error { return yaml.Unmarshal(data, &settings) })
		if err != nil {
			return Setting{}, fmt.Errorf("settings of Colima: %w", err)
		}
		if there {
			if settings.Network.Mode != "" {
				setting.Value, setting.Default = settings.Network.Mode, false
			}
			if setting.Value == "bridged" && !settings.Network.Address { // without an address, the mode is of no effect
				return Setting{Name: "network.address", Value: "false"}, nil
			}
			return setting, nil
		}
	}
	setting.NoFile = true
	return setting, nil
}

func (m Machine) limaNetwork(machine string) (Setting, error) {
	name := strings.TrimPrefix(strings.ToLower(machine), "lima-")
	var settings struct {
		Networks []struct{ Lima, Socket string }
	}
	there, err := m.settings(path.Join(".lima", name, "lima.yaml"), func(data []byte) error { return yaml.Unmarshal(data, &settings) })
	if err != nil {
		return Setting{}, fmt.Errorf("settings of Lima: %w", err)
	}
	for _, network := range settings.Networks {
		if network.Lima == "bridged" || network.Socket != "" { // a socket leads to a network that others defined
			return Setting{Name: "networks", Value: "bridged"}, nil
		}
	}
	return Setting{Name: "networks", Value: "shared", Default: len(settings.Networks) == 0, NoFile: !there}, nil
}

// settings has a file below the home directory read. False says that there is none.
func (m Machine) settings(name string, read func([]byte) error) (bool, error) {
	if m.Home == "" {
		return false, nil
	}
	name = path.Join(m.Home, name)
	data, err := fs.ReadFile(m.Files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := read(data); err != nil {
		return false, fmt.Errorf("/%s: %w", name, err)
	}
	return true, nil
}
