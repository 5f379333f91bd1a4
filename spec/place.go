package spec

import (
	"reflect"
	"strings"
)

// Place says where something stands in the spec: its path is that of attributes and blocks, a
// block's type before its label, such as "service", "redis", "limits", "memory" or "host",
// "firewall". Of what is not written there it is the innermost block around it that is, and
// where there is none the stack's name. The first of several blocks of a type stands for them
// all where no label says which is meant.
func (s *Stack) Place(path ...string) Range {
	return place(reflect.ValueOf(s).Elem(), path, s.NameRange)
}

// place goes one step down the struct tags, which are the language.
func place(block reflect.Value, path []string, around Range) Range {
	if len(path) == 0 {
		return around
	}
	for i := range block.NumField() {
		name, kind, _ := strings.Cut(block.Type().Field(i).Tag.Get("hcl"), ",")
		switch field := block.Field(i); {
		case name != path[0]:
		case kind == "attr_value_range":
			if at := field.Interface().(Range); !at.Empty() {
				return at
			}
		case kind == "block":
			inner, rest := choose(field, path[1:])
			if !inner.IsValid() {
				return around
			}
			return place(inner, rest, blockPlace(inner, around))
		}
	}
	return around
}

// choose picks a block out of those of a type, and takes its label off the path.
func choose(blocks reflect.Value, path []string) (block reflect.Value, rest []string) {
	if blocks.Kind() == reflect.Pointer {
		return blocks.Elem(), path
	}
	if len(path) > 0 {
		for i := range blocks.Len() {
			if label(blocks.Index(i).Elem()) == path[0] {
				return blocks.Index(i).Elem(), path[1:]
			}
		}
	}
	if blocks.Len() == 0 {
		return reflect.Value{}, nil
	}
	return blocks.Index(0).Elem(), path
}

// label is a block's label; "" if its type has none.
func label(block reflect.Value) string {
	if i := tagged(block, "label"); i >= 0 {
		return block.Field(i).String()
	}
	return ""
}

// blockPlace is where a block begins. A block that is not written but a default is nowhere.
func blockPlace(block reflect.Value, around Range) Range {
	for _, kind := range []string{"def_range", "label_range"} {
		if i := tagged(block, kind); i >= 0 {
			if at := block.Field(i).Interface().(Range); !at.Empty() {
				return at
			}
			break
		}
	}
	return around
}

// tagged finds the field of a kind; below 0 if there is none.
func tagged(block reflect.Value, kind string) int {
	for i := range block.NumField() {
		if _, k, _ := strings.Cut(block.Type().Field(i).Tag.Get("hcl"), ","); k == kind {
			return i
		}
	}
	return -1
}
