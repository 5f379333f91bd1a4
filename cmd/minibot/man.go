package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
)

// manCmd writes the manual for a release. People read it by man, or --help.
type manCmd struct {
	Dir string `arg:"" help:"The folder to write the pages to."`
}

// Run writes a page for minibot and for each of its commands. The same minibot always writes the same bytes.
func (c *manCmd) Run(_ *app, parsed *kong.Context) error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	write := func(name, text string) error {
		return writeFile(filepath.Join(c.Dir, name+".1"), []byte(text))
	}
	if err := write("minibot", manOverview(parsed.Model)); err != nil {
		return err
	}
	return eachCommand(parsed.Model.Node, func(node *kong.Node) error {
		return write(manName(node), manCommand(parsed.Model.Node, node))
	})
}

// eachCommand visits every command that is not hidden, those that only hold others included.
func eachCommand(node *kong.Node, visit func(*kong.Node) error) error {
	for _, child := range node.Children {
		if child.Hidden {
			continue
		}
		if err := visit(child); err != nil {
			return err
		}
		if err := eachCommand(child, visit); err != nil {
			return err
		}
	}
	return nil
}

// manName is minibot-secret-set for minibot secret set.
func manName(node *kong.Node) string { return "minibot-" + strings.ReplaceAll(node.Path(), " ", "-") }

func manOverview(model *kong.Application) string {
	m := newManual("minibot", "keep one machine's container stack exactly as one file says")
	m.section("SYNOPSIS")
	m.line(".B minibot")
	m.line("COMMAND [FLAGS]")
	m.section("DESCRIPTION")
	m.text(model.Help)
	m.examples(beginning)
	m.section("COMMANDS")
	_ = eachCommand(model.Node, func(node *kong.Node) error {
		m.entry(manName(node)+"(1)", node.Help)
		return nil
	})
	m.flags("OPTIONS OF EVERY COMMAND", model.Node)
	m.section("EXIT STATUS")
	for _, code := range exitCodes {
		m.entry(fmt.Sprint(code.Code), code.Meaning)
	}
	m.section("ENVIRONMENT")
	for _, variable := range environment {
		m.entry(variable.Name, variable.Meaning)
	}
	return m.out.String()
}

func manCommand(root, node *kong.Node) string {
	m := newManual(manName(node), strings.TrimSuffix(node.Help, "."))
	m.section("SYNOPSIS")
	m.text("minibot " + node.Summary())
	m.section("DESCRIPTION")
	m.text(node.Help)
	if command, ok := node.Target.Addr().Interface().(exampler); ok {
		m.examples(command.Examples())
	}
	if len(node.Children) > 0 {
		m.section("COMMANDS")
		for _, child := range node.Children {
			if !child.Hidden {
				m.entry(manName(child)+"(1)", child.Help)
			}
		}
	}
	if len(node.Positional) > 0 {
		m.section("ARGUMENTS")
		for _, argument := range node.Positional {
			m.entry(argument.Summary(), argument.Help)
		}
	}
	for above := node; above.Parent != nil; above = above.Parent {
		m.flags("OPTIONS", above)
	}
	m.section("SEE ALSO")
	m.text("minibot(1), for the options of every command: " + flagNames(root) + "; and for exit codes and the environment.")
	return m.out.String()
}

// manual is a page in the man macros of roff.
type manual struct{ out strings.Builder }

func newManual(name, does string) *manual {
	m := &manual{}
	m.line(fmt.Sprintf(`.TH "%s" "1" "" "minibot %s" "minibot"`, strings.ToUpper(name), roff(version)))
	m.section("NAME")
	m.text(name + " - " + does)
	return m
}

func (m *manual) line(text string) { m.out.WriteString(text + "\n") }

func (m *manual) section(title string) { m.line(".SH " + title) }

// text is a paragraph, or goes on with one.
func (m *manual) text(words string) { m.line(roff(words)) }

// entry is a term with what it means below.
func (m *manual) entry(term, meaning string) {
	m.line(".TP")
	m.line(".B " + roff(term))
	m.text(meaning)
}

// examples are command lines as they stand, each after what it does.
func (m *manual) examples(all []example) {
	if len(all) == 0 {
		return
	}
	m.section("EXAMPLES")
	for _, e := range all {
		m.line(".PP")
		m.text(e.does + ":")
		m.line(".PP")
		m.line(".nf")
		m.line(".RS")
		m.text("$ " + e.line)
		m.line(".RE")
		m.line(".fi")
	}
}

func (m *manual) flags(title string, node *kong.Node) {
	begun := false
	for _, flag := range node.Flags {
		if flag.Hidden {
			continue
		}
		if !begun {
			m.section(title)
			begun = true
		}
		m.entry(strings.TrimLeft(flagWords(flag), " "), flagHelp(flag))
	}
}

// roff is text that roff takes as it stands: a backslash is none of its own, a hyphen can be copied, and no line begins
// with one of its requests.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", "...", "→", `\(->`, "–", `\(en`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
