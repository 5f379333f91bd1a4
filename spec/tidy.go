package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// tidy reports what the language does not have in a body and takes it out, so that
// one fault brings one message. A misspelt name is read as it was meant. What is left
// is what HCL accepts, but for missing arguments, which are reported too.
func (b *body) tidy(schema *hcl.BodySchema) {
	syntax, ok := b.Body.(*hclsyntax.Body)
	if !ok {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(syntax.Attributes)) {
		if !slices.Contains(attributeNames(schema), name) {
			b.tidyAttribute(schema, syntax, name)
		}
	}
	seen := map[string]*hclsyntax.Block{}
	syntax.Blocks = slices.DeleteFunc(slices.Clone(syntax.Blocks), func(block *hclsyntax.Block) bool {
		keep := b.tidyBlock(schema, block, seen)
		if !keep {
			b.d.incomplete[b.key()] = true
		}
		return !keep
	})
	for _, attr := range schema.Attributes {
		if attr.Required && syntax.Attributes[attr.Name] == nil {
			b.missing(attr.Name)
		}
	}
}

// tidyAttribute handles an attribute that the schema does not have.
func (b *body) tidyAttribute(schema *hcl.BodySchema, syntax *hclsyntax.Body, name string) {
	attr := syntax.Attributes[name]
	delete(syntax.Attributes, name)
	detail := fmt.Sprintf("An argument named %q is not expected here.", name)
	near := Nearest(name, append(attributeNames(schema), blockNames(schema)...))
	advice, advised := instead[join(b.path, name)]
	switch {
	case advised:
		detail = advice
	case slices.Contains(blockNames(schema), name):
		detail = fmt.Sprintf("%s is a block: write %s { … } on lines of its own, without the equals sign.", name, name)
	case near != "":
		detail += fmt.Sprintf(" Did you mean %q?", near)
	default:
		detail += listed(schema)
	}
	b.d.diags.add(attr.NameRange, "Unsupported argument", detail)
	if !advised && slices.Contains(attributeNames(schema), near) && syntax.Attributes[near] == nil {
		attr.Name, syntax.Attributes[near] = near, attr
		return
	}
	if b.path != "" { // at the top, an argument takes no block's place
		b.d.incomplete[b.key()] = true
	}
}

// tidyBlock handles a block, and says whether to keep it.
func (b *body) tidyBlock(schema *hcl.BodySchema, block *hclsyntax.Block, seen map[string]*hclsyntax.Block) bool {
	name := block.Type
	if !slices.Contains(blockNames(schema), name) {
		detail := fmt.Sprintf("Blocks of type %q are not expected here.", name)
		near := Nearest(name, append(blockNames(schema), attributeNames(schema)...))
		advice, advised := instead[join(b.path, name)]
		switch {
		case advised:
			detail = advice
		case slices.Contains(attributeNames(schema), name):
			detail = fmt.Sprintf("%s is an argument and no block: write %s = …, with an equals sign.", name, name)
		case near != "":
			detail += fmt.Sprintf(" Did you mean %q?", near)
		default:
			detail += listed(schema)
		}
		b.d.diags.add(block.TypeRange, "Unsupported block type", detail)
		if advised || !slices.Contains(blockNames(schema), near) {
			return false
		}
		block.Type, name = near, near
	}
	labels := schema.Blocks[slices.Index(blockNames(schema), name)].LabelNames
	switch first := seen[name]; {
	case len(block.Labels) < len(labels):
		label := labels[len(block.Labels)]
		b.d.diags.add(block.TypeRange, fmt.Sprintf("Missing %s for %s", label, name), fmt.Sprintf("Write the %s in quotes before the brace: %s %q { … }.", label, name, label))
		return false
	case len(block.Labels) > len(labels):
		b.d.diags.add(block.LabelRanges[len(labels)], "Extraneous label for "+name, fmt.Sprintf("Write %s { … }.", strings.TrimSpace(name+" "+strings.Join(quoted(block.Labels[:len(labels)]), " "))))
		return false
	case first != nil && b.d.language[join(b.path, name)].single:
		b.d.diags.add(block.DefRange(), fmt.Sprintf("Duplicate %s block", name), fmt.Sprintf("There is one already in line %d. Keep one of them.", first.TypeRange.Start.Line))
		return false
	}
	seen[name] = block
	return true
}

// missing reports a required argument that is not written.
func (b *body) missing(name string) {
	detail := fmt.Sprintf("The argument %q is required, but no definition was found.", name)
	if advice, ok := required[join(b.path, name)]; ok {
		detail += " " + advice
	}
	if b.path == "" {
		b.d.diags.addNowhere("Missing required argument", detail)
		return
	}
	b.d.diags.add(b.def, "Missing required argument", detail)
}

// listed says what a body has, where that is not too much to read.
func listed(schema *hcl.BodySchema) string {
	all := append(attributeNames(schema), blockNames(schema)...)
	if slices.Sort(all); len(all) > 12 {
		return ""
	}
	return fmt.Sprintf(" Here may stand: %s.", strings.Join(all, ", "))
}

func quoted(words []string) []string {
	var list []string
	for _, word := range words {
		list = append(list, fmt.Sprintf("%q", word))
	}
	return list
}

func attributeNames(schema *hcl.BodySchema) []string {
	var list []string
	for _, attr := range schema.Attributes {
		list = append(list, attr.Name)
	}
	return list
}

func blockNames(schema *hcl.BodySchema) []string {
	var list []string
	for _, block := range schema.Blocks {
		list = append(list, block.Type)
	}
	return list
}

// Nearest finds the name that was probably meant; "" if none is near.
func Nearest(name string, names []string) string {
	best, distance := "", 3
	for _, candidate := range names {
		if d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(candidate), nil); d < distance && d*2 < len(name)+1 {
			best, distance = candidate, d
		}
	}
	return best
}
