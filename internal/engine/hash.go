package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
)

// configHash is the label by which compose knows a service's definition, and leaves its container
// alone: what "docker compose config --hash" prints for the rendered file (docker/compose v2.40.3,
// pkg/compose/hash.go). It covers the names and the places of secret files and file blocks, not what
// is in them.
//
// Where a secret's value would be in it, as it is in an environment, anybody who sees the label could
// try guesses against it. It is the hash of the file as it stands then, with references, which compose
// prints with --no-interpolate: never the one that compose compares with, so that its "up" makes that
// container anew.
func configHash(service types.ServiceConfig) string { return hash(definitionOf(service)) }

// networkHash is the label by which compose knows a network's definition. Volumes get none:
// where the definition of one differs, compose offers to delete its data.
func networkHash(network types.NetworkConfig) string { return hash(encoded(network)) }

// definitionOf is a service as JSON, without what does not concern its container.
func definitionOf(service types.ServiceConfig) []byte {
	service.Build = nil
	service.PullPolicy = ""
	service.Scale = nil
	service.DependsOn = nil
	service.Profiles = nil
	if service.Deploy != nil {
		deploy := *service.Deploy
		deploy.Replicas = nil
		service.Deploy = &deploy
	}
	service.Volumes = slices.Clone(service.Volumes)
	for i, volume := range service.Volumes {
		if volume.Bind != nil {
			bind := *volume.Bind
			bind.CreateHostPath = true // left out by this library, as false, which is rendered, was by compose's
			service.Volumes[i].Bind = &bind
		}
	}
	return inOrder(encoded(service))
}

func hash(definition []byte) string {
	if whole, err := interpolated(definition); err == nil {
		definition = whole
	}
	sum := sha256.Sum256(definition)
	return hex.EncodeToString(sum[:])
}

// encoded is a part of a project as JSON. It is plain data: encoding cannot fail.
func encoded(part any) []byte {
	text, err := json.Marshal(part)
	if err != nil {
		panic(fmt.Sprintf("hash of %T: %v", part, err))
	}
	return text
}

// keyOrder is the order of a service's keys that compose hashes, of those that a rendered file has:
// the one in which compose-go v2.9 declares its fields. Later versions have moved them.
var keyOrder = []string{
	"cap_add", "cap_drop", "cpus", "command", "configs", "container_name", "dns", "entrypoint", "environment", "extra_hosts",
	"group_add", "hostname", "healthcheck", "image", "init", "labels", "logging", "mem_limit", "memswap_limit", "networks",
	"pids_limit", "platform", "ports", "read_only", "restart", "secrets", "security_opt", "shm_size", "stop_grace_period",
	"stop_signal", "tmpfs", "ulimits", "user", "volumes", "working_dir",
}

// inOrder writes the keys of a JSON object in compose's order, and their values as they are.
func inOrder(object []byte) []byte {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(object, &values); err != nil {
		panic(fmt.Sprintf("hash: %v", err)) // it was encoded just now
	}
	var pairs [][]byte
	for _, key := range slices.Concat(keyOrder, slices.Sorted(maps.Keys(values))) {
		if value, there := values[key]; there {
			pairs = append(pairs, slices.Concat(encoded(key), []byte(":"), value))
			delete(values, key)
		}
	}
	return slices.Concat([]byte("{"), bytes.Join(pairs, []byte(",")), []byte("}"))
}

// jsonString matches a string in JSON, with the colon after it if it is a key.
var jsonString = regexp.MustCompile(`"(?:[^"\\]|\\.)*":?`)

var errSecret = errors.New("a secret would be in it")

// interpolated resolves compose's $ syntax in the values of a JSON text, which fails where one of
// them has a secret in it.
func interpolated(text []byte) (whole []byte, err error) {
	whole = jsonString.ReplaceAllFunc(text, func(literal []byte) []byte {
		if bytes.HasSuffix(literal, []byte(":")) || !bytes.Contains(literal, []byte("$")) {
			return literal
		}
		var value string
		if bad := json.Unmarshal(literal, &value); bad != nil {
			panic(fmt.Sprintf("hash: %v", bad))
		}
		value, bad := template.Substitute(value, func(string) (string, bool) {
			err = errSecret
			return "", true
		})
		err = errors.Join(err, bad)
		return encoded(value)
	})
	return whole, err
}
