package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"minibot/spec"
)

type fmtCmd struct {
	Path  string `arg:"" optional:"" name:"file" help:"The file; - is standard input, and the result goes to standard output. The spec if left out."`
	Check bool   `help:"Write nothing; exit 2 if it is not formatted."`
	Diff  bool   `help:"Write nothing; show what would change."`
}

func (*fmtCmd) Examples() []example {
	return []example{
		{"minibot fmt", "lay minibot.hcl out"},
		{"minibot fmt --check --diff", "for CI: show what would change, and exit 2"},
		{"minibot fmt - <draft.hcl", "from standard input to standard output"},
	}
}

// Run lays a spec out in the one style. A file with syntax errors stays as it is.
func (c *fmtCmd) Run(a *app) error {
	if c.Path == "" {
		c.Path = a.File
	}
	src, name, err := c.read(a)
	if err != nil {
		return err
	}
	formatted, diags := spec.Format(src, name)
	if err := a.diagnostics(diags); err != nil {
		return err
	}
	changed := !bytes.Equal(src, formatted)
	write := changed && c.Path != "-" && !c.Check && !c.Diff
	if write {
		if err := writeFile(c.Path, formatted); err != nil {
			return fmt.Errorf("write %s: %w", c.Path, err)
		}
	}
	if err := c.view(a, name, src, formatted, write); err != nil {
		return err
	}
	if c.Check && changed {
		return errDiffers
	}
	return nil
}

// read takes the text from where it is, and names that place.
func (c *fmtCmd) read(a *app) (src []byte, name string, err error) {
	if c.Path != "-" {
		src, err = readSpec(c.Path)
		return src, c.Path, err
	}
	if src, err = io.ReadAll(a.stdin); err != nil {
		err = fmt.Errorf("read standard input: %w", err)
	}
	return src, "<stdin>", err
}

// view shows what the flags ask for, and says what was done.
func (c *fmtCmd) view(a *app, name string, src, formatted []byte, written bool) (err error) {
	changed, piped := !bytes.Equal(src, formatted), c.Path == "-" && !c.Check && !c.Diff
	difference := diff.Diff(name, src, name+", formatted", formatted)
	switch {
	case a.JSON:
		result := map[string]any{"format_version": "1", "file": name, "changed": changed, "written": written}
		if c.Diff {
			result["diff"] = string(difference)
		}
		if piped {
			result["content"] = string(formatted)
		}
		return a.json(result)
	case piped:
		_, err = a.stdout.Write(formatted)
		return err
	case c.Diff:
		if _, err := io.WriteString(a.stdout, paintDiff(string(difference), paint(a.colorOut))); err != nil {
			return err
		}
	}
	switch {
	case written:
		a.say("Formatted %s.", name)
	case !changed:
		a.say("%s is formatted.", name)
	default:
		a.say("%s is not formatted. Format it: minibot fmt %s", name, shellWords(c.Path))
	}
	return nil
}

// paintDiff colours a difference by lines: what goes red, what comes green.
func paintDiff(text string, paint painter) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		whole := strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "diff "), strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
			out.WriteString(paint(bold, whole))
		case strings.HasPrefix(line, "@@"):
			out.WriteString(paint(dim, whole))
		case strings.HasPrefix(line, "-"):
			out.WriteString(paint(red, whole))
		case strings.HasPrefix(line, "+"):
			out.WriteString(paint(green, whole))
		default:
			out.WriteString(whole)
		}
		out.WriteString(line[len(whole):])
	}
	return out.String()
}
