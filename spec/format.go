package spec

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format lays a spec out in HCL's canonical style: indentation, and equals signs below one another. It changes white
// space alone, and what it returns it would not change again. A spec that cannot be parsed comes back as it is, with
// the messages that Parse has for it; whether it makes sense is not looked at.
func Format(src []byte, filename string) ([]byte, Diagnostics) {
	d := &decoder{src: src}
	if diags := guard(src, filename); diags.HasErrors() {
		d.diags.extend(diags)
	} else {
		_, diags := hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
		d.diags.extend(d.adviseSyntax(diags))
	}
	diags := Diagnostics{list: d.diags.sorted(), src: src, filename: filename}
	if diags.HasErrors() {
		return src, diags
	}
	return hclwrite.Format(src), diags
}
