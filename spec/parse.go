package spec

import (
	"strings"

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
	d := &decoder{stack: &Stack{}, declared: map[string]bool{}, used: map[string]bool{}, src: src}
	d.parse(src, filename, vars)
	return d.stack, Diagnostics{list: d.diags.sorted(), src: src, filename: filename}
}

// decoder carries what one Parse has learnt so far.
type decoder struct {
	stack    *Stack
	src      []byte
	diags    findings
	declared map[string]bool // names of secrets
	used     map[string]bool // names of secrets that some service is given
	files    map[string][]string
}

func (d *decoder) parse(src []byte, filename string, vars Variables) {
	if i := strings.IndexAny(string(src), "\uE000\uE001"); i >= 0 {
		line := strings.Count(string(src[:i]), "\n") + 1
		column := i - strings.LastIndex(string(src[:i]), "\n")
		at := hcl.Pos{Line: line, Column: column, Byte: i}
		end := hcl.Pos{Line: line, Column: column + 1, Byte: i + len("\uE000")}
		d.diags.add(Range{Filename: filename, Start: at, End: end}, "Character that cannot be used",
			"The characters U+E000 and U+E001 are for private use and minibot uses them itself. Take it out.")
		return
	}
	file, diags := hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
	d.diags.extend(diags)
	if diags.HasErrors() {
		return
	}
	ctx := d.context(file.Body, vars)
	d.files = map[string][]string{}
	d.diags.extend(gohcl.DecodeBody(&body{Body: file.Body, d: d}, ctx, d.stack))
	for _, service := range d.stack.Services {
		service.SecretFiles = sortedUnique(d.files[service.Name])
	}
	d.stack.Variables, d.stack.Locals = nil, nil
	if d.diags.errors() && len(d.stack.Services) == 0 {
		return // nothing was decoded that more checks could speak of
	}
	d.setDefaults()
	d.check()
}
