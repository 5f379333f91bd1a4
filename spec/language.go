package spec

import (
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/gocty"
)

// shape is what the struct tags say about an attribute or a block.
type shape struct {
	wants  cty.Type // type of an attribute's value; NilType for a block or an unread expression
	whole  bool     // its numbers have no fraction
	single bool     // a block that may come once
}

// language collects the shapes below a struct by their path, such as "service.bind.port".
func language(t reflect.Type, path string, into map[string]shape) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag, kind, _ := strings.Cut(field.Tag.Get("hcl"), ",")
		at, ty := join(path, tag), field.Type
		switch {
		case kind == "block":
			into[at] = shape{single: ty.Kind() == reflect.Pointer}
			for ty.Kind() == reflect.Slice || ty.Kind() == reflect.Pointer {
				ty = ty.Elem()
			}
			language(ty, at, into)
		case tag != "" && (kind == "" || kind == "optional") && ty.Kind() != reflect.Interface:
			wants, err := gocty.ImpliedType(reflect.New(ty).Interface())
			if err != nil {
				panic(fmt.Sprintf("spec: field %s cannot be an attribute: %v", field.Name, err))
			}
			for ty.Kind() == reflect.Slice || ty.Kind() == reflect.Pointer {
				ty = ty.Elem()
			}
			into[at] = shape{wants: wants, whole: ty.Kind() == reflect.Int || ty.Kind() == reflect.Int64}
		}
	}
}

// checkType reports a value of another type than the attribute has; the value is known,
// if not all of it. HCL would report it too, but not say what to write.
func (e *expression) checkType(value cty.Value) hcl.Diagnostics {
	want := e.body.d.language[e.path]
	name := e.path[strings.LastIndexByte(e.path, '.')+1:]
	switch {
	case value.IsNull():
		return problem(e.Range(), "No value", name+" is null here. Write a value.")
	case !want.wants.IsCollectionType():
		return e.checkOne(e.Range(), name, value, want.wants, want.whole)
	}
	ty := value.Type()
	if listed := ty.IsTupleType() || ty.IsListType() || ty.IsSetType(); listed != want.wants.IsListType() || ty.IsPrimitiveType() {
		return e.wrongType(e.Range(), name, value, want.wants)
	}
	var diags hcl.Diagnostics
	for it := value.ElementIterator(); it.Next(); {
		key, element := it.Element()
		diags = append(diags, e.checkOne(e.part(key), elementName(name, key), element, want.wants.ElementType(), want.whole)...)
	}
	return diags
}

// checkOne holds one value that is no collection against its type.
func (e *expression) checkOne(at Range, name string, value cty.Value, want cty.Type, whole bool) hcl.Diagnostics {
	if value.IsNull() {
		return problem(at, "No value", name+" is null here. Write a value, or take it out.")
	}
	if value.Type() == cty.Number && value.IsKnown() && value.AsBigFloat().IsInf() {
		return problem(at, "Division by zero", name+" has no value: something in it is divided by zero.")
	}
	converted, err := convert.Convert(value, want)
	if err != nil {
		return e.wrongType(at, name, value, want)
	}
	if !whole || !converted.IsKnown() {
		return nil
	}
	number := converted.AsBigFloat()
	if _, accuracy := number.Int64(); accuracy == big.Exact {
		return nil
	}
	if number.IsInt() {
		return problem(at, "Number too large", name+" takes no such number.")
	}
	return problem(at, "Not a whole number", name+" takes a whole number, without a fraction.")
}

func elementName(list string, key cty.Value) string {
	if key.Type() == cty.String && key.IsKnown() {
		return list + "." + key.AsString()
	}
	return "An element of " + list
}

// wrongType says what the attribute takes, and how that is written.
func (e *expression) wrongType(at Range, name string, value cty.Value, want cty.Type) hcl.Diagnostics {
	detail := fmt.Sprintf("%s takes %s, and this is %s.", name, typeName(want), typeName(value.Type()))
	written, d := "", e.body.d
	if at.CanSliceBytes(d.src) {
		written = string(at.SliceBytes(d.src))
	}
	short := len(written) < 60 && !strings.Contains(written, "\n")
	switch {
	case want.IsListType() && value.Type().IsPrimitiveType() && short:
		detail += fmt.Sprintf(" Write %s = [%s].", name, e.elements(written))
	case want.IsMapType():
		detail += fmt.Sprintf(" Write %s = { NAME = \"value\" }.", name)
	case want == cty.Number:
		detail += " Write the number without quotes or units."
	}
	return problem(at, "Wrong type", detail)
}

// line is a text in quotes in which a shell would see words and nothing else.
var line = regexp.MustCompile(`^"[\w ./:=@,+-]+"$`)

// elements writes as a list's elements what is written as one text.
func (e *expression) elements(written string) string {
	switch e.path {
	case "service.healthcheck.test":
		return `"CMD-SHELL", ` + written
	case "service.command", "service.entrypoint":
		if line.MatchString(written) {
			return strings.Join(quoted(strings.Fields(strings.Trim(written, `"`))), ", ")
		}
		if strings.Contains(written, " ") {
			return `"sh", "-c", ` + written
		}
	}
	return written
}

// typeName says in plain words what sort of value a type is.
func typeName(ty cty.Type) string {
	switch {
	case ty == cty.String:
		return "text in quotes"
	case ty == cty.Number:
		return "a number"
	case ty == cty.Bool:
		return "true or false"
	case ty.IsTupleType(), ty.IsListType(), ty.IsSetType():
		return "a list"
	case ty.IsObjectType(), ty.IsMapType():
		return "a map"
	}
	return "something else"
}
