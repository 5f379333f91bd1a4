package spec

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// Variable is an input of the spec, set by -var, MINIBOT_VAR_name or its default.
type Variable struct {
	Name        string         `hcl:"name,label"`
	Type        hcl.Expression `hcl:"type,optional"`
	Default     hcl.Expression `hcl:"default,optional"`
	Description string         `hcl:"description,optional"`
	Validations []*Validation  `hcl:"validation,block"`
}

// Validation is a condition that a variable's value must meet.
type Validation struct {
	Condition    hcl.Expression `hcl:"condition"`
	ErrorMessage string         `hcl:"error_message"`
}

// locals holds nothing: its attributes are read by context.
type locals struct {
	Body hcl.Attributes `hcl:",remain"`
}

// SecretDir is the folder of the container in which secret.NAME.file lies.
const SecretDir = "/run/secrets"

// secretMark travels with a value that came from secret.NAME.value or .file.
type secretMark struct {
	name string
	file bool
}

// context evaluates what expressions may name: var, local and secret.
func (d *decoder) context(root hcl.Body, vars Variables) *hcl.EvalContext {
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: functions()}
	blocks := root.(*hclsyntax.Body).Blocks

	secrets := map[string]cty.Value{}
	for _, block := range blocks {
		if block.Type != "secret" || len(block.Labels) != 1 {
			continue
		}
		name := block.Labels[0]
		d.declared[name] = true
		secrets[name] = cty.ObjectVal(map[string]cty.Value{
			"value": cty.StringVal(placeholder(name)).Mark(secretMark{name: name}),
			"file":  cty.StringVal(SecretDir + "/" + name).Mark(secretMark{name: name, file: true}),
		})
	}
	ctx.Variables["secret"] = cty.ObjectVal(secrets)
	ctx.Variables["var"] = cty.ObjectVal(d.variables(blocks, ctx, vars))
	d.locals(blocks, ctx)
	return ctx
}

// undeclared reports references to secrets that have no secret block.
func (d *decoder) undeclared(expr hcl.Expression) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, traversal := range expr.Variables() {
		if traversal.RootName() != "secret" || len(traversal) < 2 {
			continue
		}
		step, ok := traversal[1].(hcl.TraverseAttr)
		if !ok {
			continue
		}
		if !d.declared[step.Name] {
			detail := fmt.Sprintf("There is no secret %q. Declare it: secret %q {}.", step.Name, step.Name)
			if near := nearest(step.Name, slices.Sorted(maps.Keys(d.declared))); near != "" {
				detail = fmt.Sprintf("There is no secret %q. Did you mean %q? Otherwise declare it: secret %q {}.", step.Name, near, step.Name)
			}
			diags = append(diags, problem(traversal.SourceRange(), "Secret used but not declared", detail)...)
			continue
		}
		if len(traversal) < 3 {
			diags = append(diags, problem(traversal.SourceRange(), "Secret without .file or .value",
				fmt.Sprintf("Write secret.%s.file for its path in the container, or secret.%s.value inside a file block's content.", step.Name, step.Name))...)
			continue
		}
		if part, ok := traversal[2].(hcl.TraverseAttr); ok && part.Name != "file" && part.Name != "value" {
			diags = append(diags, problem(traversal.SourceRange(), "Secret without .file or .value",
				fmt.Sprintf("A secret has .file and .value, not .%s.", part.Name))...)
		}
	}
	return diags
}

// locals evaluates all locals blocks; one local may use another.
func (d *decoder) locals(blocks hclsyntax.Blocks, ctx *hcl.EvalContext) {
	pending := map[string]*hclsyntax.Attribute{}
	for _, block := range blocks {
		if block.Type != "locals" {
			continue
		}
		for name, attr := range block.Body.Attributes {
			if first, twice := pending[name]; twice {
				d.diags.add(attr.NameRange, "Duplicate local", fmt.Sprintf("local.%s is already set in line %d. Keep one.", name, first.NameRange.Start.Line))
				continue
			}
			pending[name] = attr
		}
	}
	values := map[string]cty.Value{}
	state := map[string]int{} // 1: being evaluated, 2: done
	var visit func(name string)
	visit = func(name string) {
		attr := pending[name]
		state[name] = 1
		for _, traversal := range attr.Expr.Variables() {
			if traversal.RootName() != "local" || len(traversal) < 2 {
				continue
			}
			step, ok := traversal[1].(hcl.TraverseAttr)
			if !ok || pending[step.Name] == nil {
				continue
			}
			switch state[step.Name] {
			case 0:
				visit(step.Name)
			case 1:
				d.diags.add(traversal.SourceRange(), "Local depends on itself", fmt.Sprintf("local.%s and local.%s need each other. Break the circle.", name, step.Name))
				values[step.Name] = cty.DynamicVal
			}
		}
		ctx.Variables["local"] = cty.ObjectVal(values)
		value, diags := attr.Expr.Value(ctx)
		if undeclared := d.undeclared(attr.Expr); undeclared.HasErrors() {
			value, diags = cty.DynamicVal, undeclared
		}
		if !d.diags.errorsAt(attr.Expr.Range()) {
			d.diags.extend(diags)
		}
		values[name] = value
		state[name] = 2
	}
	for _, name := range slices.Sorted(maps.Keys(pending)) {
		if state[name] == 0 {
			visit(name)
		}
	}
	ctx.Variables["local"] = cty.ObjectVal(values)
}

// variables evaluates the variable blocks.
func (d *decoder) variables(blocks hclsyntax.Blocks, ctx *hcl.EvalContext, vars Variables) map[string]cty.Value {
	values := map[string]cty.Value{}
	for _, block := range blocks {
		if block.Type == "variable" && len(block.Labels) == 1 {
			name := block.Labels[0]
			if _, twice := values[name]; twice {
				d.diags.add(block.LabelRanges[0], "Duplicate variable", fmt.Sprintf("variable %q is declared twice. Keep one.", name))
				continue
			}
			values[name] = d.variable(name, block, ctx, vars)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(vars.Flags)) {
		if _, known := values[name]; !known {
			detail := fmt.Sprintf("-var %s=… sets a variable that the spec does not have.", name)
			if near := nearest(name, slices.Sorted(maps.Keys(values))); near != "" {
				detail += fmt.Sprintf(" Did you mean %q?", near)
			}
			d.diags.addNowhere("Unknown variable", detail)
		}
	}
	return values
}

func (d *decoder) variable(name string, block *hclsyntax.Block, ctx *hcl.EvalContext, vars Variables) cty.Value {
	wanted := cty.DynamicPseudoType
	if attr := block.Body.Attributes["type"]; attr != nil {
		ty, diags := typeexpr.TypeConstraint(attr.Expr)
		d.diags.extend(diags)
		if diags.HasErrors() {
			return cty.DynamicVal
		}
		wanted = ty
	}
	at := block.LabelRanges[0]
	var value cty.Value
	switch text, source := given(name, vars); {
	case source != "":
		value = cty.StringVal(text)
		if wanted != cty.String && wanted != cty.DynamicPseudoType {
			expr, diags := hclsyntax.ParseExpression([]byte(text), source, hcl.InitialPos)
			if !diags.HasErrors() {
				if parsed, diags := expr.Value(nil); !diags.HasErrors() {
					value = parsed
				}
			}
		}
		converted, err := convert.Convert(value, wanted)
		if err != nil {
			d.diags.add(at, "Wrong type of variable", fmt.Sprintf("%s gives %q, but variable %q is a %s: %v.", source, text, name, typeexpr.TypeString(wanted), err))
			return cty.UnknownVal(wanted)
		}
		value = converted
	case block.Body.Attributes["default"] != nil:
		attr := block.Body.Attributes["default"]
		evaluated, diags := attr.Expr.Value(&hcl.EvalContext{Functions: ctx.Functions})
		d.diags.extend(diags)
		if diags.HasErrors() {
			return cty.UnknownVal(wanted)
		}
		converted, err := convert.Convert(evaluated, wanted)
		if err != nil {
			d.diags.add(attr.Expr.Range(), "Wrong type of variable", fmt.Sprintf("The default of variable %q is not a %s: %v.", name, typeexpr.TypeString(wanted), err))
			return cty.UnknownVal(wanted)
		}
		value = converted
	default:
		d.diags.add(at, "Variable without a value", fmt.Sprintf("Set it with -var %s=… or MINIBOT_VAR_%s, or give it a default.", name, name))
		return cty.UnknownVal(wanted)
	}
	d.validate(name, value, block, ctx)
	return value
}

// validate holds the variable's value against its validation blocks.
func (d *decoder) validate(name string, value cty.Value, block *hclsyntax.Block, ctx *hcl.EvalContext) {
	scope := &hcl.EvalContext{Functions: ctx.Functions, Variables: map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{name: value})}}
	for _, inner := range block.Body.Blocks {
		condition, message := inner.Body.Attributes["condition"], inner.Body.Attributes["error_message"]
		if inner.Type != "validation" || condition == nil || message == nil {
			continue // gohcl reports it
		}
		result, diags := condition.Expr.Value(scope)
		d.diags.extend(diags)
		text, textDiags := message.Expr.Value(scope)
		d.diags.extend(textDiags)
		if diags.HasErrors() || textDiags.HasErrors() {
			continue
		}
		if result.Type() != cty.Bool || result.IsNull() || !result.IsKnown() {
			d.diags.add(condition.Expr.Range(), "Condition is not true or false", "Write a comparison, such as var."+name+" != \"\".")
			continue
		}
		if result.False() {
			d.diags.add(block.LabelRanges[0], "Variable is not valid", fmt.Sprintf("%s (variable %q)", text.AsString(), name))
		}
	}
}

// given finds a variable's value among flags and environment, and names its source.
func given(name string, vars Variables) (text, source string) {
	if text, ok := vars.Flags[name]; ok {
		return text, "-var " + name
	}
	if text, ok := vars.Environ[name]; ok {
		return text, "MINIBOT_VAR_" + name
	}
	return "", ""
}

// functions are the pure functions of the language, from cty's standard library.
func functions() map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "max": stdlib.MaxFunc, "min": stdlib.MinFunc,
		"coalesce": stdlib.CoalesceFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc,
		"flatten": stdlib.FlattenFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc,
		"join": stdlib.JoinFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc,
		"length": stdlib.LengthFunc, "lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc, "merge": stdlib.MergeFunc,
		"range": stdlib.RangeFunc, "regex": stdlib.RegexFunc, "replace": stdlib.ReplaceFunc, "reverse": stdlib.ReverseListFunc,
		"setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "split": stdlib.SplitFunc,
		"strlen": stdlib.StrlenFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc,
		"trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc,
		"tobool": stdlib.MakeToFunc(cty.Bool), "tonumber": stdlib.MakeToFunc(cty.Number), "tostring": stdlib.MakeToFunc(cty.String),
		"try": tryfunc.TryFunc, "can": tryfunc.CanFunc, "upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
	}
}
