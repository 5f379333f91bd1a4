package spec

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// expression is an attribute's value; evaluating it notes the secrets in it and
// refuses what would not survive as a reference.
type expression struct {
	hcl.Expression
	body *body
	path string
}

// Value evaluates the expression to a value of the attribute's type, without marks.
func (e *expression) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	marked, diags := e.body.d.evaluate(e.Expression, ctx)
	if diags.HasErrors() || !marked.IsKnown() {
		return cty.DynamicVal, diags
	}
	value, marks := marked.UnmarkDeepWithPaths()
	if diags := e.checkType(value); diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	if diags = e.checkSecrets(value, marks); diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return value, diags
}

// part is the place of one element of the value, by its key.
func (e *expression) part(key cty.Value) Range {
	return e.body.d.part(e.Range(), keyOf(key))
}

// keyOf is the key of a list's element as an int, of a map's as a string.
func keyOf(key cty.Value) any {
	switch {
	case isText(key):
		return key.AsString()
	case key.Type() == cty.Number && key.IsKnown() && !key.IsNull():
		i, _ := key.AsBigFloat().Int64()
		return int(i)
	}
	return nil
}

// checkSecrets notes the secrets in a value and makes sure that each may stand there, whole.
func (e *expression) checkSecrets(value cty.Value, marks []cty.PathValueMarks) hcl.Diagnostics {
	var diags hcl.Diagnostics
	var names []string
	for _, at := range marks {
		for mark := range at.Marks {
			use := mark.(secretMark)
			e.body.d.used[use.name] = true
			place := e.place(at.Path, use)
			if use.file {
				diags = append(diags, e.mountFile(use.name, place)...)
				continue
			}
			names = append(names, use.name)
			diags = append(diags, e.checkValue(use.name, value, at.Path, place)...)
		}
	}
	if !diags.HasErrors() && forged(value, names) {
		diags = append(diags, problem(e.Range(), "Character that cannot be used", privateUse)...)
	}
	if has(value, func(text string) bool { return strings.Contains(text, "\x00") }) {
		diags = append(diags, problem(e.Range(), "Character that cannot be used", "Linux ends a text at the character U+0000. Take it out.")...)
	}
	return diags
}

// place is where the expression names the secret; if it does so by way of a local, where that stands.
func (e *expression) place(path cty.Path, use secretMark) Range {
	at := e.Range()
	if len(path) > 0 {
		switch step := path[0].(type) {
		case cty.IndexStep:
			_, at = e.body.d.element(at, keyOf(step.Key))
		case cty.GetAttrStep:
			_, at = e.body.d.element(at, step.Name)
		}
	}
	for _, traversal := range e.Variables() {
		source := traversal.SourceRange()
		if traversal.RootName() == "secret" && stepName(traversal, 1) == use.name && overlap(at, source) && (stepName(traversal, 2) == "file") == use.file {
			return source
		}
	}
	return at
}

// mountFile notes that the service needs the secret as a file.
func (e *expression) mountFile(name string, at Range) hcl.Diagnostics {
	if e.body.service == "" {
		return problem(at, "Secret file outside a service",
			"secret."+name+".file is a path inside a container. Use it in a service, such as env = { POSTGRES_PASSWORD_FILE = secret."+name+".file }.")
	}
	files := e.body.d.files[e.body.service]
	if files == nil {
		files = map[string]Range{}
		e.body.d.files[e.body.service] = files
	}
	if first, found := files[name]; !found || at.Start.Byte < first.Start.Byte {
		files[name] = at
	}
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
func (e *expression) checkValue(name string, value cty.Value, path cty.Path, place Range) hcl.Diagnostics {
	ref := "secret." + name + ".value"
	shown, allowed := valuePlaces[e.path]
	if !allowed {
		return problem(place, "Secret in a place that is not secret",
			ref+" may stand in a file block's content and in auth. "+
				"Here it would be seen by anyone who reads the rendered file or runs docker inspect. "+
				"Give it to the service as a file instead: secret."+name+".file is its path in the container.")
	}
	at, err := path.Apply(value)
	if err == nil && !at.IsKnown() {
		return nil // something else in it is wrong, and reported
	}
	if err != nil || !isText(at) || !strings.Contains(at.AsString(), placeholder(name)) || forged(at, e.body.d.secretNames()) {
		return problem(place, "Secret cannot be changed", lookedInto(name).Error())
	}
	if !shown {
		return nil
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagWarning, Subject: &place,
		Summary: "Secret visible in docker inspect",
		Detail:  "Anyone who may talk to the engine can read " + ref + " here. Where the program can read a file, use secret." + name + ".file or a file block.",
	}}
}

// lookedInto is the error of using a secret's value for more than a place; it is the secret's name.
type lookedInto string

func (name lookedInto) Error() string {
	ref := "secret." + string(name) + ".value"
	return ref + " can be put into text as it is, such as \"requirepass ${" + ref + "}\\n\". " +
		"A function or a comparison would need its value, and minibot does not have it while it reads the spec."
}

// isText reports whether a value is a string that can be looked at.
func isText(v cty.Value) bool { return v.Type() == cty.String && v.IsKnown() && !v.IsNull() }
