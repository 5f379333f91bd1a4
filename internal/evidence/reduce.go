package evidence

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"minibot/internal/host"
	"minibot/internal/secret"
)

// projectLabel is compose's, by which a container says whose it is.
const projectLabel = "com.docker.compose.project"

// infoNoise are what the engine says of itself that no check reads: names and numbers of the machine, proxies with their
// passwords, the state of other things.
var infoNoise = []string{
	"ID", "Containers", "ContainersRunning", "ContainersPaused", "ContainersStopped", "Images", "DriverStatus", "Plugins", "SystemTime", "NFd", "NGoroutines",
	"NEventsListener", "HttpProxy", "HttpsProxy", "NoProxy", "Labels", "GenericResources", "ProductLicense", "ClientInfo", "Containerd", "CDISpecDirs", "DiscoveredDevices",
}

// Of containers, images and volumes: where the engine keeps them on its disk.
var (
	containerNoise = []string{"GraphDriver", "LogPath", "HostnamePath", "HostsPath", "ResolvConfPath", "ExecIDs"}
	imageNoise     = []string{"GraphDriver", "RootFS", "Metadata", "ContainerConfig"}
	volumeNoise    = []string{"Mountpoint", "UsageData", "Status"}
)

// swarmNoise is what a swarm says of its other machines.
var swarmNoise = []string{"NodeID", "NodeAddr", "RemoteManagers", "Cluster"}

// reducer leaves out of the engine's answers what no check reads, and of other projects' containers what people may have
// put into them: values of the environment, arguments and labels, unless a secret of this stack is among them.
type reducer struct {
	project string
	marker  secret.Marker
}

// scrub is what is kept of a text that is nobody's business.
func (r reducer) scrub(text string) string {
	if string(r.marker.Mark([]byte(text))) != text {
		return text // it will be marked
	}
	return ""
}

// reduce takes an answer of the engine by its request.
func (r reducer) reduce(request string, body []byte) []byte {
	_, path, _ := strings.Cut(request, " ")
	path, _, _ = strings.Cut(path, "?")
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // sizes are larger than a float holds
	if decoder.Decode(&value) != nil {
		return body
	}
	switch whole := value.(type) {
	case map[string]any:
		r.object(path, whole)
	case []any:
		for _, one := range whole {
			if summary, ok := one.(map[string]any); ok && strings.HasSuffix(path, "/containers/json") {
				r.summary(summary)
			}
		}
	}
	out, err := json.Marshal(value)
	if err != nil {
		return body
	}
	return out
}

// object reduces an answer that is no list, by the path that was asked.
func (r reducer) object(path string, whole map[string]any) {
	switch {
	case strings.HasSuffix(path, "/info"):
		drop(whole, infoNoise)
		if name, _ := whole["Name"].(string); host.Runtime("Linux", name) == host.LinuxEngine { // others are known by it
			whole["Name"] = "machine"
		}
		if swarm, ok := whole["Swarm"].(map[string]any); ok {
			drop(swarm, swarmNoise)
		}
	case strings.Contains(path, "/containers/"):
		r.inspection(whole)
	case strings.Contains(path, "/images/"):
		drop(whole, imageNoise)
	case strings.HasSuffix(path, "/volumes"):
		volumes, _ := whole["Volumes"].([]any)
		for _, one := range volumes {
			if volume, ok := one.(map[string]any); ok {
				drop(volume, volumeNoise)
			}
		}
	}
}

func drop(object map[string]any, names []string) {
	for _, name := range names {
		delete(object, name)
	}
}

// summary reduces one row of the list of containers.
func (r reducer) summary(c map[string]any) {
	if labels, _ := c["Labels"].(map[string]any); labels[projectLabel] != r.project {
		c["Labels"], c["Command"] = composeLabels(labels), ""
		delete(c, "Mounts")
	}
}

// inspection reduces what the engine says of one container.
func (r reducer) inspection(c map[string]any) {
	drop(c, containerNoise)
	if settings, ok := c["NetworkSettings"].(map[string]any); ok {
		drop(settings, []string{"SandboxID", "SandboxKey"})
	}
	config, _ := c["Config"].(map[string]any)
	labels, _ := config["Labels"].(map[string]any)
	if config == nil || labels[projectLabel] == r.project {
		return
	}
	env, _ := config["Env"].([]any)
	for i, one := range env {
		text, _ := one.(string)
		name, value, _ := strings.Cut(text, "=")
		env[i] = name + "=" + r.scrub(value)
	}
	for name, value := range labels {
		if text, ok := value.(string); ok && !strings.HasPrefix(name, "com.docker.compose.") {
			labels[name] = r.scrub(text)
		}
	}
	for _, name := range []string{"Cmd", "Entrypoint", "Healthcheck"} {
		config[name] = r.scrubbed(config[name])
	}
	c["Args"], c["Path"] = r.scrubbed(c["Args"]), r.scrubbed(c["Path"])
}

// scrubbed is a tree of which every text is scrubbed.
func (r reducer) scrubbed(value any) any {
	switch value := value.(type) {
	case string:
		return r.scrub(value)
	case []any:
		for i := range value {
			value[i] = r.scrubbed(value[i])
		}
	case map[string]any:
		for name := range value {
			value[name] = r.scrubbed(value[name])
		}
	}
	return value
}

// composeLabels keeps of a container's labels those that say whose it is.
func composeLabels(labels map[string]any) map[string]any {
	kept := map[string]any{}
	for name, value := range labels {
		if slices.Contains([]string{projectLabel, "com.docker.compose.service", "com.docker.compose.container-number", "com.docker.compose.oneoff"}, name) {
			kept[name] = value
		}
	}
	return kept
}

// reduceReport keeps of what an audit printed its counts, and of its findings what they are and what to do.
func reduceReport(text string) string {
	var report struct {
		Summary  json.RawMessage              `json:"summary,omitempty"`
		Findings []map[string]json.RawMessage `json:"findings"`
	}
	if json.Unmarshal([]byte(text), &report) != nil {
		return ""
	}
	for _, finding := range report.Findings {
		for name := range finding {
			if !slices.Contains([]string{"checkId", "severity", "title", "remediation"}, name) {
				delete(finding, name)
			}
		}
	}
	out, err := json.Marshal(report)
	if err != nil {
		return ""
	}
	return string(out)
}
