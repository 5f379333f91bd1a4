package spec

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Cut makes a spec of a part of another one: the services that are named, and of its secrets and variables those that
// they or what stays of the others use. Dependencies on other services go. The stack gets a name of its own, and so do the networks
// that were called after the old one. Ways in from elsewhere become comments, since no other spec knows them.
//
// A comment goes with what it stands above. One that stands alone goes when all blocks of a type go that follow it in
// a row; the first of the file, its title, always goes. The error says what is wrong with the source or with the names.
func Cut(src []byte, name string, services []string) ([]byte, error) {
	file, diags := hclsyntax.ParseConfig(src, "", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	body := file.Body.(*hclsyntax.Body)
	c := cutter{lines: strings.Split(string(src), "\n"), used: map[string]bool{}}
	if err := c.wants(body, services); err != nil {
		return nil, err
	}
	c.rename(body, name)
	c.items(body)
	c.comments()
	return c.rest(), nil
}

// cutter works on the lines of a spec, which count from 0.
type cutter struct {
	lines []string
	used  map[string]bool // services to keep, and what they use, such as "secret.NAME"
	parts []part
}

// part is an item of the top level with the comment right above it, or a comment that stands alone.
type part struct {
	from, to int    // lines, both inclusive
	kind     string // a block's type, "name", or "" for a comment
	gone     bool
}

// wants notes what is to be kept.
func (c *cutter) wants(body *hclsyntax.Body, services []string) error {
	for _, name := range services {
		c.used["service."+name] = true
	}
	known := map[string]bool{}
	for _, block := range body.Blocks {
		switch block.Type {
		case "service":
			known[block.Labels[0]] = true
			if c.used["service."+block.Labels[0]] {
				c.uses(block.Body)
			}
		case "locals", "host", "network", "accept":
			c.uses(block.Body)
		}
	}
	for _, name := range services {
		if !known[name] {
			return fmt.Errorf("there is no service %q", name)
		}
	}
	return nil
}

// uses notes what the expressions of a body name.
func (c *cutter) uses(body *hclsyntax.Body) {
	for _, attr := range body.Attributes {
		for _, t := range attr.Expr.Variables() {
			c.used[t.RootName()+"."+stepName(t, 1)] = true
		}
	}
	for _, block := range body.Blocks {
		c.uses(block.Body)
	}
}

// rename writes the stack's new name over the old one.
func (c *cutter) rename(body *hclsyntax.Body, name string) {
	attr := body.Attributes["name"]
	if attr == nil {
		return
	}
	value, _ := attr.Expr.Value(nil)
	if !isText(value) {
		return
	}
	replace := func(at Range, old, new string) {
		for i := at.Start.Line - 1; i < at.End.Line; i++ {
			c.lines[i] = strings.ReplaceAll(c.lines[i], old, new)
		}
	}
	old := value.AsString()
	replace(attr.SrcRange, fmt.Sprintf("%q", old), fmt.Sprintf("%q", name))
	for _, block := range body.Blocks {
		switch attr := block.Body.Attributes["networks"]; {
		case block.Type == "network":
			replace(block.DefRange(), `"`+old+"-", `"`+name+"-")
		case block.Type == "service" && attr != nil:
			replace(attr.SrcRange, `"`+old+"-", `"`+name+"-")
		}
	}
}

// items decides of everything at the top level whether it stays.
func (c *cutter) items(body *hclsyntax.Body) {
	for name, attr := range body.Attributes {
		c.add(name, attr.SrcRange, false)
	}
	for _, block := range body.Blocks {
		at := hcl.RangeBetween(block.TypeRange, block.CloseBraceRange)
		label := strings.Join(block.Labels, ".")
		dropped := false
		switch block.Type {
		case "service", "secret":
			dropped = !c.used[block.Type+"."+label]
		case "variable":
			dropped = !c.used["var."+label]
		case "remote":
			for i := at.Start.Line - 1; i < at.End.Line; i++ {
				c.lines[i] = "# " + c.lines[i]
			}
		}
		c.add(block.Type, at, dropped)
		for _, inner := range block.Body.Blocks {
			if block.Type == "service" && inner.Type == "depends_on" && !c.used["service."+inner.Labels[0]] {
				c.drop(c.above(inner.TypeRange.Start.Line-1), inner.CloseBraceRange.End.Line-1)
			}
		}
	}
}

func (c *cutter) add(kind string, at Range, gone bool) {
	c.parts = append(c.parts, part{from: c.above(at.Start.Line - 1), to: at.End.Line - 1, kind: kind, gone: gone})
}

// above is where the comment right above a line begins, or the line itself.
func (c *cutter) above(line int) int {
	for line > 0 && isComment(c.lines[line-1]) {
		line--
	}
	return line
}

// comments finds those that stand alone, and takes out what goes.
func (c *cutter) comments() {
	inside := map[int]bool{}
	for _, p := range c.parts {
		for i := p.from; i <= p.to; i++ {
			inside[i] = true
		}
	}
	for i := 0; i < len(c.lines); i++ {
		if from := i; isComment(c.lines[i]) && !inside[i] {
			for i+1 < len(c.lines) && isComment(c.lines[i+1]) {
				i++
			}
			c.parts = append(c.parts, part{from: from, to: i, gone: from == 0})
		}
	}
	slices.SortFunc(c.parts, func(a, b part) int { return cmp.Compare(a.from, b.from) })
	for i, p := range c.parts {
		if p.gone || p.kind == "" && follows(c.parts[i+1:]) {
			c.drop(p.from, p.to)
		}
	}
}

// follows reports whether a row of blocks begins here that all go.
func follows(parts []part) bool {
	for i, p := range parts {
		if p.kind != parts[0].kind {
			return i > 0
		}
		if !p.gone {
			return false
		}
	}
	return len(parts) > 0
}

// gone marks a line that was taken out; no line has a newline in it.
const gone = "\n"

func (c *cutter) drop(from, to int) {
	for i := from; i <= to; i++ {
		c.lines[i] = gone
	}
}

// rest is what is left, with one blank line where there were several.
func (c *cutter) rest() []byte {
	var out bytes.Buffer
	blank := true
	for _, line := range c.lines {
		if line == gone || line == "" && blank {
			continue
		}
		blank = line == ""
		out.WriteString(line + "\n")
	}
	return append(bytes.TrimRight(out.Bytes(), "\n"), '\n')
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#") }
