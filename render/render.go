// Package render turns a spec.Stack into docker-compose.yml, and that file back into
// the compose project that minibot applies.
//
// It is pure: no engine, no files, no clock. The project that everything after works
// with is read back from the rendered bytes, so the file that people review and the stack
// that runs cannot differ. Secrets stand in the file as
// references (${NAME:?…}); nothing here ever has a value.
package render

import (
	"fmt"

	"github.com/compose-spec/compose-go/v2/types"
	"gopkg.in/yaml.v3"

	"minibot/spec"
)

// FileName is the usual name of the rendered file.
const FileName = "docker-compose.yml"

const header = `Rendered by minibot from the spec of the stack %q. Do not edit: change the
spec and run "minibot render -o %s" again.
Secrets are named here, not written; minibot fills them in when it applies.
Not for "docker stack deploy", which ignores limits and loopback addresses.`

// FilesLabel marks a volume that holds only the files of one service, which minibot
// writes anew whenever it makes the container. Its value is the service's name.
const FilesLabel = "dev.minibot.files"

// Compose renders the stack. The same stack always gives the same bytes.
func Compose(stack *spec.Stack) ([]byte, error) { return encode(document(stack)) }

func document(stack *spec.Stack) *yaml.Node {
	top := newObject()
	top.set("name", literal(stack.Name))
	services, volumes, secrets, configs := newObject(), newObject(), newObject(), newObject()
	names := fileNames(stack)
	for _, s := range stack.Services {
		services.set(s.Name, service(s, names))
		serviceVolumes(s, volumes)
		serviceFiles(s, names, secrets, configs)
	}
	networks := newObject()
	for _, n := range stack.Networks {
		networks.set(n.Name, network(n))
	}
	top.set("services", services.node)
	top.set("networks", networks.node)
	top.set("volumes", volumes.orNil())
	top.set("secrets", secrets.orNil())
	top.set("configs", configs.orNil())
	top.node.HeadComment = fmt.Sprintf(header, stack.Name, FileName)
	return top.node
}

// Load reads a rendered file back, as it stands: references to secrets, and every $ written
// as $$, stay.
//
// It reads what Compose writes and refuses all else. compose-go's own loader, with its schema
// and its checks, makes the very same project of every rendered file: TestLoad holds that, and
// FuzzLoad looks for one of which it does not. The loader takes ten times as long, most of the
// time of a plan that changes nothing, since it is made for every file that people write.
func Load(name string, compose []byte) (*types.Project, error) {
	project, err := read(name, compose)
	if err != nil {
		return nil, fmt.Errorf("the rendered file is not one that minibot writes: %w", err)
	}
	return project, nil
}

// Project renders the stack and loads the result.
func Project(stack *spec.Stack) (*types.Project, []byte, error) {
	compose, err := Compose(stack)
	if err != nil {
		return nil, nil, err
	}
	project, err := Load(stack.Name, compose)
	return project, compose, err
}

func network(n *spec.Network) *yaml.Node {
	o := newObject()
	o.set("name", literal(n.Name))
	o.set("driver", literal("bridge"))
	opts := newObject()
	opts.set("com.docker.network.bridge.host_binding_ipv4", literal(spec.DefaultHostIP))
	if n.Masquerade != nil && !*n.Masquerade {
		opts.set("com.docker.network.bridge.enable_ip_masquerade", literal("false"))
	}
	o.set("driver_opts", opts.node)
	o.set("internal", yes(n.Internal))
	if n.Subnet != "" {
		config := newObject()
		config.set("subnet", literal(n.Subnet))
		ipam := newObject()
		ipam.set("config", list(config.node))
		o.set("ipam", ipam.node)
	}
	return o.node
}
