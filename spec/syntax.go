package spec

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// bareText is an argument whose value looks like text without quotes.
var bareText = regexp.MustCompile(`^(?:.*\{)?\s*([a-z_]+)\s*=\s*([^\s"'\[{(<$=][^"'\[{(=]*?)\s*(?:[#}].*)?$`)

// adviseSyntax leaves one syntax error for each line, since a parser that has lost its
// way finds more than there is, and says what to write where HCL does not.
func (d *decoder) adviseSyntax(diags hcl.Diagnostics) hcl.Diagnostics {
	var kept hcl.Diagnostics
	lines := map[int]bool{}
	for _, diag := range diags {
		line := diag.Subject.Start.Line
		if lines[line] {
			continue
		}
		lines[line] = true
		kept = append(kept, diag)
		switch diag.Summary {
		case "Invalid multi-line string":
			diag.Detail = "The quote is not closed on this line. For text of several lines, write it between <<EOT and EOT."
			return kept // the rest is read as text, and text as the rest
		case "Unterminated template string":
			d.adviseHeredoc(diag)
			return kept
		case "Invalid single-argument block definition":
			diag.Detail = "A block on one line has one argument. Write each argument on a line of its own."
		case "Missing newline after argument", "Invalid expression", "Invalid number literal":
			if match := bareText.FindSubmatch(d.line(*diag.Subject)); match != nil {
				diag.Detail = fmt.Sprintf("Text stands in quotes: %s = %q.", match[1], strings.TrimSpace(string(match[2])))
			}
		}
	}
	return kept
}

// adviseHeredoc moves the message about a missing end to the beginning.
func (d *decoder) adviseHeredoc(diag *hcl.Diagnostic) {
	tokens, _ := hclsyntax.LexConfig(d.src, diag.Subject.Filename, hcl.InitialPos)
	for _, token := range tokens {
		if token.Type == hclsyntax.TokenOHeredoc && token.Range.Start.Byte < diag.Subject.Start.Byte {
			marker := strings.TrimSpace(strings.TrimLeft(string(token.Bytes), "<-"))
			at := token.Range
			at.End = hcl.Pos{Line: at.Start.Line, Column: at.Start.Column + 2, Byte: at.Start.Byte + 2}
			diag.Subject, diag.Detail = &at, fmt.Sprintf("The text has no end. Write %s alone on a line after it.", marker)
		}
	}
}

// line is the source line in which a range begins.
func (d *decoder) line(at Range) []byte {
	begin := bytes.LastIndexByte(d.src[:at.Start.Byte], '\n') + 1
	line, _, _ := bytes.Cut(d.src[begin:], []byte("\n"))
	return line
}
