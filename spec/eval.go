package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

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
func (d *decoder) context(root *hclsyntax.Body, vars Variables) {
	d.ctx = &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: functions()}
	blocks := map[string]hclsyntax.Blocks{}
	for _, block := range root.Blocks {
		blocks[block.Type] = append(blocks[block.Type], block)
		if rootOf[block.Type] != "" {
			d.declared[rootOf[block.Type]][block.Labels[0]] = true
		}
	}
	secrets := map[string]cty.Value{}
	for name := range d.declared["secret"] {
		secrets[name] = cty.ObjectVal(map[string]cty.Value{
			"value": cty.StringVal(placeholder(name)).Mark(secretMark{name: name}),
			"file":  cty.StringVal(SecretDir + "/" + name).Mark(secretMark{name: name, file: true}),
		})
	}
	d.ctx.Variables["secret"] = cty.ObjectVal(secrets)
	d.ctx.Variables["var"] = cty.ObjectVal(d.variables(blocks["variable"], vars))
	d.locals(blocks["locals"])
}

// rootOf is how expressions name what a block declares.
var rootOf = map[string]string{"secret": "secret", "variable": "var"}

// locals evaluates all locals blocks; one local may use another.
func (d *decoder) locals(blocks hclsyntax.Blocks) {
	pending := map[string]*hclsyntax.Attribute{}
	for _, block := range blocks {
		for name, attr := range block.Body.Attributes {
			if first, twice := pending[name]; twice {
				d.diags.add(attr.NameRange, "Duplicate local", fmt.Sprintf("local.%s is already set in line %d. Keep one.", name, first.NameRange.Start.Line))
				continue
			}
			pending[name] = attr
			d.declared["local"][name] = true
		}
	}
	values := map[string]cty.Value{}
	var path []string // the locals that are being evaluated, each for the one before
	var visit func(name string)
	visit = func(name string) {
		path = append(path, name)
		expr, uses := pending[name].Expr, map[string]cty.Value{}
		for _, traversal := range expr.Variables() {
			next := stepName(traversal, 1)
			if traversal.RootName() != "local" || pending[next] == nil {
				continue
			}
			if _, done := values[next]; !done {
				if i := slices.Index(path, next); i >= 0 {
					circle := "local." + strings.Join(append(slices.Clone(path[i:]), next), " → local.")
					d.diags.add(traversal.SourceRange(), "Local depends on itself", "It goes in a circle: "+circle+". Write one of them without the other.")
					values[next] = cty.DynamicVal
				} else {
					visit(next)
				}
			}
			uses[next] = values[next]
		}
		scope := d.ctx.NewChild()
		scope.Variables = map[string]cty.Value{"local": cty.ObjectVal(uses)}
		value, diags := d.evaluate(expr, scope)
		d.diags.extend(diags)
		values[name] = value
		path = path[:len(path)-1]
	}
	for _, name := range slices.Sorted(maps.Keys(pending)) {
		if _, done := values[name]; !done {
			visit(name)
		}
	}
	d.ctx.Variables["local"] = cty.ObjectVal(values)
}
