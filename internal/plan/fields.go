package plan

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"gopkg.in/yaml.v3"
)

// Fields is one service as the compose file says it, path by path: "mem_limit",
// "environment.POSTGRES_USER", "healthcheck.interval". A path whose value is a set
// (ports, tmpfs, cap_add, …) has several values, sorted; all others have one.
type Fields map[string][]string

// Desired is what the compose file asks for, service by service.
func Desired(project *types.Project) map[string]Fields {
	all := make(map[string]Fields, len(project.Services))
	for name, service := range project.Services {
		all[name] = DesiredOf(project, service)
	}
	return all
}

// DesiredOf is one service of the file, with the engine's names for networks and volumes, and with the
// contents of its files. Contents hold references to secrets, never values.
func DesiredOf(project *types.Project, service types.ServiceConfig) Fields {
	service.ContainerName = containerName(project, service)
	networks := map[string]*types.ServiceNetworkConfig{}
	for key, config := range service.Networks {
		networks[project.Networks[key].Name] = config
	}
	service.Networks = networks
	service.Volumes = slices.Clone(service.Volumes)
	for i, volume := range service.Volumes {
		if volume.Type == types.VolumeTypeVolume {
			service.Volumes[i].Source = project.Volumes[volume.Source].Name
		}
	}
	fields := FieldsOf(service)
	for _, config := range service.Configs {
		fields["configs."+config.Target+".content"] = []string{project.Configs[config.Source].Content}
		delete(fields, "configs."+config.Target+".source")
	}
	return fields
}

// FieldsOf flattens a service. It walks the compose tree, so that a new attribute is
// compared and shown without a change here.
func FieldsOf(service types.ServiceConfig) Fields {
	ports, ulimits := service.Ports, service.Ulimits
	service.Ports, service.Ulimits = nil, nil
	fields := Fields{}
	fields.walk("", tree(service))
	for _, port := range ports {
		fields.add("ports", portOf(port).String())
	}
	slices.Sort(fields["ports"])
	for name, limit := range ulimits { // as JSON a limit of 0 would be none
		if limit != nil {
			fields["ulimits."+name+".soft"] = []string{strconv.Itoa(cmp.Or(limit.Single, limit.Soft))}
			fields["ulimits."+name+".hard"] = []string{strconv.Itoa(cmp.Or(limit.Single, limit.Hard))}
		}
	}
	return fields
}

// tree is the service as JSON sees it. A service is plain data: encoding cannot fail.
func tree(service types.ServiceConfig) map[string]any {
	encoded, err := json.Marshal(service)
	if err != nil {
		panic(fmt.Sprintf("compose service %s: %v", service.Name, err))
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var decoded map[string]any
	if err := decoder.Decode(&decoded); err != nil {
		panic(fmt.Sprintf("compose service %s: %v", service.Name, err))
	}
	return decoded
}

// lines are lists whose order matters: they are one value.
var lines = map[string]bool{"command": true, "entrypoint": true, "healthcheck.test": true, "dns": true}

func (f Fields) walk(path string, value any) {
	switch value := value.(type) {
	case nil:
		if strings.HasPrefix(path, "networks.") {
			f[path] = []string{"attached"}
		}
	case map[string]any:
		if len(value) == 0 && strings.HasPrefix(path, "networks.") {
			f[path] = []string{"attached"}
		}
		for key, item := range value {
			f.walk(join(path, key), item)
		}
	case []any:
		if lines[path] {
			f[path] = []string{line(value)}
			return
		}
		for _, item := range value {
			if object, ok := item.(map[string]any); ok {
				target := fmt.Sprint(object["target"])
				delete(object, "target")
				f.walk(join(path, target), object)
				continue
			}
			f.add(path, fmt.Sprint(item))
		}
		slices.Sort(f[path])
	default:
		f.add(path, fmt.Sprint(value))
	}
}

// line writes words as one value that can be read and copied: a JSON list.
func line(words []any) string { return encode(words) }

// encode writes what was decoded from JSON, or is made of text alone.
func encode(value any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("text as JSON: %v", err))
	}
	return strings.TrimSpace(out.String())
}

func (f Fields) add(path, value string) { f[path] = append(f[path], value) }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// portOf reads a port of a compose service. A rendered file names one port and one address.
func portOf(config types.ServicePortConfig) Port {
	published, _ := strconv.ParseUint(config.Published, 10, 16)
	address, _ := netip.ParseAddr(config.HostIP)
	return Port{HostIP: address, Published: uint16(published), Target: uint16(config.Target), Protocol: config.Protocol}
}

// Ports are the ports that a service of the compose file publishes.
func Ports(service types.ServiceConfig) []Port {
	ports := make([]Port, 0, len(service.Ports))
	for _, config := range service.Ports {
		ports = append(ports, portOf(config))
	}
	return ports
}

// Label writes the fields as JSON, for the label of the container that is made from
// them. The same fields give the same text.
func (f Fields) Label() string {
	flat := make(map[string]any, len(f))
	for path, values := range f {
		if flat[path] = values; len(values) == 1 {
			flat[path] = values[0]
		}
	}
	return encode(flat)
}

// ParseLabel reads what Label wrote, and YAML, which the first minibots wrote and people may.
func ParseLabel(text string) (Fields, error) {
	var flat map[string]any
	err := json.Unmarshal([]byte(text), &flat)
	if err != nil {
		flat = nil
		err = yaml.Unmarshal([]byte(text), &flat)
	}
	if err != nil {
		return nil, fmt.Errorf("label %s: %w", LabelApplied, err)
	}
	fields := make(Fields, len(flat))
	for path, value := range flat {
		switch value := value.(type) {
		case string:
			fields[path] = []string{value}
		case []any:
			for _, item := range value {
				fields.add(path, fmt.Sprint(item))
			}
		default:
			return nil, fmt.Errorf("label %s: %s is neither text nor a list", LabelApplied, path)
		}
	}
	return fields, nil
}

// paths lists the paths of several Fields, sorted.
func paths(all ...Fields) []string {
	union := map[string]bool{}
	for _, fields := range all {
		for path := range fields {
			union[path] = true
		}
	}
	return slices.Sorted(maps.Keys(union))
}
