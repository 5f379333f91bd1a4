package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"minibot/spec"
)

// TestEveryAttribute puts strange values in the place of each attribute of the full
// spec. One fault brings one message, and no panic.
func TestEveryAttribute(t *testing.T) {
	src := read(t, "testdata/full.hcl")
	file, diags := hclsyntax.ParseConfig([]byte(src), "full.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	values := []string{
		`null`, `""`, `-1`, `1e30`, `true`, `[]`, `[null]`, `{ a = {} }`,
		`nothing`, `var.nothing`, `secret.TOKEN.value`, `"${var.broken}"`,
	}
	walk(file.Body.(*hclsyntax.Body), "", func(path string, at hcl.Range) {
		for _, value := range values {
			if strings.HasPrefix(path, "variable.") && strings.Contains(value, "broken") {
				continue // no name may stand there, so that this has two faults
			}
			changed := src[:at.Start.Byte] + value + src[at.End.Byte:]
			if value == `"${var.broken}"` {
				changed += "variable \"broken\" {}\n"
			}
			_, diags := spec.Parse([]byte(changed), "full.hcl", spec.Variables{})
			var errors []string
			for _, item := range diags.Items() {
				if item.Severity == "error" {
					errors = append(errors, fmt.Sprintf("%d: %s", item.Line, item.Summary))
				}
			}
			if len(errors) > 1 {
				t.Errorf("%s = %s: %s", path, value, strings.Join(errors, ", "))
			}
		}
	})
}

func walk(body *hclsyntax.Body, path string, visit func(path string, at hcl.Range)) {
	for name, attr := range body.Attributes {
		visit(path+name, attr.Expr.Range())
	}
	for _, block := range body.Blocks {
		walk(block.Body, path+block.Type+".", visit)
	}
}
