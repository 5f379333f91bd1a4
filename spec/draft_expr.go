package spec

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Expr is the value of an attribute as HCL writes it, of one line or several.
type Expr string

// Piece is a part of a text: a literal, or what stands in its place, such as "var.tag" or "secret.TOKEN.value".
type Piece struct{ Literal, Ref string }

// Quote writes a text that is nothing but a literal, on one line.
func Quote(text string) Expr { return Expr(`"` + escaped(text) + `"`) }

// escaped is a literal as it stands between quotes.
func escaped(text string) string {
	quoted := hclwrite.TokensForValue(cty.StringVal(text)).Bytes()
	return strings.TrimSuffix(strings.TrimPrefix(string(quoted), `"`), `"`)
}

// Template writes a text with references in it. One of several lines becomes a here-document where that gives the same
// text.
func Template(pieces ...Piece) Expr {
	if document, ok := heredoc(joined(pieces)); ok {
		return document
	}
	return Line(pieces...)
}

// Line writes a text with references in it on one line.
func Line(pieces ...Piece) Expr {
	pieces = joined(pieces)
	if len(pieces) == 1 && pieces[0].Ref != "" {
		return Expr(pieces[0].Ref)
	}
	var out strings.Builder
	for _, p := range pieces {
		if p.Ref == "" {
			out.WriteString(escaped(p.Literal))
			continue
		}
		// A dollar sign right before a reference would make it the text that it looks like.
		if text := out.String(); strings.HasSuffix(text, "$") {
			out.Reset()
			out.WriteString(strings.TrimSuffix(text, "$") + `\u0024`)
		}
		out.WriteString("${" + p.Ref + "}")
	}
	return Expr(`"` + out.String() + `"`)
}

// joined makes one of literals that follow one another.
func joined(pieces []Piece) []Piece {
	var all []Piece
	for _, p := range pieces {
		if n := len(all); n > 0 && p.Ref == "" && all[n-1].Ref == "" {
			all[n-1].Literal += p.Literal
		} else if p != (Piece{}) {
			all = append(all, p)
		}
	}
	return all
}

const endOfDocument = "EOT"

// heredoc writes a text of several lines as lines, if that is the same text: an indented document loses the space that
// all its lines begin with, ends with a newline, and knows no escapes.
func heredoc(pieces []Piece) (Expr, bool) {
	var out strings.Builder
	for i, p := range pieces {
		if p.Ref != "" {
			out.WriteString("${" + p.Ref + "}")
			continue
		}
		if i+1 < len(pieces) && strings.HasSuffix(p.Literal, "$") || strings.ContainsFunc(p.Literal, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			return "", false
		}
		text := strings.ReplaceAll(p.Literal, "${", "$${")
		out.WriteString(strings.ReplaceAll(text, "%{", "%%{"))
	}
	text, ends := strings.CutSuffix(out.String(), "\n")
	if !ends || !strings.Contains(text, "\n") {
		return "", false
	}
	flush := false
	lines := []string{"<<-" + endOfDocument}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(line) == endOfDocument || line != "" && strings.TrimSpace(line) == "" {
			return "", false
		}
		flush = flush || line != "" && !strings.HasPrefix(line, " ")
		if line != "" {
			line = "  " + line
		}
		lines = append(lines, line)
	}
	return Expr(strings.Join(append(lines, endOfDocument), "\n")), flush
}

// Integer writes a number.
func Integer(n int64) Expr { return Expr(strconv.FormatInt(n, 10)) }

// Decimal writes a number that may have a fraction.
func Decimal(f float64) Expr { return Expr(strconv.FormatFloat(f, 'f', -1, 64)) }

// Boolean writes true or false.
func Boolean(b bool) Expr { return Expr(strconv.FormatBool(b)) }

// List writes a list on one line, or on several where that would be long. An item has one line.
func List(items ...Expr) Expr {
	var words []string
	long := 0
	for _, item := range items {
		words = append(words, string(item))
		long += len(item) + 2
	}
	if long > 90 && len(items) > 1 {
		return Expr("[\n  " + strings.Join(words, ",\n  ") + ",\n]")
	}
	return Expr("[" + strings.Join(words, ", ") + "]")
}

// Quoted writes a list of literals.
func Quoted(items []string) Expr {
	var all []Expr
	for _, item := range items {
		all = append(all, Quote(item))
	}
	return List(all...)
}

func (e Expr) lines() []string { return strings.Split(string(e), "\n") }
