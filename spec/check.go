package spec

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The names that compose and the engine accept.
var (
	stackName   = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	objectName  = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)
	secretName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	destination = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9_.@:%\[\]-]*$`) // never an option of ssh
	storeKinds  = []string{"auto", "env", "exec", "file", "keychain", "secret-service"}
	remoteKinds = []string{"ssh", "tailscale"}
)

// check reports what is well-formed but cannot be meant.
func (d *decoder) check() {
	s := d.stack
	if err := CheckStackName(s.Name); err != nil {
		d.diags.add(s.NameRange, "Bad stack name", sentence(err))
	}
	if len(s.Services) == 0 && !d.incomplete[""] {
		d.diags.addNowhere("No service", "Write at least one service block. minibot.hcl.example shows the reference stack.")
	}
	if len(s.Networks) == 0 && len(s.Services) > 0 && !d.incomplete[""] {
		d.diags.add(s.Services[0].NameRange, "No network", fmt.Sprintf("Services need a bridge network of their own. Write: network %q {}.", d.exampleNetwork()))
	}
	d.checkNetworks()
	d.checkServices()
	d.checkPorts()
	d.checkDependencies()
	d.checkRest()
	d.checkSecrets()
	d.checkReaders()
}

// CheckStackName says what is wrong with a name for a stack, if anything is.
func CheckStackName(name string) error {
	if !stackName.MatchString(name) {
		return errors.New("a stack's name has lower-case letters, digits, - and _, and begins with a letter or digit, such as \"minibot\"")
	}
	return nil
}

// exampleNetwork is a name for a network of this stack.
func (d *decoder) exampleNetwork() string {
	if stackName.MatchString(d.stack.Name) {
		return d.stack.Name + "-net"
	}
	return "minibot-net"
}

func (d *decoder) checkNetworks() {
	seen := once{d: d, what: "network"}
	for _, network := range d.stack.Networks {
		seen.note(network.Name, network.NameRange)
		d.checkName("network", network.Name, network.NameRange)
		if slices.Contains([]string{"host", "none", "bridge", "default"}, network.Name) {
			d.diags.add(network.NameRange, "Network of the engine", fmt.Sprintf("%q is a network that the engine brings itself. Choose another name, such as %q.", network.Name, d.exampleNetwork()))
		}
		if network.Subnet == "" {
			continue
		}
		if prefix, err := netip.ParsePrefix(network.Subnet); err != nil || prefix != prefix.Masked() {
			d.diags.add(network.SubnetRange, "Bad subnet", fmt.Sprintf("%q is not a subnet; write its first address and a prefix length, such as \"172.30.0.0/24\".", network.Subnet))
		} else if !private(prefix) {
			d.diags.add(network.SubnetRange, "Public subnet", fmt.Sprintf("%s is not all private. Use a private range, such as \"172.30.0.0/24\".", network.Subnet))
		}
	}
}

// privateRanges are those of RFC 1918 and RFC 4193.
var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fc00::/7"),
}

// private reports whether all of a subnet lies in a private range.
func private(subnet netip.Prefix) bool {
	return slices.ContainsFunc(privateRanges, func(p netip.Prefix) bool {
		return p.Bits() <= subnet.Bits() && p.Contains(subnet.Addr())
	})
}

// reservedSecret begins the names that the store refuses, see internal/secret.CheckName.
const reservedSecret = "_label_key"

func (d *decoder) checkSecrets() {
	seen := once{d: d, what: "secret"}
	for _, secret := range d.stack.Secrets {
		seen.note(secret.Name, secret.NameRange)
		if !secretName.MatchString(secret.Name) {
			d.diags.add(secret.NameRange, "Bad secret name", "A secret's name is that of an environment variable: letters, digits and _, not beginning with a digit, such as \"POSTGRES_PASSWORD\".")
		} else if strings.HasPrefix(secret.Name, reservedSecret) {
			d.diags.add(secret.NameRange, "Reserved secret name", "minibot keeps a key of its own under such a name. Choose another.")
		} else if !d.used[secret.Name] {
			d.diags.advise(secret.NameRange, "Secret not used", fmt.Sprintf("No service uses secret.%s. Take the block out, or use secret.%s.file.", secret.Name, secret.Name))
		}
	}
}

func (d *decoder) checkRest() {
	s := d.stack
	if s.Store != nil {
		d.checkStore(s.Store)
	}
	if s.Host != nil {
		d.checkHost(s.Host)
	}
	d.checkRemotes()
	for _, accept := range s.Accepts {
		if strings.TrimSpace(accept.Reason) == "" {
			d.diags.add(accept.ReasonRange, "Waiver without a reason", "Say why this finding is accepted; the reason is shown in every report.")
		}
		if _, err := time.Parse(time.DateOnly, accept.Until); err != nil {
			d.diags.add(accept.UntilRange, "Bad date", fmt.Sprintf("%q is no day. Write the last day on which this holds as year, month and day, such as until = \"2027-01-31\".", accept.Until))
		}
		if s.Service(accept.Service) == nil && !d.incomplete[""] {
			d.diags.add(accept.ServiceRange, "Unknown service", d.unknownService(accept.Service))
		}
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
	if near := Nearest(name, names); near != "" {
		return fmt.Sprintf("There is no service %q. Did you mean %q?", name, near)
	}
	return fmt.Sprintf("There is no service %q. The services are: %s.", name, strings.Join(names, ", "))
}

func oneOf(got string, words []string) string {
	if near := Nearest(got, words); near != "" {
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

// note remembers a name, and says whether it is new.
func (o *once) note(name string, at Range) bool {
	if first, twice := o.seen[name]; twice {
		o.d.diags.add(at, "Duplicate "+o.what, fmt.Sprintf("%s %q is also in line %d. Rename or remove one.", o.what, name, first.Start.Line))
		return false
	}
	if o.seen == nil {
		o.seen = map[string]Range{}
	}
	o.seen[name] = at
	return true
}

// checkStore makes sure that the store exec, and no other, has a command that names the secret.
func (d *decoder) checkStore(s *Store) {
	named := slices.ContainsFunc(s.Command[min(1, len(s.Command)):], func(word string) bool { return strings.Contains(word, "{name}") })
	switch {
	case !slices.Contains(storeKinds, s.Kind):
		d.diags.add(s.Range, "Unknown secret store", oneOf(s.Kind, storeKinds))
	case s.Kind != "exec" && !s.CommandRange.Empty():
		d.diags.add(s.CommandRange, "Command of no use", fmt.Sprintf("The store %q runs no command. Take it out, or write store = \"exec\".", s.Kind))
	case s.Kind == "exec" && s.CommandRange.Empty():
		d.diags.add(s.Range, "Store without a command", "Write the program that prints a secret, such as command = [\"pass\", \"show\", \"minibot/{name}\"].")
	case s.Kind == "exec" && !named:
		d.diags.add(s.CommandRange, "Command without {name}", "Every secret would get the same value. Write {name} where the secret's name belongs, such as [\"pass\", \"show\", \"minibot/{name}\"].")
	}
}
