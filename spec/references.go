package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// evaluate is the one place where an expression gets its value. Unknown names and
// functions are reported with what to write instead.
func (d *decoder) evaluate(expr hcl.Expression, ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if diags, ok := d.references(expr); !ok {
		return cty.DynamicVal, diags
	}
	value, diags := expr.Value(ctx)
	for _, diag := range diags {
		adviseCall(diag)
	}
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return value, diags
}

// references reports names that the expression uses and nothing declares. It says
// whether the expression can be evaluated.
func (d *decoder) references(expr hcl.Expression) (diags hcl.Diagnostics, ok bool) {
	ok = true
	for _, traversal := range expr.Variables() {
		root, at := traversal.RootName(), traversal.SourceRange()
		declared, known := d.declared[root]
		name := stepName(traversal, 1)
		switch part := stepName(traversal, 2); {
		case !known:
			diags = append(diags, d.unknownRoot(root, at)...)
		case name == "":
			diags = append(diags, problem(at, "Name missing", fmt.Sprintf("Write %s.NAME, with the name of the one that is meant.", root))...)
		case !declared[name] && d.incomplete[""]:
			ok = false // perhaps in what could not be read
		case !declared[name]:
			diags = append(diags, d.unknownName(root, name, at)...)
		case root == "secret" && part != "file" && part != "value":
			diags = append(diags, problem(at, "Secret without .file or .value",
				fmt.Sprintf("Write secret.%s.file for its path in the container, or secret.%s.value inside a file block's content.", name, name))...)
		}
	}
	return diags, ok && !diags.HasErrors()
}

func (d *decoder) unknownName(root, name string, at Range) hcl.Diagnostics {
	title := map[string]string{"var": "Unknown variable", "local": "Unknown local", "secret": "Secret used but not declared"}[root]
	declare := map[string]string{
		"var":    fmt.Sprintf("variable %q { default = … }", name),
		"local":  fmt.Sprintf("locals { %s = … }", name),
		"secret": fmt.Sprintf("secret %q {}", name),
	}[root]
	detail := fmt.Sprintf("There is no %s.%s. Declare it: %s.", root, name, declare)
	if near := Nearest(name, slices.Sorted(maps.Keys(d.declared[root]))); near != "" {
		detail = fmt.Sprintf("There is no %s.%s. Did you mean %s.%s? Otherwise declare it: %s.", root, name, root, near, declare)
	}
	return problem(at, title, detail)
}

// unknownRoot is for a bare word: text without quotes, or what a shell or compose would replace.
func (d *decoder) unknownRoot(root string, at Range) hcl.Diagnostics {
	const roots = "Values come from var.NAME, local.NAME and secret.NAME."
	written := string(at.SliceBytes(d.src))
	detail := fmt.Sprintf("%s stands for nothing. Write text in quotes: %q. %s", written, written, roots)
	if near := Nearest(root, slices.Sorted(maps.Keys(d.declared))); near != "" {
		detail = fmt.Sprintf("There is no %s. Did you mean %s.NAME?", root, near)
	} else if strings.HasSuffix(strings.TrimRight(string(d.src[:at.Start.Byte]), " ~"), "${") {
		detail = fmt.Sprintf("%s stands for nothing. %s To write ${%s} as it is, double the dollar sign: $${%s}.", written, roots, written, written)
	}
	return problem(at, "Unknown name", detail)
}

// adviseCall says what there is instead of an unknown function, and why one did not take a secret.
func adviseCall(diag *hcl.Diagnostic) {
	if unknown, ok := diag.Extra.(hclsyntax.FunctionCallUnknownDiagExtra); ok {
		if advice, ok := absent[unknown.CalledFunctionName()]; ok {
			diag.Detail = fmt.Sprintf("There is no function named %q. %s", unknown.CalledFunctionName(), advice)
		} else if !strings.Contains(diag.Detail, "Did you mean") {
			diag.Detail += " The functions are: " + strings.Join(slices.Sorted(maps.Keys(functions())), ", ") + "."
		}
	}
	if call, ok := diag.Extra.(hclsyntax.FunctionCallDiagExtra); ok {
		if name := new(lookedInto); errors.As(call.FunctionCallError(), name) {
			diag.Summary, diag.Detail, diag.Subject = "Secret cannot be changed", name.Error(), diag.Context
		}
	}
}

// stepName is the name at one step of a traversal, written .name or ["name"]; "" if there is none.
func stepName(traversal hcl.Traversal, i int) string {
	if i >= len(traversal) {
		return ""
	}
	switch step := traversal[i].(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if isText(step.Key) {
			return step.Key.AsString()
		}
	}
	return ""
}

func (d *decoder) secretNames() []string { return slices.Sorted(maps.Keys(d.declared["secret"])) }
