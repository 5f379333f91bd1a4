package host

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// sshValued are the options of ssh that take a value, from its manual.
const sshValued = "BbcDEeFIiJLlmOopQRSWwP"

// sshForwards says how an ssh client opens one of the ports to others: on the machine it is connected to (-R), or on this
// one's network (-L or -D with an address of it, or with -g). "" if it does not.
func sshForwards(args []string, ports []uint16) string {
	gateway := false
	type forward struct{ kind, spec string }
	var forwards []forward
options:
	for i := 1; i < len(args); i++ {
		arg := args[i]
		if len(arg) < 2 || arg[0] != '-' || arg == "--" {
			break // the destination, and then a command
		}
		for j := 1; j < len(arg); j++ {
			letter := arg[j : j+1]
			gateway = gateway || letter == "g"
			if !strings.Contains(sshValued, letter) {
				continue
			}
			value := arg[j+1:]
			if value == "" {
				if i++; i >= len(args) {
					break options
				}
				value = args[i]
			}
			if letter == "o" {
				name, rest, _ := strings.Cut(strings.Replace(value, "=", " ", 1), " ")
				letter = map[string]string{"remoteforward": "R", "localforward": "L", "dynamicforward": "D"}[strings.ToLower(name)]
				value = strings.Join(strings.Fields(rest), ":")
			}
			if slices.Contains([]string{"R", "L", "D"}, letter) {
				forwards = append(forwards, forward{letter, value})
			}
			break
		}
	}
	for _, f := range forwards {
		if what := sshForward(f.kind, f.spec, gateway, ports); what != "" {
			return what
		}
	}
	return ""
}

// sshForward reads `[address:]port:host:port`, or `[address:]port` for a proxy to everywhere.
func sshForward(kind, spec string, gateway bool, ports []uint16) string {
	fields := splitForward(spec)
	address, target := "", ""
	toAll := len(fields) <= 2
	switch len(fields) {
	case 2, 4:
		address = fields[0]
	}
	if !toAll {
		target = fields[len(fields)-1]
	}
	listens := fields[len(fields)-1]
	if !toAll {
		listens = fields[len(fields)-3]
	}
	among := func(text string) bool {
		port, err := strconv.ParseUint(text, 10, 16)
		return err == nil && slices.Contains(ports, uint16(port))
	}
	switch {
	case kind == "R" && toAll:
		return "lets another machine into this one's network (-R)"
	case kind == "R" && among(target):
		return fmt.Sprintf("opens port %s on another machine (-R)", target)
	case kind != "R" && (gateway && address == "" || open(address)) && (among(target) || among(listens)):
		return fmt.Sprintf("opens port %s to the network (-%s)", listens, kind)
	}
	return ""
}

// open tells whether a listener at an address, as ssh reads it, is for others. Empty is for this machine alone.
func open(address string) bool {
	if address == "" || address == "localhost" {
		return false
	}
	addr, err := netip.ParseAddr(address)
	return err != nil || !addr.IsLoopback()
}

// splitForward splits at colons, but for those of an address in brackets. A slash separates, too.
func splitForward(spec string) []string {
	var fields []string
	rest := strings.ReplaceAll(spec, "/", ":")
	for {
		var field string
		if inner, ok := strings.CutPrefix(rest, "["); ok {
			field, rest, _ = strings.Cut(inner, "]")
			rest = strings.TrimPrefix(rest, ":")
		} else {
			field, rest, _ = strings.Cut(rest, ":")
		}
		fields = append(fields, field)
		if rest == "" {
			return fields
		}
	}
}
