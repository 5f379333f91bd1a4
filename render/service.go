package render

import (
	"fmt"
	"maps"
	"net"
	"path"
	"regexp"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"

	"minibot/spec"
)

// service renders one service, in the order in which a person reads it: what runs, how
// it is reached, what it keeps, what it is given, what it may take, what it may do.
func service(s *spec.Service, names map[*spec.File]string) *yaml.Node {
	o := newObject()
	o.set("image", literal(s.Image))
	o.set("platform", optional(s.Platform))
	o.set("pull_policy", optional(s.PullPolicy))
	o.set("container_name", literal(s.ContainerName))
	o.set("hostname", optional(s.Hostname))
	o.set("user", optional(s.User))
	o.set("group_add", literals(s.GroupAdd))
	o.set("entrypoint", argv(s.Entrypoint))
	o.set("command", argv(s.Command))
	o.set("working_dir", optional(s.WorkingDir))
	o.set("init", flag(s.Init))
	o.set("environment", texts(s.Env))

	o.set("ports", ports(s.Binds))
	o.set("networks", literals(s.Networks))
	o.set("extra_hosts", literals(s.ExtraHosts))
	o.set("dns", literals(s.DNS))
	o.set("depends_on", dependsOn(s.DependsOn))

	o.set("volumes", mounts(s))
	o.set("tmpfs", literals(s.Tmpfs))
	o.set("secrets", secretFiles(s))
	o.set("configs", files(s, names))

	o.set("healthcheck", healthcheck(s.Healthcheck))
	o.set("restart", literal(s.Restart))
	o.set("stop_signal", optional(s.StopSignal))
	o.set("stop_grace_period", optional(string(s.StopGracePeriod)))

	o.set("mem_limit", size(s.Limits.Memory))
	o.set("memswap_limit", size(s.Limits.Memory))
	o.set("cpus", decimal(s.Limits.CPUs))
	o.set("pids_limit", number(int64(s.Limits.Pids)))
	o.set("shm_size", size(s.ShmSize))
	o.set("ulimits", ulimits(s.Ulimits))

	o.set("read_only", yes(s.ReadOnly))
	o.set("cap_drop", literals(s.CapDrop))
	o.set("cap_add", literals(s.CapAdd))
	o.set("security_opt", literals([]string{"no-new-privileges:true"}))
	o.set("logging", logging(s.Logging))
	o.set("labels", texts(s.Labels))
	return o.node
}

func flag(b *bool) *yaml.Node {
	if b == nil {
		return nil
	}
	return boolean(*b)
}

// ports are in compose's short form: linters misread the long one, and people read it faster.
func ports(binds []*spec.Bind) *yaml.Node {
	var items []*yaml.Node
	for _, b := range binds {
		port := fmt.Sprintf("%s:%d", net.JoinHostPort(b.HostIP, strconv.Itoa(b.Published)), b.Port)
		if b.Protocol != "tcp" {
			port += "/" + b.Protocol
		}
		items = append(items, scalar(port))
	}
	return list(items...)
}

func dependsOn(dependencies []*spec.Dependency) *yaml.Node {
	all := newObject()
	for _, d := range dependencies {
		o := newObject()
		o.set("condition", literal(d.Condition))
		o.set("restart", yes(d.Restart))
		all.set(d.Service, o.node)
	}
	return all.orNil()
}

// size writes an amount of memory the short way: 1GB, 1g and 1024m are all 1G.
func size(s spec.Size) *yaml.Node {
	bytes, err := s.Bytes()
	if err != nil || bytes == 0 {
		return nil // spec.Parse has refused what is not a size
	}
	return scalar(string(spec.SizeOf(bytes)))
}

func healthcheck(h *spec.Healthcheck) *yaml.Node {
	if h == nil {
		return nil
	}
	o := newObject()
	o.set("test", argv(h.Test))
	o.set("interval", optional(string(h.Interval)))
	o.set("timeout", optional(string(h.Timeout)))
	if h.Retries > 0 {
		o.set("retries", number(int64(h.Retries)))
	}
	o.set("start_period", optional(string(h.StartPeriod)))
	return o.node
}

func ulimits(all []*spec.Ulimit) *yaml.Node {
	o := newObject()
	for _, u := range all {
		both := newObject()
		both.set("soft", number(u.Soft))
		both.set("hard", number(*u.Hard))
		o.set(u.Name, both.node)
	}
	return o.orNil()
}

func logging(l *spec.Logging) *yaml.Node {
	options := newObject()
	for _, name := range slices.Sorted(maps.Keys(l.Options)) {
		options.set(name, literal(l.Options[name]))
	}
	o := newObject()
	o.set("driver", literal(l.Driver))
	o.set("options", options.orNil())
	return o.node
}

// mounts are the service's volumes and bind mounts, and, where the root file system is
// read-only, the volume that its files are put into.
func mounts(s *spec.Service) *yaml.Node {
	var items []*yaml.Node
	add := func(kind, source, target string, readOnly bool) {
		o := newObject()
		o.set("type", literal(kind))
		o.set("source", literal(source))
		o.set("target", literal(target))
		o.set("read_only", yes(readOnly))
		if kind == "bind" {
			strict := newObject()
			strict.set("create_host_path", boolean(false))
			o.set("bind", strict.node)
		}
		items = append(items, o.node)
	}
	for _, v := range s.Volumes {
		add("volume", v.Name, v.Target, v.ReadOnly)
	}
	for _, m := range s.Mounts {
		add("bind", m.Source, m.Target, m.ReadOnly)
	}
	if filesInVolume(s) {
		add("volume", secretsVolume(s), spec.SecretDir, false)
	}
	return list(items...)
}

// filesInVolume reports whether the service's files need a volume: a read-only root
// file system takes no file, not even before the first start.
func filesInVolume(s *spec.Service) bool {
	return s.ReadOnly && len(s.SecretFiles)+len(s.Files) > 0
}

func secretsVolume(s *spec.Service) string { return s.Name + "-secrets" }

// serviceVolumes declares the volumes of a service at the top level.
func serviceVolumes(s *spec.Service, volumes object) {
	for _, v := range s.Volumes {
		volumes.set(v.Name, newObject().node)
	}
	if filesInVolume(s) {
		labels := newObject()
		labels.set(FilesLabel, literal(s.Name))
		o := newObject()
		o.set("labels", labels.node)
		volumes.set(secretsVolume(s), o.node)
	}
}

// serviceFiles declares the secrets and the file contents of a service at the top level.
func serviceFiles(s *spec.Service, names map[*spec.File]string, secrets, configs object) {
	for _, name := range s.SecretNames() {
		if !slices.Contains(s.SecretFiles, name) {
			continue
		}
		o := newObject()
		o.set("environment", literal(name))
		secrets.set(name, o.node)
	}
	for _, f := range s.Files {
		o := newObject()
		o.set("content", text(f.Content))
		configs.set(names[f], o.node)
	}
}

func secretFiles(s *spec.Service) *yaml.Node {
	var items []*yaml.Node
	uid, gid := s.Owner()
	for _, name := range s.SecretFiles {
		items = append(items, delivered(name, spec.SecretDir+"/"+name, uid, gid, spec.DefaultFileMode))
	}
	return list(items...)
}

func files(s *spec.Service, names map[*spec.File]string) *yaml.Node {
	var items []*yaml.Node
	for _, f := range s.Files {
		mode := f.Mode
		if len(mode) == 3 {
			mode = "0" + mode
		}
		items = append(items, delivered(names[f], f.Target, *f.UID, *f.GID, mode))
	}
	return list(items...)
}

func delivered(source, target string, uid, gid int, mode string) *yaml.Node {
	o := newObject()
	o.set("source", literal(source))
	o.set("target", literal(target))
	o.set("uid", scalar(strconv.Itoa(uid)))
	o.set("gid", scalar(strconv.Itoa(gid)))
	o.set("mode", scalar(mode))
	return o.node
}

var notName = regexp.MustCompile(`[^a-zA-Z0-9_.-]+`)

// fileNames names every file block of the stack at the top level, by service and last part
// of the path: "redis-redis.conf". Where two would share a name, the later one is numbered.
func fileNames(stack *spec.Stack) map[*spec.File]string {
	names := map[*spec.File]string{}
	taken := map[string]bool{}
	for _, s := range stack.Services {
		for _, f := range s.Files {
			base := s.Name + "-" + notName.ReplaceAllString(path.Base(f.Target), "-")
			name := base
			for n := 2; taken[name]; n++ {
				name = base + "-" + strconv.Itoa(n)
			}
			taken[name], names[f] = true, name
		}
	}
	return names
}
