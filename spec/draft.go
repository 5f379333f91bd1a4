package spec

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/mitchellh/go-wordwrap"
)

// Draft is a spec that is being written, line by line. It knows how HCL is written and not what the language has:
// what comes of it is to be read by Parse. Each line may say where it comes from, a line of another file, so that what
// Parse finds can be said of that one.
type Draft struct {
	lines []draftLine
	depth int
}

type draftLine struct {
	text string
	from int // 0 is none
}

// Entry is one of a map that a Draft writes.
type Entry struct {
	Key   string
	Value Expr
	// From is where it comes from, a line of another file.
	From int
}

// Comment writes a comment of one or several lines, wrapped.
func (d *Draft) Comment(text string) {
	for line := range strings.Lines(wordwrap.WrapString(text, uint(90-2*d.depth))) {
		d.line(0, strings.TrimRight("# "+strings.TrimSuffix(line, "\n"), " "))
	}
}

// Blank separates what comes before from what comes after. Several are one, and there is none where a block begins or ends.
func (d *Draft) Blank() {
	if n := len(d.lines); n > 0 && d.lines[n-1].text != "" && !strings.HasSuffix(d.lines[n-1].text, "{") {
		d.line(0, "")
	}
}

// Set writes an attribute.
func (d *Draft) Set(name string, value Expr, from int) { d.SetNoted(name, value, "", from) }

// SetNoted writes an attribute with a comment behind it.
func (d *Draft) SetNoted(name string, value Expr, comment string, from int) {
	for i, line := range value.lines() {
		if i == 0 {
			line = name + " = " + line
			if comment != "" {
				line += " # " + comment
			}
		}
		d.line(from, line)
	}
}

// Map writes an attribute that is a map, an entry a line.
func (d *Draft) Map(name string, entries []Entry) {
	if len(entries) == 0 {
		return
	}
	d.line(0, name+" = {")
	d.depth++
	for _, e := range entries {
		key := e.Key
		if !hclsyntax.ValidIdentifier(key) {
			key = string(Quote(key))
		}
		d.Set(key, e.Value, e.From)
	}
	d.depth--
	d.line(0, "}")
}

// Open begins a block.
func (d *Draft) Open(from int, kind string, labels ...string) {
	d.line(from, head(kind, labels)+" {")
	d.depth++
}

// Close ends it.
func (d *Draft) Close() {
	d.depth--
	last := &d.lines[len(d.lines)-1]
	switch {
	case last.text == "":
		d.lines = d.lines[:len(d.lines)-1]
	case strings.HasSuffix(last.text, " {"):
		last.text += "}" // nothing is in it
		return
	}
	d.line(0, "}")
}

// Short writes a block that has one attribute, on one line if that has one.
func (d *Draft) Short(from int, name string, value Expr, kind string, labels ...string) {
	if lines := value.lines(); len(lines) == 1 {
		d.line(from, head(kind, labels)+" { "+name+" = "+lines[0]+" }")
		return
	}
	d.Open(from, kind, labels...)
	d.Set(name, value, from)
	d.Close()
}

func head(kind string, labels []string) string {
	for _, label := range labels {
		kind += " " + string(Quote(label))
	}
	return kind
}

func (d *Draft) line(from int, text string) {
	if text != "" {
		text = strings.Repeat("  ", d.depth) + text
	}
	d.lines = append(d.lines, draftLine{text, from})
}

// Append takes over what another draft has.
func (d *Draft) Append(other *Draft) { d.lines = append(d.lines, other.lines...) }

// Source is what was written, laid out as Format would.
func (d *Draft) Source() []byte {
	var out bytes.Buffer
	for _, line := range d.lines {
		out.WriteString(line.text + "\n")
	}
	return hclwrite.Format(out.Bytes())
}

// From is what was said of where a line of the source comes from; 0 if nothing was. Lines count from 1.
func (d *Draft) From(line int) int {
	if line < 1 || line > len(d.lines) {
		return 0
	}
	return d.lines[line-1].from
}
