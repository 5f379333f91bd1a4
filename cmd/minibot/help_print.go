package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// example is a command line that works as it stands, and what it does.
type example struct{ line, does string }

// exampler is a command. Its help begins with how it is used.
type exampler interface{ Examples() []example }

// groups order the commands in the help.
func groups() []kong.Group {
	return []kong.Group{
		{Key: "stack", Title: "The stack"},
		{Key: "daily", Title: "Every day"},
		{Key: "secrets", Title: "Secrets"},
		{Key: "help", Title: "Help"},
	}
}

// beginning is what the help of minibot itself shows first.
var beginning = []example{
	{"minibot init", "write minibot.hcl, to begin with"},
	{"minibot plan", "what would change, and why; changes nothing"},
	{"minibot apply", "bring the machine there, after a question"},
	{"minibot verify", "prove it, from inside and outside"},
}

// printHelp is the help of minibot, or of the command that was chosen.
func printHelp(_ kong.HelpOptions, parsed *kong.Context) error {
	return writeHelp(parsed.Stdout, parsed.Model, parsed.Selected(), !slices.Contains(parsed.Args, "--no-color"))
}

// writeHelp is the help of one command; of minibot itself where node is nil.
func writeHelp(w io.Writer, model *kong.Application, node *kong.Node, color bool) error {
	s := newSheet(w, color)
	switch {
	case node == nil:
		s.paragraph(model.Help)
		s.examples(beginning)
		for _, group := range groups() {
			s.commands(group.Title, model.Node, group.Key)
		}
		s.flags("Flags of every command", model.Node)
		s.paragraph("minibot COMMAND --help tells all about a command, and minibot help TOPIC about the rest: " + strings.Join(topicNames(), ", ") + ".")
	default:
		s.paragraph(node.Help)
		if command, ok := node.Target.Addr().Interface().(exampler); ok {
			s.examples(command.Examples())
		}
		s.heading("Usage")
		s.line("  minibot " + node.Summary())
		s.commands("Commands", node, "")
		s.arguments(node)
		for above := node; above.Parent != nil; above = above.Parent {
			s.flags("Flags", above)
		}
		s.paragraph("Flags of every command, which minibot --help explains: " + flagNames(model.Node) + ".")
	}
	return s.flush(w)
}

// sheet is a page of help.
type sheet struct {
	out   strings.Builder
	width int
	paint painter
}

func newSheet(w io.Writer, color bool) *sheet {
	return &sheet{width: widthOf(w), paint: paint(color && canColor(w))}
}

func (s *sheet) flush(w io.Writer) error {
	_, err := io.WriteString(w, s.out.String())
	return err
}

func (s *sheet) line(text string) { s.out.WriteString(strings.TrimRight(text, " ") + "\n") }

func (s *sheet) heading(title string) {
	if s.out.Len() > 0 {
		s.line("")
	}
	s.line(s.paint(bold, title))
}

func (s *sheet) paragraph(text string) {
	if s.out.Len() > 0 {
		s.line("")
	}
	for _, line := range wrapWords(text, s.width) {
		s.line(line)
	}
}

// examples show command lines, each with what it does beside it or, where that is too wide, above.
func (s *sheet) examples(all []example) {
	if len(all) == 0 {
		return
	}
	s.heading("Examples")
	widest := 0
	for _, e := range all {
		widest = max(widest, len(e.line))
	}
	beside := true
	for _, e := range all {
		beside = beside && len("  $   # ")+widest+len(e.does) <= s.width
	}
	for i, e := range all {
		if beside {
			s.line(fmt.Sprintf("  $ %-*s%s", widest, e.line, s.paint(dim, "  # "+e.does)))
			continue
		}
		if i > 0 {
			s.line("")
		}
		s.line(s.paint(dim, "  # "+e.does))
		s.line("  $ " + e.line)
	}
}

// rows are words and what they mean, in two columns.
func (s *sheet) rows(title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	s.heading(title)
	const most = 30
	left := 0
	for _, row := range rows {
		if n := cells(row[0]); n <= most {
			left = max(left, n)
		}
	}
	for _, row := range rows {
		lines := wrapWords(row[1], s.width-left-4)
		if cells(row[0]) > left {
			s.line("  " + row[0])
		} else {
			s.line(fmt.Sprintf("  %s%s  %s", row[0], strings.Repeat(" ", left-cells(row[0])), lines[0]))
			lines = lines[1:]
		}
		for _, line := range lines {
			s.line(strings.Repeat(" ", left+4) + line)
		}
	}
}

// commands lists what is right below a node, of one group or of all.
func (s *sheet) commands(title string, node *kong.Node, group string) {
	var rows [][2]string
	for _, child := range node.Children {
		if in := child.ClosestGroup(); !child.Hidden && (group == "" || in != nil && in.Key == group) {
			rows = append(rows, [2]string{child.Name, child.Help})
		}
	}
	s.rows(title, rows)
}

func (s *sheet) arguments(node *kong.Node) {
	var rows [][2]string
	for _, argument := range node.Positional {
		rows = append(rows, [2]string{argument.Summary(), argument.Help})
	}
	s.rows("Arguments", rows)
}

func (s *sheet) flags(title string, node *kong.Node) {
	var rows [][2]string
	for _, flag := range node.Flags {
		if !flag.Hidden {
			rows = append(rows, [2]string{flagWords(flag), flagHelp(flag)})
		}
	}
	s.rows(title, rows)
}

// flagWords are how a flag is written.
func flagWords(flag *kong.Flag) string {
	words := "    --" + flag.Name
	if flag.Short != 0 {
		words = fmt.Sprintf("-%c, --%s", flag.Short, flag.Name)
	}
	switch {
	case flag.IsBool() && flag.Tag.Negatable != "":
		return strings.Replace(words, "--", "--[no-]", 1)
	case flag.IsBool():
		return words
	}
	return words + "=" + cmp.Or(flag.PlaceHolder, flag.FormatPlaceHolder())
}

// flagHelp is what a flag means, and what it is if it is not given. A switch is off then, or says so.
func flagHelp(flag *kong.Flag) string {
	if !flag.HasDefault || flag.IsBool() {
		return flag.Help
	}
	return flag.Help + " Default " + flag.Default + "."
}

// flagNames are the names alone.
func flagNames(node *kong.Node) string {
	var names []string
	for _, flag := range node.Flags {
		if !flag.Hidden {
			names = append(names, strings.TrimLeft(strings.Split(flagWords(flag), "=")[0], " "))
		}
	}
	return strings.Join(names, ", ")
}
