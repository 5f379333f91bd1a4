package render

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// encode writes the file byte for byte as yaml.v3's encoder would (TestEncode), in a twentieth
// of its memory: that encoder keeps each event of the whole file, which for a hundred services
// was a quarter of what a plan allocates.
func encode(root *yaml.Node) ([]byte, error) {
	e := &encoder{}
	for line := range strings.SplitSeq(root.HeadComment, "\n") {
		e.out.WriteString("# " + line + "\n")
	}
	e.mapping(root, 0, "")
	if e.err != nil {
		return nil, fmt.Errorf("render: %w", e.err)
	}
	return paragraphs.ReplaceAll(e.out.Bytes(), []byte("\n\n$1")), nil
}

// paragraphs matches the end of a line before a section or a service; they get a blank
// line between them.
var paragraphs = regexp.MustCompile(`\n((?:services|networks|volumes|secrets|configs):\n(?:  \S+:\n)?|  \S+:\n    image:)`)

// encoder knows the nodes that this package makes, and no others.
type encoder struct {
	out bytes.Buffer
	err error
}

// mapping writes a key a line. First stands before the first key, in the place of its
// indentation: "- " of a list.
func (e *encoder) mapping(node *yaml.Node, indent int, first string) {
	for i := 0; i < len(node.Content); i += 2 {
		if i > 0 || first == "" {
			e.indent(indent)
		}
		e.scalar(node.Content[i], indent)
		e.out.WriteByte(':')
		e.value(node.Content[i+1], indent)
	}
}

// value writes what follows a key, and ends the line.
func (e *encoder) value(node *yaml.Node, indent int) {
	switch {
	case node.Kind == yaml.ScalarNode:
		e.out.WriteByte(' ')
		e.scalar(node, indent+2)
	case node.Kind == yaml.MappingNode && len(node.Content) == 0:
		e.out.WriteString(" {}")
	case node.Kind == yaml.MappingNode:
		e.out.WriteByte('\n')
		e.mapping(node, indent+2, "")
		return
	case node.Style == yaml.FlowStyle || len(node.Content) == 0:
		e.out.WriteString(" [")
		for i, item := range node.Content {
			if i > 0 {
				e.out.WriteString(", ")
			}
			e.scalar(item, indent)
		}
		e.out.WriteByte(']')
	default:
		e.out.WriteByte('\n')
		for _, item := range node.Content {
			e.item(item, indent+2)
		}
		return
	}
	e.out.WriteByte('\n')
}

// item writes one of a list.
func (e *encoder) item(node *yaml.Node, indent int) {
	e.indent(indent)
	e.out.WriteString("- ")
	if node.Kind == yaml.MappingNode {
		e.mapping(node, indent+2, "- ")
		return
	}
	e.scalar(node, indent+2)
	e.out.WriteByte('\n')
}

func (e *encoder) indent(columns int) { e.out.WriteString(strings.Repeat(" ", columns)) }

// scalar writes a text in the style that was chosen for it, without the end of its line.
func (e *encoder) scalar(node *yaml.Node, indent int) {
	switch node.Style {
	case yaml.LiteralStyle:
		e.block(node.Value, indent)
	case yaml.DoubleQuotedStyle:
		e.quoted(node)
	default:
		e.out.WriteString(node.Value)
	}
}

// block writes lines as they are.
func (e *encoder) block(text string, indent int) {
	chomped := strings.TrimSuffix(text, "\n")
	switch {
	case chomped == text:
		e.out.WriteString("|-")
	case strings.HasSuffix(chomped, "\n"):
		e.out.WriteString("|+")
		chomped = strings.TrimSuffix(text, "\n")
	default:
		e.out.WriteByte('|')
	}
	for line := range strings.SplitSeq(chomped, "\n") {
		e.out.WriteByte('\n')
		if line != "" {
			e.indent(indent)
			e.out.WriteString(line)
		}
	}
}

// quotes are the escapes of what people write; what else there is yaml.v3 escapes.
var quotes = strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\n", `\n`, "\t", `\t`)

func (e *encoder) quoted(node *yaml.Node) {
	if strings.ContainsFunc(node.Value, func(r rune) bool { return r != '\n' && r != '\t' && (r < ' ' || r > '~') }) {
		text, err := yaml.Marshal(node)
		if err != nil {
			e.err = err
		}
		e.out.Write(bytes.TrimSuffix(text, []byte("\n")))
		return
	}
	e.out.WriteString(`"` + quotes.Replace(node.Value) + `"`)
}
