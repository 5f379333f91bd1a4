package spec

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Bounds that no spec of a person comes near. HCL's parser calls itself for each
// level, and a text nested without bounds would end the process.
const (
	maxBytes    = 256 << 10
	maxNesting  = 64
	maxExponent = 3 // characters of a number's exponent, such as +99 in 1e+99
)

const privateUse = "The characters U+E000 and U+E001 are for private use, and minibot marks the place of a secret with them. Take them out."

// guard refuses what must not come to the parser. It returns nil if all is well.
func guard(src []byte, filename string) hcl.Diagnostics {
	if i := strings.IndexAny(string(src), "\uE000\uE001"); i >= 0 {
		begin := strings.LastIndexByte(string(src[:i]), '\n') + 1
		at := hcl.Pos{Line: strings.Count(string(src[:i]), "\n") + 1, Column: utf8.RuneCount(src[begin:i]) + 1, Byte: i}
		end := hcl.Pos{Line: at.Line, Column: at.Column + 1, Byte: i + len("\uE000")}
		return problem(Range{Filename: filename, Start: at, End: end}, "Character that cannot be used", privateUse)
	}
	if len(src) > maxBytes {
		return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Spec too large", Detail: "A spec has at most 256 KB. Give a service a large file with a mount."}}
	}
	tokens, _ := hclsyntax.LexConfig(src, filename, hcl.InitialPos) // the parser reports its errors
	depth, prefixes := 0, 0
	for _, token := range tokens {
		switch token.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote:
			depth--
		}
		prefixes++
		if token.Type != hclsyntax.TokenBang && token.Type != hclsyntax.TokenMinus {
			prefixes = 0
		}
		if max(depth, prefixes) > maxNesting {
			return problem(token.Range, "Nested too deeply", "This is inside of too many brackets. Give parts of it names in a locals block.")
		}
		if token.Type == hclsyntax.TokenNumberLit {
			if _, exponent, _ := strings.Cut(strings.ToLower(string(token.Bytes)), "e"); len(exponent) > maxExponent {
				return problem(token.Range, "Number too large", "No attribute takes such a number.")
			}
		}
	}
	return nil
}

// forged reports whether a value has minibot's marking characters other than in the
// references to the given secrets. They come from an escape or a function.
func forged(value cty.Value, names []string) bool {
	var pairs []string
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		pairs = append(pairs, placeholder(name), "")
	}
	known := strings.NewReplacer(pairs...)
	return has(value, func(text string) bool { return strings.ContainsAny(known.Replace(text), "\uE000\uE001") })
}

// has reports whether a test is true of any text in a value.
func has(value cty.Value, test func(string) bool) bool {
	found := false
	// The only error is the callback's, and it returns none.
	_ = cty.Walk(value, func(_ cty.Path, v cty.Value) (bool, error) {
		found = found || isText(v) && test(v.AsString())
		return !found, nil
	})
	return found
}
