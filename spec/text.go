package spec

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Text is a string in which secrets stand as references: a sequence of literal
// and secret parts. It never holds a secret's value.
type Text string

// Part is one piece of a Text: a literal, or the name of a secret.
type Part struct {
	Literal string
	Secret  string
}

// A reference is written into the string between two runes of Unicode's private
// use area, which Parse refuses in a source file. The mixed case shows when a
// function such as upper changed it.
const (
	refOpen  = "\uE000sS:"
	refClose = "\uE001"
)

// placeholder is the text that stands for a secret's value.
func placeholder(name string) string { return refOpen + name + refClose }

// Parts splits the text into literals and secrets; literals are never empty.
func (t Text) Parts() []Part {
	var parts []Part
	rest := string(t)
	for {
		literal, after, found := strings.Cut(rest, refOpen)
		if literal != "" {
			parts = append(parts, Part{Literal: literal})
		}
		if !found {
			return parts
		}
		name, tail, _ := strings.Cut(after, refClose)
		parts = append(parts, Part{Secret: name})
		rest = tail
	}
}

// Secrets lists the names in the text, sorted, each once.
func (t Text) Secrets() []string {
	var names []string
	for _, part := range t.Parts() {
		if part.Secret != "" {
			names = append(names, part.Secret)
		}
	}
	return sortedUnique(names)
}

func sortedUnique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// written finds a reference in a message, as it is or as %q writes it.
var written = regexp.MustCompile(`(?:\x{E000}|\\ue000)sS:([A-Za-z0-9_]*)(?:\x{E001}|\\ue001)`)

// readable replaces references in a message by what the spec says. Other characters
// that a terminal might act on, or not show, become visible too.
func readable(message string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || r == '\uE000' || r == '\uE001') {
			return unicode.ReplacementChar
		}
		return r
	}, written.ReplaceAllString(message, "secret.$1.value"))
}
