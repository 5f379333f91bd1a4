package adopt

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// form is what a value looks like: any of the kinds in it.
type form struct {
	text    bool // text, a number, true or false
	texts   bool // a list of texts
	objects bool // a list of texts or mappings
	mapping bool // a mapping of texts
	deep    bool // a mapping of anything
}

var (
	asText  = form{text: true}
	asTexts = form{text: true, texts: true}
	asMap   = form{texts: true, mapping: true}
	asDeep  = form{deep: true}
	asList  = form{objects: true}
)

// forms are those of the keys that are carried over; what is left out or refused is not looked into.
var forms = map[string]form{
	"build": {text: true, deep: true}, "cap_add": {texts: true}, "cap_drop": {texts: true}, "command": asTexts, "configs": asList, "container_name": asText, "cpus": asText,
	"depends_on": {texts: true, deep: true}, "deploy": asDeep, "dns": asTexts, "entrypoint": asTexts, "env_file": {text: true, objects: true}, "environment": asMap,
	"extends": {text: true, mapping: true}, "extra_hosts": {texts: true, deep: true}, "group_add": {texts: true}, "healthcheck": asDeep, "hostname": asText, "image": asText,
	"init": asText, "labels": asMap, "logging": asDeep, "mem_limit": asText, "memswap_limit": asText, "network_mode": asText, "networks": {texts: true, deep: true},
	"pids_limit": asText, "platform": asText, "ports": asList, "profiles": asTexts, "pull_policy": asText, "read_only": asText, "restart": asText, "scale": asText,
	"secrets": asList, "security_opt": {texts: true}, "shm_size": asText, "stop_grace_period": asText, "stop_signal": asText, "tmpfs": asTexts, "ulimits": asDeep,
	"user": asText, "volumes": asList, "working_dir": asText,
}

// below are the forms of what stands in some of them.
var below = map[string]map[string]form{
	"deploy":      {"resources": asDeep, "restart_policy": {mapping: true}, "replicas": asText, "mode": asText},
	"healthcheck": {"test": asTexts, "interval": asText, "timeout": asText, "retries": asText, "start_period": asText, "start_interval": asText, "disable": asText},
	"logging":     {"driver": asText, "options": {mapping: true}},
}

// check makes sure that everything has the form that compose's schema wants of it, so that compose-go can read it.
func (c *compose) check() error {
	for _, key := range []string{"services", "networks", "volumes", "secrets", "configs"} {
		objects := find(c.root, key)
		if objects == nil {
			continue
		}
		if objects.Kind != yaml.MappingNode && objects.Tag != "!!null" {
			return c.wrong(objects, key, "a mapping")
		}
		for name, object := range pairs(objects) {
			if object.Kind != yaml.MappingNode && (key == "services" || object.Tag != "!!null") {
				return c.wrong(object, key+"."+name.Value, "a mapping")
			}
		}
	}
	for name, service := range pairs(find(c.root, "services")) {
		place := "services." + name.Value
		if err := c.known(service, place, serviceKeys); err != nil {
			return err
		}
		if err := c.forms(service, place, forms); err != nil {
			return err
		}
		for key, inner := range below {
			if err := c.forms(find(service, key), place+"."+key, inner); err != nil {
				return err
			}
		}
		if err := c.known(find(service, "deploy"), place+".deploy", deployKeys); err != nil {
			return err
		}
	}
	for name, network := range pairs(find(c.root, "networks")) {
		if err := c.known(network, "networks."+name.Value, networkKeys); err != nil {
			return err
		}
	}
	for name, volume := range pairs(find(c.root, "volumes")) {
		if err := c.known(volume, "volumes."+name.Value, volumeKeys); err != nil {
			return err
		}
	}
	return c.known(c.root, "", topKeys)
}

// known refuses a key that compose does not know.
func (c *compose) known(node *yaml.Node, place string, rules map[string]rule) error {
	for key := range pairs(node) {
		if _, ok := rules[key.Value]; !ok && !strings.HasPrefix(key.Value, "x-") {
			return &FileError{File: c.Name, Line: key.Line, Problem: strings.TrimPrefix(place+"."+key.Value, ".") + ": compose knows no such key"}
		}
	}
	return nil
}

func (c *compose) forms(node *yaml.Node, place string, forms map[string]form) error {
	for key, value := range pairs(node) {
		f, ok := forms[key.Value]
		if ok && !f.fits(value) {
			return c.wrong(value, place+"."+key.Value, f.String())
		}
	}
	return nil
}

func (c *compose) wrong(node *yaml.Node, place, want string) error {
	return &FileError{File: c.Name, Line: node.Line, Problem: fmt.Sprintf("%s must be %s", place, want)}
}

func isScalar(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode }

func (f form) fits(node *yaml.Node) bool {
	all := func(test func(*yaml.Node) bool) bool {
		return !slices.ContainsFunc(node.Content, func(n *yaml.Node) bool { return !test(n) })
	}
	switch {
	case node.Tag == "!!null":
		return true
	case node.Kind == yaml.ScalarNode:
		return f.text
	case node.Kind == yaml.SequenceNode && f.objects:
		return all(func(n *yaml.Node) bool { return n.Kind != yaml.SequenceNode && n.Tag != "!!null" })
	case node.Kind == yaml.SequenceNode:
		return f.texts && all(func(n *yaml.Node) bool { return isScalar(n) && n.Tag != "!!null" })
	case node.Kind == yaml.MappingNode:
		return f.deep || f.mapping && all(isScalar)
	}
	return false
}

func (f form) String() string {
	var words []string
	for _, one := range []struct {
		is   bool
		word string
	}{{f.text, "text"}, {f.texts, "a list of texts"}, {f.objects, "a list"}, {f.mapping, "a mapping of texts"}, {f.deep, "a mapping"}} {
		if one.is {
			words = append(words, one.word)
		}
	}
	return strings.Join(words, " or ")
}
