package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"minibot/spec"
)

// TestBounds gives the parser what would end the process if it followed.
func TestBounds(t *testing.T) {
	many := func(n int, before, middle, after string) string {
		return "locals { a = " + strings.Repeat(before, n) + middle + strings.Repeat(after, n) + " }\n"
	}
	chain := "locals {\n  a0 = 1\n"
	for i := range 5000 {
		chain += fmt.Sprintf("  a%d = local.a%d\n", i+1, i)
	}
	for name, src := range map[string]string{
		"brackets":  many(100_000, "[", "1", "]"),
		"braces":    many(30_000, "{a=", "1", "}"),
		"templates": many(30_000, `"${`, "1", `}"`),
		"blocks":    strings.Repeat("a {\n", 50_000) + strings.Repeat("}\n", 50_000),
		"not":       many(200_000, "!", "true", ""),
		"minus":     many(100_000, "- ", "1", ""),
		"sum":       many(100_000, "1+", "1", ""),
		"choices":   many(40_000, "true?1:", "1", ""),
		"size":      strings.Repeat("# a comment\n", 100_000),
		"locals":    chain + "}\n",
		"number":    "locals { a = \"${1e999999999}\" }",
	} {
		t.Run(name, func(t *testing.T) {
			if _, diags := spec.Parse([]byte(src), "minibot.hcl", spec.Variables{}); !diags.HasErrors() {
				t.Error("no error")
			}
		})
	}
}
