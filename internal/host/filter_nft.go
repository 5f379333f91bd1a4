package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// ParseNFT reads the output of `nft -j list ruleset`: tables that programs other than iptables made. Those of iptables are in it
// too, with conditions that nft does not know and that therefore close nothing here.
func ParseNFT(out []byte) (Filter, error) {
	var ruleset struct {
		Objects []struct {
			Chain *nftChain `json:"chain"`
			Rule  *nftRule  `json:"rule"`
			Set   *nftSet   `json:"set"`
			Map   *nftSet   `json:"map"`
		} `json:"nftables"`
	}
	if err := json.Unmarshal(out, &ruleset); err != nil {
		return Filter{}, fmt.Errorf("packet filter: nft: %w", err)
	}
	if ruleset.Objects == nil {
		return Filter{}, errors.New("packet filter: nft: no list of rules")
	}
	n := nft{tables: map[nftTable]*table{}, sets: map[string][]json.RawMessage{}}
	for _, object := range ruleset.Objects { // chains and sets may follow the rules that name them
		if c := object.Chain; c != nil {
			n.declare(c)
		}
		if s := object.Set; s != nil {
			n.sets[s.key("@"+s.Name)] = s.Elements
		}
	}
	for _, object := range ruleset.Objects {
		if r := object.Rule; r != nil {
			if err := n.append(r); err != nil {
				return Filter{}, fmt.Errorf("packet filter: nft: %w", err)
			}
		}
	}
	var f Filter
	for _, key := range n.order {
		f.tables = append(f.tables, *n.tables[key])
	}
	return f, nil
}

// nft is what has been read so far.
type nft struct {
	tables map[nftTable]*table
	order  []nftTable
	sets   map[string][]json.RawMessage // elements, by family, table and @name
}

type nftTable struct{ Family, Table string }

type nftChain struct {
	nftTable
	Name, Hook, Policy string
	Prio               int
}

type nftSet struct {
	nftTable
	Name     string
	Elements []json.RawMessage `json:"elem"`
}

type nftRule struct {
	nftTable
	Chain      string
	Statements []nftStatement `json:"expr"`
}

func (t nftTable) key(name string) string { return t.Family + " " + t.Table + " " + name }

// dstnat is the priority at which destinations are translated.
const dstnat = -100

func (n *nft) declare(c *nftChain) {
	t := n.tables[c.nftTable]
	if t == nil {
		t = &table{v4: c.Family != "ip6", v6: c.Family != "ip", chains: map[string][]rule{}}
		if c.Family != "ip" && c.Family != "ip6" && c.Family != "inet" { // bridge, netdev, arp
			t.v4, t.v6 = false, false
		}
		n.tables[c.nftTable] = t
		n.order = append(n.order, c.nftTable)
	}
	t.chains[c.Name] = nil
	switch {
	case c.Hook == "prerouting" && c.Prio < dstnat:
		t.bases = append(t.bases, base{c.Name, onArrival, c.Policy == "drop"})
	case c.Hook == "input":
		t.bases = append(t.bases, base{c.Name, forUs, c.Policy == "drop"})
	case c.Hook == "forward":
		t.bases = append(t.bases, base{c.Name, onTheWayIn, c.Policy == "drop"})
	}
}

func (n *nft) append(r *nftRule) error {
	t := n.tables[r.nftTable]
	if t == nil {
		return fmt.Errorf("a rule of an unknown table: %s %s", r.Family, r.Table)
	}
	if _, declared := t.chains[r.Chain]; !declared {
		return fmt.Errorf("a rule of an unknown chain: %s", r.Chain)
	}
	var conditions []condition // of all statements that follow
	add := func(decided rule, more ...condition) {
		decided.conditions = slices.Concat(conditions, more)
		t.chains[r.Chain] = append(t.chains[r.Chain], decided)
	}
	for _, statement := range r.Statements {
		switch {
		case statement["match"] != nil:
			conditions = append(conditions, n.match(r.nftTable, statement["match"])...)
		case statement["vmap"] != nil:
			for key, chosen := range n.vmap(r.nftTable, statement["vmap"]) {
				add(decide(chosen), key...)
			}
		case isMatch(statement["xt"]):
			conditions = append(conditions, perhaps)
		default:
			add(decide(statement))
		}
	}
	return nil
}

// nftStatement is a word and what belongs to it, such as {"jump": {"target": "more"}}.
type nftStatement map[string]json.RawMessage

// isMatch tells whether a statement of iptables' extensions is a condition.
func isMatch(xt json.RawMessage) bool {
	var extension struct{ Type string }
	return json.Unmarshal(xt, &extension) == nil && extension.Type == "match"
}

// nftVerdicts are the statements that decide something, or certainly do not; others are unknown.
var nftVerdicts = map[string]verdict{
	"drop": drop, "reject": drop, "accept": accept, "return": back, "jump": jump, "goto": leap, "notrack": untrack,
	"continue": goOn, "counter": goOn, "log": goOn, "set": goOn,
}

// decide reads a statement that is no condition.
func decide(statement nftStatement) rule {
	for word, detail := range statement {
		decided, ok := nftVerdicts[word]
		if !ok {
			break
		}
		var to struct{ Target string }
		_ = json.Unmarshal(detail, &to) // without a chain, or with an unknown one, a jump lets all pass
		return rule{verdict: decided, chain: to.Target}
	}
	return rule{verdict: unknown}
}

// match reads one condition, and what else it asks of a packet without saying so.
func (n *nft) match(of nftTable, detail json.RawMessage) []condition {
	var m struct {
		Op          string
		Left, Right json.RawMessage
	}
	if json.Unmarshal(detail, &m) != nil || !slices.Contains([]string{"==", "!=", "in"}, m.Op) {
		return []condition{perhaps}
	}
	implied, met := compare(m.Left, n.elements(of, m.Right))
	if m.Op == "!=" {
		met = not(met)
	}
	return append(implied, met)
}

// vmap reads a map from values to verdicts as pairs. One that has a name may do anything.
func (n *nft) vmap(of nftTable, detail json.RawMessage) iter.Seq2[[]condition, nftStatement] {
	var m struct {
		Key  json.RawMessage
		Data struct{ Set [][2]json.RawMessage }
	}
	failed := json.Unmarshal(detail, &m) != nil || m.Data.Set == nil
	return func(yield func([]condition, nftStatement) bool) {
		if failed {
			yield([]condition{perhaps}, nil)
			return
		}
		for _, pair := range m.Data.Set {
			var chosen nftStatement
			_ = json.Unmarshal(pair[1], &chosen) // what is no statement may do anything, too
			implied, met := compare(m.Key, n.elements(of, pair[0]))
			if !yield(append(implied, met), chosen) {
				return
			}
		}
	}
}

// elements lists what a value stands for: one, a list, or a set, with or without a name. Nil if it is not known.
func (n *nft) elements(of nftTable, value json.RawMessage) []json.RawMessage {
	var set struct{ Set []json.RawMessage }
	var list []json.RawMessage
	var name string
	switch {
	case json.Unmarshal(value, &list) == nil:
		return list
	case json.Unmarshal(value, &set) == nil && set.Set != nil:
		return set.Set
	case json.Unmarshal(value, &name) == nil && strings.HasPrefix(name, "@"):
		return n.sets[of.key(name)]
	}
	return []json.RawMessage{value}
}
