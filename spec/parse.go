package spec

import (
	"maps"
	"reflect"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Variables are values for the spec's variable blocks, by name. Values are text
// and are converted to the variable's type.
type Variables struct {
	// Flags come from -var; one that the spec does not declare is an error.
	Flags map[string]string
	// Environ comes from MINIBOT_VAR_*; one that the spec does not declare is ignored.
	Environ map[string]string
}

// Parse reads a spec. It reports everything that is wrong at once; the Stack is
// usable only if Diagnostics.HasErrors is false.
func Parse(src []byte, filename string, vars Variables) (*Stack, Diagnostics) {
	d := &decoder{
		stack: &Stack{}, src: src, language: map[string]shape{},
		declared:   map[string]map[string]bool{"secret": {}, "var": {}, "local": {}},
		used:       map[string]bool{},
		files:      map[string]map[string]Range{},
		incomplete: map[string]bool{},
		exprs:      map[int]hcl.Expression{},
	}
	language(reflect.TypeFor[Stack](), "", d.language)
	d.parse(filename, vars)
	return d.stack, Diagnostics{list: d.diags.sorted(), src: src, filename: filename}
}

// decoder carries what one Parse has learnt so far.
type decoder struct {
	stack    *Stack
	src      []byte
	diags    findings
	language map[string]shape
	ctx      *hcl.EvalContext

	declared map[string]map[string]bool  // names that expressions may use, by secret, var and local
	used     map[string]bool             // names of secrets that something uses
	files    map[string]map[string]Range // where a service first uses a secret as a file, by both names
	exprs    map[int]hcl.Expression      // attributes' values by their first byte

	// incomplete has the names of services (and "" for the whole spec, "@…" for other
	// blocks) in which something could not be read. What seems to be missing there may
	// be that, and is not reported.
	incomplete map[string]bool
}

func (d *decoder) parse(filename string, vars Variables) {
	if diags := guard(d.src, filename); diags.HasErrors() {
		d.diags.extend(diags)
		return
	}
	file, diags := hclsyntax.ParseConfig(d.src, filename, hcl.InitialPos)
	d.diags.extend(d.adviseSyntax(diags))
	if diags.HasErrors() && !allRedefined(diags) {
		return
	}
	root := &body{Body: file.Body, d: d}
	schema, _ := gohcl.ImpliedBodySchema(Stack{})
	root.tidy(schema)
	d.context(file.Body.(*hclsyntax.Body), vars)
	d.diags.extend(gohcl.DecodeBody(root, d.ctx, d.stack))
	for _, service := range d.stack.Services {
		service.SecretFiles = slices.Sorted(maps.Keys(d.files[service.Name]))
	}
	d.stack.Variables, d.stack.Locals = nil, nil
	d.setDefaults()
	d.check()
}

// allRedefined reports whether the only fault is an argument that is set twice; the
// rest can be read all the same.
func allRedefined(diags hcl.Diagnostics) bool {
	for _, diag := range diags {
		if diag.Severity == hcl.DiagError && diag.Summary != "Attribute redefined" {
			return false
		}
	}
	return true
}
