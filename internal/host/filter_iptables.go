package host

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ParseIPTables reads the output of iptables-save or, with v6, of ip6tables-save. A line that it cannot read is an
// error; a rule whose conditions it does not know is one that some packets may meet. The table nat is left out: it
// translates, and drops nothing.
func ParseIPTables(save []byte, v6 bool) (Filter, error) {
	var f Filter
	var current *table
	var name string
	for lines := bufio.NewScanner(bytes.NewReader(save)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		var err error
		switch {
		case line == "", line[0] == '#':
		case line[0] == '*':
			name = line[1:]
			current = &table{v4: !v6, v6: v6, chains: map[string][]rule{}}
		case current == nil:
			err = fmt.Errorf("not a table of rules: %.80q", line)
		case line == "COMMIT":
			if name != "nat" {
				f.tables = append(f.tables, *current)
			}
			current = nil
		case line[0] == ':':
			err = current.declare(name, line[1:])
		default:
			err = current.append(line)
		}
		if err != nil {
			return Filter{}, fmt.Errorf("packet filter: %w", err)
		}
	}
	if current != nil {
		return Filter{}, fmt.Errorf("packet filter: the table %s is cut short", name)
	}
	return f, nil
}

// declare reads `FORWARD DROP [0:0]`, or `DOCKER - [0:0]` for a chain that is none of the kernel's.
func (t *table) declare(name, text string) error {
	fields := strings.Fields(text)
	if len(fields) < 2 {
		return fmt.Errorf("not a chain: %.80q", text)
	}
	chain, policy := fields[0], fields[1]
	t.chains[chain] = nil
	when := map[string]stage{"PREROUTING": onArrival, "FORWARD": onTheWayIn, "INPUT": forUs}[chain]
	if policy != "-" && when != 0 {
		t.bases = append(t.bases, base{chain: chain, stage: when, drops: policy == "DROP"})
	}
	return nil
}

// append reads `-A CHAIN conditions -j TARGET options`, with counters before it or without.
func (t *table) append(line string) error {
	words, err := splitRule(line)
	if err != nil {
		return err
	}
	if len(words) > 0 && strings.HasPrefix(words[0].text, "[") {
		words = words[1:]
	}
	if len(words) < 2 || words[0].text != "-A" {
		return fmt.Errorf("not a rule: %.80q", line)
	}
	r, err := t.rule(words[2:])
	if err != nil {
		return fmt.Errorf("%w in %.120q", err, line)
	}
	chain := words[1].text
	if _, declared := t.chains[chain]; !declared {
		return fmt.Errorf("a rule of an unknown chain: %.80q", line)
	}
	t.chains[chain] = append(t.chains[chain], r)
	return nil
}

// word is one word of a rule. One in quotes is never an option.
type word struct {
	text   string
	quoted bool
}

func (w word) option() bool { return !w.quoted && (strings.HasPrefix(w.text, "-") || w.text == "!") }

// splitRule reads words as iptables-save writes them: in double quotes where they need it, \ before " and \.
func splitRule(line string) ([]word, error) {
	var words []word
	for rest := strings.TrimLeft(line, " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		if rest[0] != '"' {
			text, after, _ := strings.Cut(rest, " ")
			words, rest = append(words, word{text: text}), after
			continue
		}
		var text strings.Builder
		i := 1
		for ; i < len(rest) && rest[i] != '"'; i++ {
			if rest[i] == '\\' {
				i++
			}
			if i < len(rest) {
				text.WriteByte(rest[i])
			}
		}
		if i >= len(rest) {
			return nil, fmt.Errorf("no end of a quoted text: %.80q", line)
		}
		words, rest = append(words, word{text.String(), true}), rest[i+1:]
	}
	return words, nil
}

// targets are what a rule does, by its target; another name that is no chain is unknown.
var targets = map[string]verdict{
	"DROP": drop, "REJECT": drop, "ACCEPT": accept, "RETURN": back, "CT": untrack, "NOTRACK": untrack,
	"LOG": goOn, "NFLOG": goOn, "ULOG": goOn, "MARK": goOn, "CONNMARK": goOn, "TRACE": goOn, "TCPMSS": goOn, "CLASSIFY": goOn,
	"DSCP": goOn, "TOS": goOn, "TTL": goOn, "HL": goOn, "SET": goOn, "AUDIT": goOn, "CHECKSUM": goOn, "SECMARK": goOn, "CONNSECMARK": goOn,
}

// rule reads the conditions and the target of one rule.
func (t *table) rule(words []word) (rule, error) {
	var r rule
	inverted := false
	for len(words) > 0 {
		option := words[0].text
		words = words[1:]
		if option == "!" {
			inverted = true
			continue
		}
		if option == "-j" || option == "-g" {
			if len(words) == 0 {
				return rule{}, fmt.Errorf("%s without a target", option)
			}
			r.verdict, r.chain = t.target(option, words[0].text)
			return r, nil // what follows are the target's options
		}
		end := slices.IndexFunc(words, word.option)
		if end < 0 {
			end = len(words)
		}
		value := ""
		if end > 0 {
			value = words[0].text
		}
		met, err := iptablesCondition(option, value, inverted)
		if err != nil {
			return rule{}, err
		}
		if met != nil {
			r.conditions = append(r.conditions, met)
		}
		words, inverted = words[end:], false
	}
	return r, nil
}

func (t *table) target(option, name string) (verdict, string) {
	if _, chain := t.chains[name]; chain {
		return map[string]verdict{"-j": jump, "-g": leap}[option], name
	}
	if known, ok := targets[name]; ok {
		return known, ""
	}
	return unknown, ""
}

// bareModules are matches that say nothing without an option.
var bareModules = []string{"tcp", "udp", "icmp", "icmp6", "comment", "conntrack", "state", "multiport", "addrtype", "physdev", "iprange", "mark", "set", "limit", "mac"}

// iptablesCondition is what one option with its value asks of a packet; nil if nothing.
func iptablesCondition(option, value string, inverted bool) (condition, error) {
	var met condition
	switch option {
	case "-i":
		met = cameBy(value)
	case "-o":
		met = goesBy(value)
	case "-d", "-s":
		prefix, err := netip.ParsePrefix(value)
		if err != nil {
			return nil, err
		}
		met = map[string]condition{"-d": to(prefix.Masked()), "-s": from(prefix.Masked())}[option]
	case "-p":
		met = speaks(value)
	case "--dport", "--dports":
		ranges, err := portRanges(value)
		if err != nil {
			return nil, err
		}
		met = toPort(ranges...)
	case "--ctstate", "--state":
		met = inState(strings.Split(value, ",")...)
	case "--comment":
		return nil, nil
	case "-m":
		if slices.Contains(bareModules, value) {
			return nil, nil
		}
		met = perhaps
	default:
		met = perhaps
	}
	if inverted {
		met = not(met)
	}
	return met, nil
}

// portRanges reads `80,90:100`.
func portRanges(text string) ([]ports, error) {
	var ranges []ports
	for one := range strings.SplitSeq(text, ",") {
		first, last, ranged := strings.Cut(one, ":")
		if !ranged {
			last = first
		}
		from, err := strconv.ParseUint(first, 10, 16)
		to, err2 := strconv.ParseUint(last, 10, 16)
		if err != nil || err2 != nil {
			return nil, fmt.Errorf("not a port: %.40q", one)
		}
		ranges = append(ranges, ports{uint16(from), uint16(to)})
	}
	return ranges, nil
}
