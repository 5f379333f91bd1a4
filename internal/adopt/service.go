package adopt

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"gopkg.in/yaml.v3"

	"minibot/internal/plan"
	"minibot/spec"
)

// service is one that is being written.
type service struct {
	*stack
	types.ServiceConfig
	container plan.Container   // that there is; none of a file
	env       map[string]entry // see gather
}

// write writes the service in the order in which a person reads it.
func (s *service) write(d *spec.Draft) {
	d.Open(s.at(), "service", s.Name)
	s.what(d)
	d.Blank()
	s.binds(d)
	s.limits(d)
	s.environment(d)
	s.files(d)
	s.storage(d)
	s.attached(d)
	s.healthcheck(d)
	s.behaviour(d)
	d.Close()
}

// what says what runs.
func (s *service) what(d *spec.Draft) {
	s.image(d)
	s.set(d, "platform", s.Platform)
	s.pullPolicy(d)
	s.set(d, "container_name", s.ContainerName)
	s.set(d, "hostname", s.Hostname)
	s.set(d, "user", s.User)
	s.list(d, "group_add", s.GroupAdd)
	s.command(d, "entrypoint", s.Entrypoint)
	s.command(d, "command", s.Command)
	s.set(d, "working_dir", s.WorkingDir)
	if s.Init != nil {
		d.Set("init", spec.Boolean(*s.Init), s.at("init"))
	}
	s.set(d, "stop_signal", s.StopSignal)
	if s.StopGracePeriod != nil {
		d.Set("stop_grace_period", period(*s.StopGracePeriod), s.at("stop_grace_period"))
	}
}

func (s *service) image(d *spec.Draft) {
	if s.Build == nil {
		s.set(d, "image", s.Image)
		return
	}
	name := s.Image
	if name == "" {
		name = s.project.Name + "-" + s.Name // as compose calls what it builds
	}
	shown := markPattern.ReplaceAllString(name, "…")
	s.note(Todo, s.origin("build"), "build", "minibot builds no image. Build it beforehand, and after every change: docker compose build "+s.Name+". The spec takes "+shown+" from the engine.")
	d.Set("image", s.word(name), s.at("build"))
}

func (s *service) pullPolicy(d *spec.Draft) {
	policy := s.PullPolicy
	switch {
	case s.Build != nil && (policy == "" || policy == types.PullPolicyBuild):
		policy = types.PullPolicyNever
	case policy == types.PullPolicyIfNotPresent:
		policy = types.PullPolicyMissing
	case policy == types.PullPolicyBuild, policy == types.PullPolicyRefresh, strings.HasPrefix(policy, "every_"), policy == "daily", policy == "weekly":
		s.note(Changed, s.origin("pull_policy"), "pull_policy "+policy, "An image is pulled when it is missing, or with pull_policy = \"always\" before a container is made of it.")
		policy = ""
	}
	if policy != "" && policy != types.PullPolicyMissing {
		d.Set("pull_policy", spec.Quote(policy), s.at("pull_policy"))
	}
}

// command writes one that is there; an empty one clears the image's.
func (s *service) command(d *spec.Draft, key string, words []string) {
	if words == nil {
		return
	}
	hidden := slices.Clone(words)
	for i, word := range words {
		name := ""
		if i > 0 {
			if match := flagAlone.FindStringSubmatch(words[i-1]); match != nil {
				name = match[1]
			}
		}
		hidden[i] = s.hideIn(key, name, word)
	}
	d.Set(key, s.words(hidden), s.at(key))
}

// behaviour says how it is kept running, and what it may do.
func (s *service) behaviour(d *spec.Draft) {
	s.restart(d)
	if s.CapDrop != nil {
		s.list(d, "cap_drop", s.CapDrop)
	} else {
		d.SetNoted("cap_drop", spec.Quoted(nil), "as Docker has it; many programs need none: [\"ALL\"]", 0)
	}
	s.list(d, "cap_add", s.CapAdd)
	if s.ReadOnly {
		d.Set("read_only", spec.Boolean(true), s.at("read_only"))
	}
	for _, option := range s.SecurityOpt {
		switch strings.ReplaceAll(option, "=", ":") {
		case "no-new-privileges", "no-new-privileges:true":
		default:
			s.note(LeftOut, s.origin("security_opt"), "security_opt "+option, spec.Advice("service.security_opt"))
		}
	}
	s.ulimits(d)
	s.logging(d)
	s.labels(d)
}

func (s *service) restart(d *spec.Draft) {
	policy, key := s.Restart, "restart"
	if s.Deploy != nil && s.Deploy.RestartPolicy != nil && policy == "" {
		key = "deploy"
		switch deployed := s.Deploy.RestartPolicy; deployed.Condition {
		case "none":
			policy = "no"
		case "on-failure":
			policy = "on-failure"
			if deployed.MaxAttempts != nil && *deployed.MaxAttempts > 0 {
				policy += ":" + strconv.FormatUint(*deployed.MaxAttempts, 10)
			}
		default:
			policy = "always"
		}
	}
	switch policy {
	case "":
		d.SetNoted("restart", spec.Quote("no"), "as compose has it; without this line: unless-stopped", 0)
	case spec.DefaultRestart:
	default:
		d.Set("restart", spec.Quote(policy), s.at(key))
	}
}

func (s *service) ulimits(d *spec.Draft) {
	for _, name := range slices.Sorted(maps.Keys(s.Ulimits)) {
		limit := s.Ulimits[name]
		if limit == nil {
			continue
		}
		soft, hard := limit.Soft, limit.Hard
		if limit.Single != 0 {
			soft, hard = limit.Single, limit.Single
		}
		d.Blank()
		if hard == soft {
			d.Short(s.at("ulimits", name), "soft", spec.Integer(int64(soft)), "ulimit", name)
			continue
		}
		d.Open(s.at("ulimits", name), "ulimit", name)
		d.Set("soft", spec.Integer(int64(soft)), s.at("ulimits", name))
		d.Set("hard", spec.Integer(int64(hard)), s.at("ulimits", name))
		d.Close()
	}
}

func (s *service) logging(d *spec.Draft) {
	if s.Logging == nil {
		return
	}
	d.Blank()
	d.Open(s.at("logging"), "logging")
	d.Set("driver", spec.Quote(cmpOr(s.Logging.Driver, "json-file")), s.at("logging"))
	var entries []spec.Entry
	for _, key := range slices.Sorted(maps.Keys(s.Logging.Options)) {
		value := s.Logging.Options[key]
		if likeSecret(key, value) {
			s.note(LeftOut, s.origin("logging"), "logging "+key, "Everybody who may ask the engine sees it: it cannot hold a secret.")
			continue
		}
		entries = append(entries, spec.Entry{Key: key, Value: spec.Quote(value), From: s.at("logging")})
	}
	d.Map("options", entries)
	d.Close()
}

func (s *service) labels(d *spec.Draft) {
	var entries []spec.Entry
	for _, key := range slices.Sorted(maps.Keys(s.Labels)) {
		value := s.hide("labels "+key, key, s.Labels[key], s.origin("labels", key))
		switch {
		case strings.HasPrefix(key, "com.docker.compose."):
		case s.marks.secretIn(value) != "", likeSecret(key, value):
			s.note(LeftOut, s.origin("labels", key), "labels "+key, "Everybody who may ask the engine sees a label: it cannot hold a secret.")
		default:
			entries = append(entries, spec.Entry{Key: key, Value: s.text(value), From: s.at("labels", key)})
		}
	}
	d.Blank()
	d.Map("labels", entries)
}

// set writes a text, if there is one.
func (s *service) set(d *spec.Draft, key, text string) {
	if text == "" {
		return
	}
	if s.marks.secretIn(text) != "" {
		s.note(Refused, s.origin(key), key, "A secret's value cannot stand here: it would be seen by anyone who reads the rendered file.")
		return
	}
	d.Set(key, s.word(text), s.at(key))
}

// list writes a list, if there is one.
func (s *service) list(d *spec.Draft, key string, all []string) {
	if len(all) > 0 {
		d.Set(key, s.words(all), s.at(key))
	}
}

// period writes a time the short way: 1m30s, not 1m30.000s, and 1m, not 1m0s.
func period(duration types.Duration) spec.Expr {
	text := time.Duration(duration).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return spec.Quote(text)
}

// at is where a part of the service stands, for a draft; origin is the same for a note. The path is that of keys, or of
// what an item of a list begins with.
func (s *service) at(path ...string) int { return s.from(s.origin(path...)) }

func (s *service) origin(path ...string) origin {
	at := origin{service: s.Name}
	if s.compose == nil {
		return at
	}
	for _, base := range s.compose.bases(s.Name) {
		services := find(s.compose.root, "services")
		line, found := lineOf(services, append([]string{base}, path...))
		if at.line == 0 || found {
			at.line = line
		}
		if found {
			break
		}
	}
	return at
}

// lineOf goes down as far as there is something, and says whether it came to the end.
func lineOf(node *yaml.Node, path []string) (line int, found bool) {
	for _, step := range path {
		next := find(node, step)
		if next != nil {
			line = keyLine(node, step)
		}
		for _, item := range items(node) {
			text := item.Value
			if target := find(item, "target"); target != nil {
				text = target.Value
			}
			if next == nil && begins(text, step) {
				next, line = item, item.Line
			}
		}
		if next == nil {
			return line, false
		}
		node = next
	}
	return line, true
}

// begins reports whether an item of a list is the one of a name: NAME, NAME=VALUE, or PATH:NAME:OPTIONS.
func begins(text, name string) bool {
	return text == name || strings.HasPrefix(text, name+"=") || slices.Contains(strings.Split(text, ":"), name)
}
