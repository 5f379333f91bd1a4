package host

import (
	"encoding/json"
	"net/netip"
	"slices"
)

// compare is the condition that what the left side names of a packet is among the values, and what it takes for
// granted: that the packet has such a thing at all. An unequal address of IPv6 is none of a packet of IPv4.
func compare(left json.RawMessage, values []json.RawMessage) (implied []condition, met condition) {
	var l struct {
		Meta    struct{ Key string }
		CT      struct{ Key string }
		Payload struct{ Protocol, Field string }
	}
	if json.Unmarshal(left, &l) != nil || values == nil {
		return nil, perhaps
	}
	switch l.Payload.Protocol {
	case "":
	case "ip", "ip6":
		implied = append(implied, ofFamily(map[string]string{"ip": "ipv4", "ip6": "ipv6"}[l.Payload.Protocol]))
	case "th":
		implied = append(implied, speaks("tcp", "udp"))
	default:
		implied = append(implied, speaks(l.Payload.Protocol))
	}
	switch l.Payload.Field {
	case "daddr":
		return implied, ofPrefixes(values, to)
	case "saddr":
		return implied, ofPrefixes(values, from)
	case "dport":
		return implied, ofPorts(values)
	case "protocol":
		return implied, ofTexts(values, speaks)
	}
	switch {
	case l.Meta.Key == "iifname", l.Meta.Key == "iif":
		return nil, ofTexts(values, cameBy)
	case l.Meta.Key == "oifname", l.Meta.Key == "oif":
		return nil, ofTexts(values, goesBy)
	case l.Meta.Key == "l4proto":
		return nil, ofTexts(values, speaks)
	case l.Meta.Key == "nfproto":
		return nil, ofTexts(values, ofFamily)
	case l.CT.Key == "state":
		return nil, ofTexts(values, inState)
	}
	return implied, perhaps
}

// ofFamily is met by packets of one of the families, ipv4 or ipv6.
func ofFamily(names ...string) condition {
	return func(p packet) answer {
		return known(slices.Contains(names, map[bool]string{true: "ipv4", false: "ipv6"}[p.to.Addr().Is4()]))
	}
}

// ofTexts makes a condition of values that are names.
func ofTexts(values []json.RawMessage, make func(...string) condition) condition {
	var names []string
	for _, value := range values {
		var name string
		if json.Unmarshal(value, &name) != nil {
			return perhaps
		}
		names = append(names, name)
	}
	return make(names...)
}

// ofPrefixes makes a condition of values that are addresses or prefixes. A range of addresses is not known.
func ofPrefixes(values []json.RawMessage, make func(...netip.Prefix) condition) condition {
	var prefixes []netip.Prefix
	for _, value := range values {
		var one netip.Addr
		var many struct {
			Prefix struct {
				Addr netip.Addr
				Len  int
			}
		}
		prefix := netip.Prefix{}
		if json.Unmarshal(value, &one) == nil {
			prefix = netip.PrefixFrom(one, one.BitLen())
		} else if json.Unmarshal(value, &many) == nil {
			prefix, _ = many.Prefix.Addr.Prefix(many.Prefix.Len)
		}
		if !prefix.IsValid() {
			return perhaps
		}
		prefixes = append(prefixes, prefix)
	}
	return make(prefixes...)
}

// ofPorts makes a condition of values that are port numbers or ranges of them.
func ofPorts(values []json.RawMessage) condition {
	var ranges []ports
	for _, value := range values {
		var one uint16
		var many struct{ Range []uint16 }
		switch {
		case json.Unmarshal(value, &one) == nil:
			ranges = append(ranges, ports{one, one})
		case json.Unmarshal(value, &many) == nil && len(many.Range) == 2:
			ranges = append(ranges, ports{many.Range[0], many.Range[1]})
		default:
			return perhaps
		}
	}
	return toPort(ranges...)
}
