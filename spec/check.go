package spec

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// The names that compose and the engine accept.
var (
	stackName   = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	objectName  = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)
	variable    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	storeKinds  = []string{"auto", "env", "file", "keychain"}
	remoteKinds = []string{"ssh", "tailscale"}
)

// check reports what is well-formed but cannot be meant.
func (d *decoder) check() {
	s := d.stack
	if s.Name != "" && !stackName.MatchString(s.Name) {
		d.diags.add(s.NameRange, "Bad stack name", "A stack's name has lower-case letters, digits, - and _, and begins with a letter or digit, such as \"minibot\".")
	}
	if len(s.Services) == 0 && !d.diags.errors() {
		d.diags.addNowhere("No service", "Write at least one service block. minibot.hcl.example shows the reference stack.")
	}
	if len(s.Networks) == 0 && len(s.Services) > 0 {
		d.diags.add(s.Services[0].NameRange, "No network", fmt.Sprintf("Services need a bridge network of their own. Write: network \"%s-net\" {}.", s.Name))
	}
	d.checkNetworks()
	d.checkSecrets()
	d.checkRest()
	d.checkServices()
	d.checkPorts()
	d.checkDependencies()
}

func (d *decoder) checkNetworks() {
	seen := once{d: d, what: "network"}
	for _, network := range d.stack.Networks {
		seen.note(network.Name, network.NameRange)
		d.checkName("network", network.Name, network.NameRange)
		if slices.Contains([]string{"host", "none", "bridge", "default"}, network.Name) {
			d.diags.add(network.NameRange, "Network of the engine", fmt.Sprintf("%q is a network that the engine brings itself. Choose another name, such as \"%s-net\".", network.Name, d.stack.Name))
		}
		if network.Subnet == "" {
			continue
		}
		if prefix, err := netip.ParsePrefix(network.Subnet); err != nil || prefix != prefix.Masked() {
			d.diags.add(network.SubnetRange, "Bad subnet", fmt.Sprintf("%q is not a subnet; write an address and a prefix length, such as \"172.30.0.0/24\".", network.Subnet))
		} else if !prefix.Addr().IsPrivate() {
			d.diags.add(network.SubnetRange, "Public subnet", fmt.Sprintf("%s belongs to the internet. Use a private range, such as \"172.30.0.0/24\".", network.Subnet))
		}
	}
}

func (d *decoder) checkSecrets() {
	seen := once{d: d, what: "secret"}
	for _, secret := range d.stack.Secrets {
		seen.note(secret.Name, secret.NameRange)
		if !variable.MatchString(secret.Name) {
			d.diags.add(secret.NameRange, "Bad secret name", "A secret's name is that of an environment variable: letters, digits and _, not beginning with a digit, such as \"POSTGRES_PASSWORD\".")
		} else if !d.used[secret.Name] && !d.diags.errors() {
			d.diags.warn(secret.NameRange, "Secret not used", fmt.Sprintf("No service uses secret.%s. Take the block out, or use secret.%s.file.", secret.Name, secret.Name))
		}
	}
}

func (d *decoder) checkRest() {
	s := d.stack
	if s.Store != nil && !slices.Contains(storeKinds, s.Store.Kind) {
		d.diags.add(s.Store.Range, "Unknown secret store", oneOf(s.Store.Kind, storeKinds))
	}
	seen := once{d: d, what: "remote"}
	for _, remote := range s.Remotes {
		seen.note(remote.Kind, remote.KindRange)
		switch {
		case !slices.Contains(remoteKinds, remote.Kind):
			d.diags.add(remote.KindRange, "Unknown remote", oneOf(remote.Kind, remoteKinds)+" Nothing else may reach the machine from outside.")
		case remote.Kind == "ssh" && remote.Destination == "":
			d.diags.add(remote.KindRange, "SSH without a destination", "Write destination = \"user@host\".")
		}
	}
	for _, accept := range s.Accepts {
		if strings.TrimSpace(accept.Reason) == "" {
			d.diags.add(accept.ReasonRange, "Waiver without a reason", "Say why this finding is accepted; the reason is shown in every report.")
		}
		if accept.Service != "" && s.Service(accept.Service) == nil {
			d.diags.add(accept.ServiceRange, "Unknown service", d.unknownService(accept.Service))
		}
	}
}

// checkDependencies finds dependencies on nothing and circles.
func (d *decoder) checkDependencies() {
	conditions := []string{"service_completed_successfully", "service_healthy", "service_started"}
	for _, service := range d.stack.Services {
		seen := once{d: d, what: "depends_on"}
		for _, dependency := range service.DependsOn {
			seen.note(dependency.Service, dependency.ServiceRange)
			other := d.stack.Service(dependency.Service)
			switch {
			case other == nil:
				d.diags.add(dependency.ServiceRange, "Unknown service", d.unknownService(dependency.Service))
			case !slices.Contains(conditions, dependency.Condition):
				d.diags.add(dependency.ConditionRange, "Unknown condition", oneOf(dependency.Condition, conditions))
			case dependency.Condition == "service_healthy" && other.Healthcheck == nil:
				d.diags.add(dependency.ConditionRange, "Nothing tells that it is healthy", fmt.Sprintf("Service %q has no healthcheck block. Give it one, or write condition = \"service_started\".", other.Name))
			}
		}
	}
	d.checkCircles()
}

func (d *decoder) checkCircles() {
	done := map[string]bool{}
	var path []string
	var visit func(service *Service)
	visit = func(service *Service) {
		if done[service.Name] {
			return
		}
		path = append(path, service.Name)
		for _, dependency := range service.DependsOn {
			if i := slices.Index(path, dependency.Service); i >= 0 {
				circle := append(slices.Clone(path[i:]), dependency.Service)
				d.diags.add(dependency.ServiceRange, "Services wait for each other", "depends_on goes in a circle: "+strings.Join(circle, " → ")+". Take one of them out.")
			} else if other := d.stack.Service(dependency.Service); other != nil {
				visit(other)
			}
		}
		path = path[:len(path)-1]
		done[service.Name] = true
	}
	for _, service := range d.stack.Services {
		visit(service)
	}
}

func (d *decoder) checkName(what, name string, at Range) {
	if !objectName.MatchString(name) {
		d.diags.add(at, "Bad "+what+" name", "A name has letters, digits, _, . and -, and begins with a letter or digit.")
	}
}

func (d *decoder) unknownService(name string) string {
	var names []string
	for _, service := range d.stack.Services {
		names = append(names, service.Name)
	}
	if near := nearest(name, names); near != "" {
		return fmt.Sprintf("There is no service %q. Did you mean %q?", name, near)
	}
	return fmt.Sprintf("There is no service %q. The services are: %s.", name, strings.Join(names, ", "))
}

func oneOf(got string, words []string) string {
	if near := nearest(got, words); near != "" {
		return fmt.Sprintf("%q is not known. Did you mean %q?", got, near)
	}
	return fmt.Sprintf("%q is not known. Write one of: %s.", got, strings.Join(words, ", "))
}

// once reports names that come twice.
type once struct {
	d    *decoder
	what string
	seen map[string]Range
}

func (o *once) note(name string, at Range) {
	if first, twice := o.seen[name]; twice {
		o.d.diags.add(at, "Duplicate "+o.what, fmt.Sprintf("%s %q is already in line %d. Rename or remove one.", o.what, name, first.Start.Line))
		return
	}
	if o.seen == nil {
		o.seen = map[string]Range{}
	}
	o.seen[name] = at
}
