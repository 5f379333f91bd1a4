package spec

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty/gocty"
)

// Reference is the whole language, for documentation and editors: what can be written, in which types, with which
// defaults. It is made from the struct tags, as the parser is, and the words that describe them.
type Reference struct {
	File Block `json:"file"`
	// Names are how expressions name values, Functions those that they may call, sorted.
	Names     []string `json:"names"`
	Functions []string `json:"functions"`
}

// Block is what may stand in a block, in the order in which it is best read; or in the file.
type Block struct {
	Type   string   `json:"type,omitempty"` // empty for the file
	Labels []string `json:"labels,omitempty"`
	// Single says that it may stand there once.
	Single      bool        `json:"single,omitempty"`
	Description string      `json:"description"`
	Example     string      `json:"example,omitempty"`
	Attributes  []Attribute `json:"attributes,omitempty"`
	Blocks      []Block     `json:"blocks,omitempty"`
	// AnyAttribute says that attributes of any name may stand there, of any type.
	AnyAttribute bool `json:"any_attribute,omitempty"`
}

// Attribute is one argument of a block.
type Attribute struct {
	Name string `json:"name"`
	// Type is string, number, bool, list(…) or map(…) of one of them, or expression.
	Type        string `json:"type"`
	Required    bool   `json:"required,omitempty"`
	Description string `json:"description"`
	// Default is the value of one that is left out, as it would be written.
	Default string   `json:"default,omitempty"`
	Values  []string `json:"values,omitempty"` // all that there are
	// Secret says whether secret.NAME.value may stand in it: "yes", or "shown" where docker inspect would show it.
	Secret string `json:"secret,omitempty"`
}

// Language returns all that a spec may say.
func Language() Reference {
	file := block(reflect.TypeFor[Stack](), "")
	return Reference{
		File:      file,
		Names:     []string{"var.NAME", "local.NAME", "secret.NAME.file", "secret.NAME.value"},
		Functions: slices.Sorted(maps.Keys(functions())),
	}
}

// Find returns the block of a path such as "service.bind"; false if there is none.
func (b Block) Find(path string) (Block, bool) {
	name, rest, more := strings.Cut(path, ".")
	i := slices.IndexFunc(b.Blocks, func(inner Block) bool { return inner.Type == name })
	switch {
	case i < 0:
		return Block{}, false
	case more:
		return b.Blocks[i].Find(rest)
	}
	return b.Blocks[i], true
}

// block reads the struct tags of a block.
func block(t reflect.Type, path string) Block {
	said := described[path]
	b := Block{Description: said.text, Example: said.example}
	for i := range t.NumField() {
		field := t.Field(i)
		name, kind, _ := strings.Cut(field.Tag.Get("hcl"), ",")
		switch at := join(path, name); {
		case kind == "label":
			b.Labels = append(b.Labels, name)
		case kind == "remain":
			b.AnyAttribute = true
		case kind == "block":
			of := field.Type
			for of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer {
				of = of.Elem()
			}
			inner := block(of, at)
			inner.Type, inner.Single = name, field.Type.Kind() == reflect.Pointer
			b.Blocks = append(b.Blocks, inner)
		case name != "" && (kind == "" || kind == "optional"):
			b.Attributes = append(b.Attributes, attribute(field.Type, name, at, kind == ""))
		}
	}
	return b
}

func attribute(t reflect.Type, name, path string, required bool) Attribute {
	said := described[path]
	a := Attribute{Name: name, Type: "expression", Required: required, Description: said.text, Default: said.standard, Values: said.values}
	if t.Kind() != reflect.Interface {
		if wants, err := gocty.ImpliedType(reflect.New(t).Interface()); err == nil {
			a.Type = typeexpr.TypeString(wants)
		}
	}
	if shown, allowed := valuePlaces[path]; shown {
		a.Secret = "shown"
	} else if allowed {
		a.Secret = "yes"
	}
	return a
}
