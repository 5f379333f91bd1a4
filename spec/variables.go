package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Variable is an input of the spec, set by -var, MINIBOT_VAR_name or its default.
type Variable struct {
	Name        string         `hcl:"name,label"`
	Type        hcl.Expression `hcl:"type,optional"`
	Default     hcl.Expression `hcl:"default,optional"`
	Description string         `hcl:"description,optional"`
	Validations []*Validation  `hcl:"validation,block"`
}

// Validation is a condition that a variable's value must meet, and what to say if it does not.
type Validation struct {
	Condition    hcl.Expression `hcl:"condition"`
	ErrorMessage hcl.Expression `hcl:"error_message"`
}

// variables evaluates the variable blocks.
func (d *decoder) variables(blocks hclsyntax.Blocks, vars Variables) map[string]cty.Value {
	values := map[string]cty.Value{}
	first := once{d: d, what: "variable"}
	for _, block := range blocks {
		name, at := block.Labels[0], block.LabelRanges[0]
		first.note(name, at)
		if !hclsyntax.ValidIdentifier(name) {
			d.diags.add(at, "Bad variable name", "A variable's name has letters, digits, _ and -, and does not begin with a digit.")
		}
		if _, twice := values[name]; !twice {
			values[name] = d.variable(name, block, vars)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(vars.Flags)) {
		if _, known := values[name]; !known && !d.incomplete[""] {
			detail := fmt.Sprintf("-var %s=… sets a variable that the spec does not have.", name)
			if near := Nearest(name, slices.Sorted(maps.Keys(values))); near != "" {
				detail += fmt.Sprintf(" Did you mean %q?", near)
			}
			d.diags.addNowhere("Unknown variable", detail)
		}
	}
	return values
}

// variable evaluates one block; an unknown value stands for one that is wrong.
func (d *decoder) variable(name string, block *hclsyntax.Block, vars Variables) cty.Value {
	schema, _ := gohcl.ImpliedBodySchema(Variable{})
	wrapped := &body{Body: block.Body, d: d, def: block.DefRange(), path: "variable"}
	wrapped.tidy(schema)
	wanted := cty.DynamicPseudoType
	if attr := block.Body.Attributes["type"]; attr != nil {
		ty, diags := typeexpr.TypeConstraint(attr.Expr)
		for _, diag := range diags {
			if strings.HasPrefix(diag.Detail, "The keyword") {
				diag.Detail += " Write string, number, bool or any, or one made of them, such as list(string)."
			}
		}
		d.diags.extend(diags)
		if diags.HasErrors() {
			return cty.DynamicVal
		}
		wanted = ty
	}
	value, at, problem := given(name, wanted, vars), block.LabelRanges[0], ""
	switch attr := block.Body.Attributes["default"]; {
	case value.err != nil:
		problem = fmt.Sprintf("%s gives %q, but the type is %s: %v.", value.source, value.text, typeexpr.TypeString(wanted), value.err)
	case value.source != "":
	case attr != nil:
		evaluated, diags := alone(attr.Expr, "", cty.NilVal, "A default stands for itself. To make a value of others, write it in a locals block.")
		d.diags.extend(diags)
		if diags.HasErrors() {
			return cty.UnknownVal(wanted)
		}
		if value.Value, value.err = convert.Convert(evaluated, wanted); value.err != nil {
			at, problem = attr.Expr.Range(), fmt.Sprintf("The default of variable %q is not of type %s: %v.", name, typeexpr.TypeString(wanted), value.err)
		}
	case !d.incomplete[wrapped.key()]:
		d.diags.add(at, "Variable without a value", fmt.Sprintf("Set it with -var %s=… or MINIBOT_VAR_%s, or give it a default.", name, name))
		return cty.UnknownVal(wanted)
	default:
		return cty.UnknownVal(wanted)
	}
	if problem != "" {
		d.diags.add(at, "Wrong type of variable", problem)
		return cty.UnknownVal(wanted)
	}
	d.validate(name, value.Value, block)
	return value.Value
}

// outside is a variable's value from the command line or the environment.
type outside struct {
	cty.Value
	text, source string // source is "" if nobody gives one
	err          error
}

// given finds a variable's value among flags and environment. For what is not text it
// is written as in the spec: 5, true, ["a", "b"].
func given(name string, wanted cty.Type, vars Variables) outside {
	v := outside{source: "-var " + name}
	var ok bool
	if v.text, ok = vars.Flags[name]; !ok {
		v.source = "MINIBOT_VAR_" + name
		if v.text, ok = vars.Environ[name]; !ok {
			return outside{}
		}
	}
	v.Value = cty.StringVal(v.text)
	if wanted != cty.String && wanted != cty.DynamicPseudoType && guard([]byte(v.text), v.source) == nil {
		if expr, diags := hclsyntax.ParseExpression([]byte(v.text), v.source, hcl.InitialPos); !diags.HasErrors() {
			if parsed, diags := expr.Value(nil); !diags.HasErrors() {
				v.Value = parsed
			}
		}
	}
	v.Value, v.err = convert.Convert(v.Value, wanted)
	return v
}

// alone evaluates an expression that may use one variable and no other name, or none if
// the name is empty. Advice says so.
func alone(expr hcl.Expression, name string, value cty.Value, advice string) (cty.Value, hcl.Diagnostics) {
	ctx := &hcl.EvalContext{Functions: functions(), Variables: map[string]cty.Value{}}
	if name != "" {
		ctx.Variables["var"] = cty.ObjectVal(map[string]cty.Value{name: value})
	}
	for _, traversal := range expr.Variables() {
		if name == "" || traversal.RootName() != "var" || stepName(traversal, 1) != name {
			return cty.DynamicVal, problem(traversal.SourceRange(), "Name that cannot be used here", advice)
		}
	}
	evaluated, diags := expr.Value(ctx)
	for _, diag := range diags {
		adviseCall(diag)
	}
	return evaluated, diags
}

// validate holds the variable's value against its validation blocks.
func (d *decoder) validate(name string, value cty.Value, block *hclsyntax.Block) {
	only := fmt.Sprintf("A validation knows var.%s and no other name.", name)
	schema, _ := gohcl.ImpliedBodySchema(Validation{})
	for _, inner := range block.Body.Blocks {
		wrapped := &body{Body: inner.Body, d: d, def: inner.DefRange(), path: "variable.validation"}
		wrapped.tidy(schema)
		condition, message := inner.Body.Attributes["condition"], inner.Body.Attributes["error_message"]
		if condition == nil || message == nil {
			d.diags.add(wrapped.def, "Validation not complete", "Write condition = … and error_message = \"…\".")
			continue
		}
		result, diags := alone(condition.Expr, name, value, only)
		text, textDiags := alone(message.Expr, name, value, only)
		d.diags.extend(append(diags, textDiags...))
		if diags.HasErrors() || textDiags.HasErrors() {
			continue
		}
		result, err := convert.Convert(result, cty.Bool)
		if err != nil || result.IsNull() || !result.IsKnown() {
			d.diags.add(condition.Expr.Range(), "Condition is not true or false", "Write a comparison, such as var."+name+" != \"\".")
			continue
		}
		if text, err = convert.Convert(text, cty.String); err != nil || !isText(text) {
			d.diags.add(message.Expr.Range(), "Message is not text", "Write what to do instead, in quotes.")
		} else if result.False() {
			d.diags.add(block.LabelRanges[0], "Variable is not valid", fmt.Sprintf("%s (variable %q)", text.AsString(), name))
		}
	}
}
