package spec

import (
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// body wraps the HCL body of a block, so that gohcl decodes plain Go values while
// minibot still sees which secrets an attribute uses, and where it stands.
type body struct {
	hcl.Body
	d       *decoder
	def     Range  // the block's type and labels
	service string // name of the service around it, or ""
	path    string // block types on the way here, such as "service.file"
}

// Content reads the body after tidying it; whatever is wrong is then in the
// decoder's diagnostics.
func (b *body) Content(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Diagnostics) {
	b.tidy(schema)
	content, _ := b.Body.Content(schema)
	return b.wrap(schema, content), nil
}

// PartialContent is used for locals alone, whose attributes have any name.
func (b *body) PartialContent(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Body, hcl.Diagnostics) {
	content, rest, diags := b.Body.PartialContent(schema)
	return b.wrap(schema, content), &body{Body: rest, d: b.d, def: b.def, service: b.service, path: b.path}, diags
}

// key names the body in decoder.incomplete.
func (b *body) key() string {
	switch b.path {
	case "":
		return ""
	case "service":
		return b.service
	}
	return "@" + strconv.Itoa(b.def.Start.Byte)
}

func (b *body) wrap(schema *hcl.BodySchema, content *hcl.BodyContent) *hcl.BodyContent {
	wrapped := *content
	wrapped.Attributes = make(hcl.Attributes, len(content.Attributes))
	for _, wanted := range schema.Attributes {
		attr := content.Attributes[wanted.Name]
		if attr == nil || !wanted.Required && b.isNull(attr.Expr) {
			continue // null means the same as not written
		}
		b.d.exprs[attr.Expr.Range().Start.Byte] = attr.Expr
		wrapped.Attributes[wanted.Name] = &hcl.Attribute{
			Name: attr.Name, Range: attr.Range, NameRange: attr.NameRange,
			Expr: &expression{Expression: attr.Expr, body: b, path: join(b.path, wanted.Name)},
		}
	}
	wrapped.Blocks = make(hcl.Blocks, len(content.Blocks))
	for i, block := range content.Blocks {
		inner := &body{Body: block.Body, d: b.d, def: block.DefRange, service: b.service, path: join(b.path, block.Type)}
		if inner.path == "service" {
			inner.service = block.Labels[0]
		}
		wrapped.Blocks[i] = &hcl.Block{
			Type: block.Type, Labels: block.Labels, Body: inner,
			DefRange: block.DefRange, TypeRange: block.TypeRange, LabelRanges: block.LabelRanges,
		}
	}
	return &wrapped
}

func (b *body) isNull(expr hcl.Expression) bool {
	value, diags := expr.Value(b.d.ctx)
	return !diags.HasErrors() && value.IsNull()
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// element finds one element of a list or map that is written out at a place: its
// key (for a list, the same as its value) and its value.
func (d *decoder) element(at Range, key any) (keyRange, valueRange Range) {
	switch expr := d.exprs[at.Start.Byte].(type) {
	case *hclsyntax.TupleConsExpr:
		if i, ok := key.(int); ok && i < len(expr.Exprs) {
			return expr.Exprs[i].Range(), expr.Exprs[i].Range()
		}
	case *hclsyntax.ObjectConsExpr:
		for _, item := range expr.Items {
			value, diags := item.KeyExpr.Value(d.ctx)
			if value, _ = value.Unmark(); !diags.HasErrors() && isText(value) && value.AsString() == key {
				return item.KeyExpr.Range(), item.ValueExpr.Range()
			}
		}
	}
	return at, at
}

// part is the place of an element, or of the whole where the element is not written out.
func (d *decoder) part(at Range, key any) Range {
	place, _ := d.element(at, key)
	return place
}
