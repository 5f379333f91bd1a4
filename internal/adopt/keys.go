package adopt

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"minibot/spec"
)

// rule says what becomes of a key of the compose file.
type rule struct {
	kind Kind   // empty for what is carried over
	why  string // empty where spec.Advice says it
	// unless are values with which the key asks for nothing.
	unless []string
}

var (
	off    = []string{"false", "null", ""}
	notRun = "minibot runs one container of an image, and nothing else."
	swarm  = "It is for Swarm; docker compose does not heed it either."
	noRoom = "The spec has no word for it."
)

// serviceKeys are all keys of a service that compose knows. A test holds that none is missing.
var serviceKeys = map[string]rule{
	"cap_add": {}, "cap_drop": {}, "command": {}, "configs": {}, "container_name": {}, "cpus": {}, "depends_on": {}, "deploy": {}, "dns": {}, "entrypoint": {},
	"env_file": {}, "environment": {}, "extra_hosts": {}, "group_add": {}, "healthcheck": {}, "hostname": {}, "image": {}, "init": {}, "labels": {}, "logging": {},
	"mem_limit": {}, "memswap_limit": {}, "networks": {}, "pids_limit": {}, "platform": {}, "ports": {}, "profiles": {}, "pull_policy": {}, "read_only": {}, "restart": {},
	"secrets": {}, "security_opt": {}, "shm_size": {}, "stop_grace_period": {}, "stop_signal": {}, "tmpfs": {}, "ulimits": {}, "user": {}, "volumes": {}, "working_dir": {},
	"build": {}, "extends": {}, "network_mode": {}, "scale": {},

	"privileged":          {kind: Refused, unless: off},
	"pid":                 {kind: Refused, unless: off},
	"ipc":                 {kind: Refused, unless: append([]string{"private", "shareable"}, off...)},
	"uts":                 {kind: Refused, unless: off},
	"userns_mode":         {kind: Refused, unless: off},
	"cgroup":              {kind: Refused, unless: append([]string{"private"}, off...)},
	"cgroup_parent":       {kind: Refused, unless: off},
	"devices":             {kind: Refused},
	"device_cgroup_rules": {kind: Refused, why: spec.Advice("service.devices")},
	"gpus":                {kind: Refused},
	"runtime":             {kind: Refused, why: "minibot uses the engine's own runtime; others give a container devices, or more.", unless: append([]string{"runc"}, off...)},
	"use_api_socket":      {kind: Refused, unless: off},
	"volumes_from":        {kind: Refused, why: "Volumes of other containers cannot be taken over. Mount the same named volume in both services."},
	"provider":            {kind: Refused, why: notRun},
	"models":              {kind: Refused, why: notRun},
	"credential_spec":     {kind: Refused, why: "It is for Windows."},
	"isolation":           {kind: Refused, why: "It is for Windows.", unless: append([]string{"default"}, off...)},

	"expose":             {kind: LeftOut, why: "Services on one network reach all of each other's ports."},
	"links":              {kind: LeftOut, why: "Services on one network find each other by name; another name than the service's own is lost."},
	"external_links":     {kind: LeftOut, why: "Containers of other stacks are not on its networks."},
	"sysctls":            {kind: LeftOut},
	"tty":                {kind: LeftOut, why: "minibot keeps no terminal open.", unless: off},
	"stdin_open":         {kind: LeftOut, why: "minibot keeps no terminal open.", unless: off},
	"label_file":         {kind: LeftOut, why: "Write its labels into the spec: labels = { … }."},
	"post_start":         {kind: LeftOut, why: notRun},
	"pre_start":          {kind: LeftOut, why: notRun},
	"pre_stop":           {kind: LeftOut, why: notRun},
	"develop":            {kind: LeftOut, why: "It is for developing."},
	"attach":             {kind: LeftOut, why: "It is about what docker compose up shows."},
	"annotations":        {kind: LeftOut, why: noRoom},
	"blkio_config":       {kind: LeftOut, why: noRoom},
	"cpu_count":          {kind: LeftOut, why: "Write cpus in the limits block."},
	"cpu_percent":        {kind: LeftOut, why: "Write cpus in the limits block."},
	"cpu_period":         {kind: LeftOut, why: "Write cpus in the limits block."},
	"cpu_quota":          {kind: LeftOut, why: "Write cpus in the limits block."},
	"cpu_rt_period":      {kind: LeftOut, why: noRoom},
	"cpu_rt_runtime":     {kind: LeftOut, why: noRoom},
	"cpu_shares":         {kind: LeftOut, why: "Every service has a limit of its own instead."},
	"cpuset":             {kind: LeftOut, why: noRoom},
	"dns_opt":            {kind: LeftOut, why: noRoom},
	"dns_search":         {kind: LeftOut, why: noRoom},
	"domainname":         {kind: LeftOut, why: "Write all of the name in hostname."},
	"mac_address":        {kind: LeftOut, why: noRoom},
	"mem_reservation":    {kind: LeftOut, why: "Only limits are kept."},
	"mem_swappiness":     {kind: LeftOut, why: "A container never swaps."},
	"oom_kill_disable":   {kind: LeftOut, why: "A service that needs more than its limit is ended, so that the others live.", unless: off},
	"oom_score_adj":      {kind: LeftOut, why: noRoom},
	"pull_refresh_after": {kind: LeftOut, why: "An image is pulled when it is missing, or as pull_policy says."},
	"storage_opt":        {kind: LeftOut, why: noRoom},
	"umask":              {kind: LeftOut, why: noRoom},
}

// deployKeys are those of deploy; resources has more below it.
var deployKeys = map[string]rule{
	"resources": {}, "restart_policy": {}, "replicas": {}, "mode": {},
	"endpoint_mode":   {kind: LeftOut, why: swarm},
	"labels":          {kind: LeftOut, why: swarm},
	"placement":       {kind: LeftOut, why: swarm},
	"rollback_config": {kind: LeftOut, why: swarm},
	"update_config":   {kind: LeftOut, why: swarm},
}

// topKeys are those of the file.
var topKeys = map[string]rule{
	"version": {}, "name": {}, "services": {}, "networks": {}, "volumes": {}, "secrets": {}, "configs": {},
	"include": {kind: Refused, why: "minibot reads one file. Make one of them: docker compose config --no-interpolate -o merged.yml"},
	"models":  {kind: LeftOut, why: notRun},
	"jobs":    {kind: LeftOut, why: notRun},
}

// networkKeys and volumeKeys are those of the networks and volumes that the services use.
var (
	networkKeys = map[string]rule{
		"driver": {}, "external": {}, "internal": {}, "ipam": {}, "name": {},
		"driver_opts": {kind: LeftOut, why: "minibot sets the options itself: ports are on 127.0.0.1."},
		"attachable":  {kind: LeftOut, why: swarm, unless: off},
		"enable_ipv4": {kind: LeftOut, why: noRoom, unless: []string{"true"}},
		"enable_ipv6": {kind: LeftOut, why: noRoom, unless: off},
		"labels":      {kind: LeftOut, why: noRoom},
	}
	volumeKeys = map[string]rule{
		"external": {}, "name": {},
		"driver":      {kind: Refused, why: "Only volumes of the engine's own driver can be kept. For a folder of the host, or a share that it mounts, write a mount block.", unless: append([]string{"local"}, off...)},
		"driver_opts": {kind: Refused, why: "A volume has no options. For a folder of the host, or a share that it mounts, write a mount block."},
		"labels":      {kind: LeftOut, why: noRoom},
	}
)

// judge looks at every key, so that none is passed over in silence.
func (c *compose) judge() {
	c.judgeKeys(c.root, origin{}, "", topKeys)
	for _, name := range c.services {
		for _, base := range c.bases(name) { // what it takes over counts as its own
			node := find(c.root, "services", base)
			c.judgeKeys(node, origin{service: name}, "service.", serviceKeys)
			c.judgeKeys(find(node, "deploy"), origin{service: name}, "service.deploy.", deployKeys)
			c.judgeExtends(name, node)
		}
	}
}

func (c *compose) judgeKeys(node *yaml.Node, at origin, prefix string, rules map[string]rule) {
	for key, value := range pairs(node) {
		r, known := rules[key.Value]
		switch {
		case strings.HasPrefix(key.Value, "x-"):
			continue
		case !known:
			r = rule{kind: LeftOut, why: "minibot does not know it."}
		case r.kind == "" || slices.Contains(r.unless, value.Value) && value.Kind == yaml.ScalarNode || value.Kind != yaml.ScalarNode && len(value.Content) == 0:
			continue
		}
		why := r.why
		if why == "" {
			why = spec.Advice(prefix + key.Value)
		}
		what := strings.TrimPrefix(prefix, "service.") + key.Value
		if value.Kind == yaml.ScalarNode && value.Value != "" && !marked(value.Value) {
			what += ": " + value.Value
		}
		c.note(r.kind, origin{key.Line, at.service}, what, why)
	}
}

func (c *compose) judgeExtends(name string, node *yaml.Node) {
	if file := find(node, "extends", "file"); file != nil {
		c.note(Refused, origin{file.Line, name}, "extends "+file.Value, "minibot reads one file. Make one of them: docker compose config --no-interpolate -o merged.yml")
		remove(node, "extends")
	}
}
