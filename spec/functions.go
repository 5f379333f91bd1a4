package spec

import (
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions are the pure functions of the language, from cty's standard library.
func functions() map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "max": stdlib.MaxFunc, "min": stdlib.MinFunc,
		"coalesce": stdlib.CoalesceFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc,
		"flatten": stdlib.FlattenFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc,
		"join": stdlib.JoinFunc, "jsondecode": whole(stdlib.JSONDecodeFunc), "jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc,
		"length": stdlib.LengthFunc, "lookup": stdlib.LookupFunc, "lower": whole(stdlib.LowerFunc), "merge": stdlib.MergeFunc,
		"range": stdlib.RangeFunc, "regex": whole(stdlib.RegexFunc), "replace": whole(stdlib.ReplaceFunc), "reverse": stdlib.ReverseListFunc,
		"setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc, "sort": whole(stdlib.SortFunc), "split": whole(stdlib.SplitFunc),
		"strlen": whole(stdlib.StrlenFunc), "substr": whole(stdlib.SubstrFunc), "title": whole(stdlib.TitleFunc), "trim": whole(stdlib.TrimFunc),
		"trimprefix": whole(stdlib.TrimPrefixFunc), "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": whole(stdlib.TrimSuffixFunc),
		"tobool": whole(stdlib.MakeToFunc(cty.Bool)), "tonumber": whole(stdlib.MakeToFunc(cty.Number)), "tostring": stdlib.MakeToFunc(cty.String),
		"try": tryfunc.TryFunc, "can": tryfunc.CanFunc, "upper": whole(stdlib.UpperFunc), "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
	}
}

// whole makes a function refuse secrets. It would look into the text, and find the
// reference there in place of the value.
func whole(f function.Function) function.Function {
	marked := func(p function.Parameter) function.Parameter {
		p.AllowMarked = true
		return p
	}
	spec := &function.Spec{
		Type: func(args []cty.Value) (cty.Type, error) {
			plain := make([]cty.Value, len(args))
			for i, arg := range args {
				if name := secretIn(arg); name != "" {
					return cty.NilType, lookedInto(name)
				}
				plain[i], _ = arg.UnmarkDeep()
			}
			return f.ReturnTypeForValues(plain)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	}
	for _, param := range f.Params() {
		spec.Params = append(spec.Params, marked(param))
	}
	if param := f.VarParam(); param != nil {
		variadic := marked(*param)
		spec.VarParam = &variadic
	}
	return function.New(spec)
}

// secretIn names a secret whose value is in v; "" if there is none. Of several it is the first by name.
func secretIn(v cty.Value) string {
	first := ""
	_, marks := v.UnmarkDeepWithPaths()
	for _, at := range marks {
		for mark := range at.Marks {
			if use := mark.(secretMark); !use.file && (first == "" || strings.Compare(use.name, first) < 0) {
				first = use.name
			}
		}
	}
	return first
}
