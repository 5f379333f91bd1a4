package verify

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/internal/plan"
)

var networkChecks = []Check{
	{
		ID: "net.network.exists", Severity: High, Must: true, CIS: "5.30",
		Claim:   "Every network of the spec is there and is this stack's.",
		Why:     "Without it the services cannot find each other, and a network of somebody else's brings their containers along.",
		How:     "The engine is asked for the network; its label says whose it is.",
		Applies: "every network of the spec", Attribute: "network",
		Remedy: "Run minibot apply.",
		needs:  theEngine, run: networkExists,
	},
	{
		ID: "net.network.membership", Severity: High, Must: true, CIS: "5.30",
		Claim:   "Every service is on the networks of the spec and on no other.",
		Why:     "Each further network is a further set of neighbours who reach every port of the container, published or not.",
		How:     "The networks that the engine has attached to the container are compared with those of the spec.",
		Applies: "every service", Attribute: "networks",
		Remedy: "Run minibot apply: it attaches and detaches without a restart.",
		needs:  theEngine, run: membership,
	},
	{
		ID: "net.network.options", Severity: High, Must: true,
		Claim:   "Every network has the driver and the options of the file, and none that open it.",
		Why:     "Some options of a bridge open its containers to the LAN whatever their ports say: gateway modes, trusted interfaces, another driver.",
		How:     "Driver, scope and options of the live network are compared with the file, the harmless ones too.",
		Applies: "every network of the spec", Attribute: "network",
		Remedy: "Run minibot destroy (volumes stay), then minibot apply: a network cannot be changed in place.",
		needs:  theEngine, run: networkOptions,
	},
	{
		ID: "net.network.default-bind", Severity: Low, CIS: "5.14",
		Claim:   "Every network publishes on loopback what names no address.",
		Why:     "A port that is published by hand and in a hurry (-p 6379:6379) is then open to nobody else.",
		How:     "The option host_binding_ipv4 of the live network.",
		Applies: "every network of the spec", Attribute: "network",
		Remedy: "Run minibot destroy (volumes stay), then minibot apply: a network cannot be changed in place.",
		needs:  theEngine, run: defaultBind,
	},
	{
		ID: "net.mode.host", Severity: Critical, Must: true, CIS: "5.10",
		Claim:   "No container is on the host's own network or shares another container's.",
		Why:     "In the host's network a container listens on the machine's own addresses, and one that shares a database's network is taken for 127.0.0.1 by it, which often needs no password.",
		How:     "The network mode of the stack's containers, and of all others that share one with them.",
		Applies: "every container of the engine",
		Remedy:  "Run minibot apply: it makes the container anew on the networks of the spec.",
		needs:   theEngine, run: networkMode,
	},
}

// wantedNetworks lists the networks of the file in the order of the spec.
func (s Subject) wantedNetworks() []types.NetworkConfig {
	var wanted []types.NetworkConfig
	for _, network := range s.Stack.Networks {
		wanted = append(wanted, s.Project.Networks[network.Name])
	}
	return wanted
}

func networkExists(_ context.Context, s Subject) []Result {
	var results []Result
	for _, want := range s.wantedNetworks() {
		have, there := s.Live.Networks[want.Name]
		result := pass("driver %s, scope %s", have.Driver, have.Scope)
		switch owner := have.Labels[plan.LabelProject]; {
		case !there:
			result = fail("there is no network %s", want.Name)
		case owner != s.Project.Name:
			result = fail("the network %s is there and is not this stack's%s", want.Name, prefixed(", but of the project ", owner)).
				remedy("Choose another name in the spec, or remove it: docker network rm %s.", want.Name)
		}
		results = append(results, result.on(want.Name))
	}
	return results
}

func membership(_ context.Context, s Subject) []Result {
	return s.eachContainer(func(p pair) Result {
		var want []string
		for key := range p.want.Networks {
			want = append(want, s.Project.Networks[key].Name)
		}
		slices.Sort(want)
		have := slices.Sorted(maps.Keys(p.have.Actual.Networks))
		var wrong []string
		for _, name := range want {
			if !slices.Contains(have, name) {
				wrong = append(wrong, "is not on "+name)
			}
		}
		for _, name := range have {
			if !slices.Contains(want, name) {
				wrong = append(wrong, "is on "+name+", which the spec does not say")
			}
		}
		if len(wrong) > 0 {
			return fail("%s %s", p.have.Name, strings.Join(wrong, ", and "))
		}
		return pass("on %s", strings.Join(have, ", "))
	})
}

// bridgeOption begins the names of the bridge driver's options; results leave it out.
const bridgeOption = "com.docker.network.bridge."

// opens says how an option of a bridge lets others in; "" if it does not. From
// facts/network-security.md §1.2: tried on engines 20.10 to 29.
func opens(option, value string) string {
	switch {
	case strings.HasPrefix(option, "gateway_mode_") && value == "nat-unprotected":
		return "neighbours on the LAN reach every port of its containers"
	case strings.HasPrefix(option, "gateway_mode_") && value == "routed":
		return "neighbours on the LAN reach the ports of its containers by their own addresses"
	case option == "trusted_host_interfaces":
		return "neighbours on " + value + " reach ports that are published on 127.0.0.1"
	}
	return ""
}

func networkOptions(_ context.Context, s Subject) []Result {
	var results []Result
	for _, want := range s.wantedNetworks() {
		have, there := s.Live.Networks[want.Name]
		wrong, severity := differences(want, have)
		result := pass("as in the file")
		switch {
		case !there:
			result = skip("there is no such network")
		case len(wrong) > 0:
			result = fail("%s", strings.Join(wrong, "; ")).as(severity)
		}
		results = append(results, result.on(want.Name))
	}
	return results
}

// differences says what a network is, against its definition, and how bad that is: an
// option that nobody asked for and that opens nothing is less so.
func differences(want types.NetworkConfig, have plan.Network) (wrong []string, severity Severity) {
	severity = Medium
	add := func(bad bool, format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf(format, args...))
		if bad {
			severity = High
		}
	}
	if have.Driver != want.Driver {
		add(true, "the driver is %s, not %s", have.Driver, want.Driver)
	}
	if have.Scope != "" && have.Scope != "local" {
		add(true, "the scope is %s, not local", have.Scope)
	}
	if have.Internal != want.Internal {
		add(true, "internal is %t, not %t", have.Internal, want.Internal)
	}
	options := maps.Clone(have.Options)
	if options == nil {
		options = map[string]string{}
	}
	for name := range want.DriverOpts {
		options[name] = have.Options[name] // "" where it is not set
	}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		value, wanted := options[name], want.DriverOpts[name]
		option := strings.TrimPrefix(name, bridgeOption)
		switch harm := opens(option, value); {
		case value == wanted:
		case harm != "":
			add(true, "%s is %s: %s", option, value, harm)
		case value == "":
			add(true, "%s is not set, and the file says %s", option, wanted)
		case wanted != "":
			add(true, "%s is %s, and the file says %s", option, value, wanted)
		default:
			add(false, "%s is %s, and the file does not say so", option, value)
		}
	}
	return wrong, severity
}

func defaultBind(_ context.Context, s Subject) []Result {
	var results []Result
	for _, want := range s.wantedNetworks() {
		have, there := s.Live.Networks[want.Name]
		value := have.Options[bridgeOption+"host_binding_ipv4"]
		address, err := netip.ParseAddr(value)
		result := pass("on %s", value)
		switch {
		case !there:
			result = skip("there is no such network")
		case have.Driver != "bridge":
			result = skip("a network of the driver %s publishes nothing", have.Driver)
		case value == "":
			result = fail("what names no address is published on all of them")
		case err != nil || !address.IsLoopback():
			result = fail("what names no address is published on %s", value)
		}
		results = append(results, result.on(want.Name))
	}
	return results
}

func networkMode(_ context.Context, s Subject) []Result {
	mode := func(c plan.Container) (host bool, shared string) {
		kind, of, _ := strings.Cut(c.Actual.NetworkMode, ":")
		if kind == "container" {
			shared = s.nameOf(of)
		}
		return kind == "host", shared
	}
	own := map[string]bool{}
	results := s.eachContainer(func(p pair) Result {
		own[p.have.Name] = true
		host, shared := mode(*p.have)
		switch {
		case host:
			return fail("%s is on the host's own network: whatever it listens on is open to everyone", p.have.Name)
		case shared != "":
			return fail("%s shares the network of %s: each takes the other for 127.0.0.1", p.have.Name, shared)
		}
		return pass("on a network of its own")
	})
	for _, other := range s.others() {
		host, shared := mode(other)
		switch {
		case host:
			results = append(results, fail("%s is on the host's own network: whatever it listens on is open to everyone", other.Name).on(other.Name).
				remedy("Remove it (docker rm -f %s), or start it on a bridge network.", other.Name))
		case own[shared]:
			results = append(results, fail("%s shares the network of %s, which takes it for 127.0.0.1", other.Name, shared).on(other.Name).
				remedy("Remove it: docker rm -f %s", other.Name))
		}
	}
	return results
}

// nameOf is the name of a container that another one names by its ID.
func (s Subject) nameOf(id string) string {
	for _, c := range s.Live.Containers {
		if c.ID == id {
			return c.Name
		}
	}
	return short(id)
}
