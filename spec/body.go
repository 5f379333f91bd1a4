package spec

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// body wraps the HCL body of a block, so that gohcl decodes plain Go values while
// minibot still sees which secrets an attribute uses, and where it stands.
type body struct {
	hcl.Body
	d       *decoder
	service string // name of the service around it, or ""
	path    string // block types on the way here, such as "service.file"
}

func (b *body) Content(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Diagnostics) {
	content, diags := b.Body.Content(schema)
	return b.wrap(content), b.advise(schema, diags)
}

func (b *body) PartialContent(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Body, hcl.Diagnostics) {
	content, rest, diags := b.Body.PartialContent(schema)
	return b.wrap(content), &body{Body: rest, d: b.d, service: b.service, path: b.path}, b.advise(schema, diags)
}

func (b *body) wrap(content *hcl.BodyContent) *hcl.BodyContent {
	if content == nil {
		return nil
	}
	wrapped := *content
	wrapped.Attributes = make(hcl.Attributes, len(content.Attributes))
	for name, attr := range content.Attributes {
		wrapped.Attributes[name] = &hcl.Attribute{
			Name: attr.Name, Range: attr.Range, NameRange: attr.NameRange,
			Expr: &expression{Expression: attr.Expr, body: b, path: join(b.path, name)},
		}
	}
	wrapped.Blocks = make(hcl.Blocks, len(content.Blocks))
	for i, block := range content.Blocks {
		inner := &body{Body: block.Body, d: b.d, service: b.service, path: join(b.path, block.Type)}
		if b.path == "" && block.Type == "service" && len(block.Labels) == 1 {
			inner.service = block.Labels[0]
		}
		wrapped.Blocks[i] = &hcl.Block{
			Type: block.Type, Labels: block.Labels, Body: inner,
			DefRange: block.DefRange, TypeRange: block.TypeRange, LabelRanges: block.LabelRanges,
		}
	}
	return &wrapped
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// expression is an attribute's value; evaluating it notes the secrets in it and
// refuses what would not survive as a reference.
type expression struct {
	hcl.Expression
	body *body
	path string
}

// Unwrap lets HCL's static analysis (type constraints) see the original.
func (e *expression) UnwrapExpression() hcl.Expression { return e.Expression }

func (e *expression) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	d := e.body.d
	if unknown := d.undeclared(e.Expression); unknown.HasErrors() {
		return cty.DynamicVal, unknown
	}
	marked, diags := e.Expression.Value(ctx)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	value, marks := marked.UnmarkDeepWithPaths()
	for _, at := range marks {
		for mark := range at.Marks {
			use, ok := mark.(secretMark)
			if !ok {
				continue
			}
			d.used[use.name] = true
			if use.file {
				diags = append(diags, e.mountFile(use.name)...)
				continue
			}
			diags = append(diags, e.checkValue(use.name, value, at.Path)...)
		}
	}
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return value, diags
}

// mountFile notes that the service needs the secret as a file.
func (e *expression) mountFile(name string) hcl.Diagnostics {
	if e.body.service == "" {
		return problem(e.Range(), "Secret file outside a service",
			"secret."+name+".file is a path inside a container. Use it in a service, such as env = { POSTGRES_PASSWORD_FILE = secret."+name+".file }.")
	}
	files := e.body.d.files
	files[e.body.service] = append(files[e.body.service], name)
	return nil
}

// valuePlaces says where a secret's value may stand; true means with a warning,
// because docker inspect shows it there.
var valuePlaces = map[string]bool{
	"service.file.content":  false,
	"service.auth.password": false,
	"service.env":           true,
	"service.command":       true,
	"service.entrypoint":    true,
}

// checkValue makes sure that a secret's value stands where it may, whole.
func (e *expression) checkValue(name string, value cty.Value, path cty.Path) hcl.Diagnostics {
	ref := "secret." + name + ".value"
	shown, allowed := valuePlaces[e.path]
	if !allowed {
		return problem(e.Range(), "Secret in a place that is not secret",
			ref+" may stand in a file block's content and in auth. "+
				"Here it would be seen by anyone who reads the rendered file or runs docker inspect. "+
				"Give it to the service as a file instead: secret."+name+".file is its path in the container.")
	}
	at, err := path.Apply(value)
	if err != nil || at.Type() != cty.String || at.IsNull() || !strings.Contains(at.AsString(), placeholder(name)) {
		return problem(e.Range(), "Secret cannot be changed",
			ref+" can be put into text as it is, such as \"requirepass ${"+ref+"}\\n\". "+
				"A function or a comparison would need its value, and minibot does not have it while it reads the spec.")
	}
	if !shown {
		return nil
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagWarning, Subject: e.Range().Ptr(),
		Summary: "Secret visible in docker inspect",
		Detail:  "Anyone who may talk to the engine can read " + ref + " here. Where the program can read a file, use secret." + name + ".file or a file block.",
	}}
}
