package main

import (
	"fmt"
	"slices"
	"strings"

	"minibot/spec"
)

// specText is the reference of the language for a screen: the file's own attributes and blocks, or one block.
func specText(s *sheet, path string) {
	language := spec.Language()
	block, name := language.File, "minibot.hcl"
	if path != "" {
		block, _ = block.Find(path)
		name = blockTitle(block)
	}
	s.line(s.paint(bold, name))
	s.paragraph(block.Description)
	if block.Example != "" {
		s.line("")
		for line := range strings.Lines(block.Example) {
			s.line("  " + strings.TrimSuffix(line, "\n"))
		}
	}
	var rows [][2]string
	for _, a := range block.Attributes {
		rows = append(rows, [2]string{a.Name, attributeWords(a)})
	}
	s.rows("Attributes", rows)
	rows = nil
	for _, inner := range block.Blocks {
		rows = append(rows, [2]string{blockTitle(inner), inner.Description})
	}
	s.rows("Blocks", rows)
	if path == "" {
		s.paragraph("Values may be expressions of " + strings.Join(language.Names, ", ") + " and these functions: " + strings.Join(language.Functions, ", ") + ".")
	}
	if len(block.Blocks) > 0 {
		example := strings.TrimPrefix(path+"."+block.Blocks[len(block.Blocks)-1].Type, ".")
		s.paragraph("More about a block: minibot help spec BLOCK, such as " + example + ". All on one page: minibot help spec --markdown")
	}
}

func blockTitle(block spec.Block) string {
	title := block.Type
	for _, label := range block.Labels {
		title += fmt.Sprintf(" %q", strings.ToUpper(label))
	}
	return title
}

// attributeWords are all that is known of an attribute, in a sentence or some.
func attributeWords(a spec.Attribute) string {
	words := a.Type
	if a.Required {
		words += ", required"
	}
	words += ". " + a.Description
	if len(a.Values) > 0 {
		words += " One of " + strings.Join(a.Values, ", ") + "."
	}
	if a.Default != "" {
		words += " Default " + a.Default + "."
	}
	switch a.Secret {
	case "yes":
		words += " May hold secret.NAME.value."
	case "shown":
		words += " May hold secret.NAME.value, with a warning: docker inspect shows it."
	}
	return words
}

// specMarkdown is the reference as one page.
func specMarkdown() string {
	var out strings.Builder
	language := spec.Language()
	code := func(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }
	out.WriteString("# minibot.hcl\n\nWritten by `minibot help spec --markdown`.\n\n")
	writeBlock(&out, language.File, nil)
	fmt.Fprintf(&out, "## Expressions\n\nValues may be expressions of %s and these functions: %s.\n", code(language.Names), code(language.Functions))
	return out.String()
}

func writeBlock(out *strings.Builder, block spec.Block, path []string) {
	if len(path) > 0 {
		around := ""
		if len(path) > 1 {
			around = ", in " + strings.Join(path[:len(path)-1], ", in ")
		}
		fmt.Fprintf(out, "%s %s%s\n\n", strings.Repeat("#", len(path)+1), blockTitle(block), around)
	}
	fmt.Fprintf(out, "%s\n\n", block.Description)
	if block.Example != "" {
		fmt.Fprintf(out, "```hcl\n%s\n```\n\n", block.Example)
	}
	if len(block.Attributes) > 0 {
		out.WriteString("| attribute | type | |\n|---|---|---|\n")
		for _, a := range block.Attributes {
			kind, words, _ := strings.Cut(attributeWords(a), ". ")
			fmt.Fprintf(out, "| `%s` | %s | %s |\n", a.Name, kind, strings.ReplaceAll(words, "|", `\|`))
		}
		out.WriteString("\n")
	}
	for _, inner := range block.Blocks {
		writeBlock(out, inner, append(slices.Clone(path), inner.Type))
	}
}
