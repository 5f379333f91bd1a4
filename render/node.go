package render

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"minibot/spec"
)

// object is a YAML mapping that keeps the order in which keys are set.
type object struct{ node *yaml.Node }

func newObject() object { return object{&yaml.Node{Kind: yaml.MappingNode}} }

// set adds a key; a nil value leaves the key out, and a second set of a key changes nothing.
func (o object) set(key string, value *yaml.Node) {
	if value == nil {
		return
	}
	for i := 0; i < len(o.node.Content); i += 2 {
		if o.node.Content[i].Value == key {
			return
		}
	}
	name := scalar(key)
	o.node.Content = append(o.node.Content, name, value)
}

// orNil is the mapping, or nil if it is empty.
func (o object) orNil() *yaml.Node {
	if len(o.node.Content) == 0 {
		return nil
	}
	return o.node
}

// plain matches text that YAML 1.1 and 1.2 both read as a string without quotes.
var plain = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./@-]*(:[A-Za-z0-9_./-]+)*$|^([0-9]+(ms|s|m|h))+$|^[0-9]+[BKMG]$`)

// keywords are plain words that YAML 1.1 reads as something else.
var keywords = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null|none)$`)

// scalar is a string as it is.
func scalar(s string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch {
	case blockable(s):
		node.Style = yaml.LiteralStyle
	case !plain.MatchString(s) || keywords.MatchString(s):
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

// blockable reports whether a text of several lines can stand as a literal block.
func blockable(s string) bool {
	if !strings.Contains(strings.TrimSuffix(s, "\n"), "\n") || strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if strings.TrimRight(line, " ") != line || strings.ContainsFunc(line, func(r rune) bool { return !strconv.IsPrint(r) }) {
			return false
		}
	}
	return true
}

// text writes a Text in compose's syntax: secrets as ${NAME:?…}, every other $ doubled.
func text(t spec.Text) *yaml.Node {
	var out strings.Builder
	for _, part := range t.Parts() {
		if part.Secret != "" {
			out.WriteString("${" + part.Secret + ":?is a secret of this stack}")
			continue
		}
		out.WriteString(strings.ReplaceAll(part.Literal, "$", "$$"))
	}
	return scalar(out.String())
}

// literal is a string without secrets.
func literal(s string) *yaml.Node { return text(spec.Text(s)) }

// optional is nil for the empty string.
func optional(s string) *yaml.Node {
	if s == "" {
		return nil
	}
	return literal(s)
}

func number(n int64) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(n, 10)}
}

func decimal(f float64) *yaml.Node {
	value := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(value, ".") {
		value += ".0"
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: value}
}

func boolean(b bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(b)}
}

// yes is true, or nil.
func yes(b bool) *yaml.Node {
	if !b {
		return nil
	}
	return boolean(true)
}

// list is a sequence, one item a line; nil if there is none.
func list(items ...*yaml.Node) *yaml.Node {
	if len(items) == 0 {
		return nil
	}
	return &yaml.Node{Kind: yaml.SequenceNode, Content: items}
}

// literals is a list of strings.
func literals(items []string) *yaml.Node {
	nodes := make([]*yaml.Node, len(items))
	for i, item := range items {
		nodes[i] = literal(item)
	}
	return list(nodes...)
}

// argv is a command on one line, which may be empty: that clears the image's own. Nil
// leaves it out.
func argv(words []spec.Text) *yaml.Node {
	if words == nil {
		return nil
	}
	node := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, word := range words {
		item := text(word)
		item.Style = yaml.DoubleQuotedStyle
		node.Content = append(node.Content, item)
	}
	return node
}

// texts is a mapping with sorted keys; nil if it is empty.
func texts(values map[string]spec.Text) *yaml.Node {
	o := newObject()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		o.set(key, text(values[key]))
	}
	return o.orNil()
}
