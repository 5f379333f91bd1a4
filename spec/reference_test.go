package spec

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// each visits all blocks and attributes by their path.
func each(b Block, path string, block func(string, Block), attribute func(string, Attribute)) {
	block(path, b)
	for _, a := range b.Attributes {
		attribute(join(path, a.Name), a)
	}
	for _, inner := range b.Blocks {
		each(inner, join(path, inner.Type), block, attribute)
	}
}

// All that can be written is described, and nothing else.
func TestReferenceIsComplete(t *testing.T) {
	all := map[string]shape{"": {}}
	language(reflect.TypeFor[Stack](), "", all)
	seen := map[string]bool{}
	sentence := func(path, text string) {
		seen[path] = true
		if !strings.HasSuffix(text, ".") {
			t.Errorf("%q has no sentence that describes it: add it to described in words.go", path)
		}
	}
	each(Language().File, "",
		func(path string, b Block) { sentence(path, b.Description) },
		func(path string, a Attribute) { sentence(path, a.Description) })
	for path := range all {
		if !seen[path] {
			t.Errorf("%s is in the language and not in the reference", path)
		}
	}
	for path := range described {
		if !seen[path] {
			t.Errorf("words.go describes %q, which is not in the language", path)
		}
	}
}

// context is a spec around a block.
const context = `
name = "box"
network "box-net" {}
secret "PASSWORD" {}
service "db" {
  image    = "db:1"
  networks = ["box-net"]
  limits {
    memory = "64MB"
    cpus   = 1
  }
}
service "box" {
  image    = "box:1"
  networks = ["box-net"]
  user     = "999:999"
  env   = { FILE = secret.PASSWORD.file }
  bind { port = 80 }
%s
}
%s
`

const wantLimits = "limits {\n memory = \"64MB\"\n cpus = 1\n}\n"

// inContext writes a whole spec around a block of a path.
func inContext(path, text string) string {
	switch {
	case path == "service.limits":
		return fmt.Sprintf(context, text, "")
	case strings.HasPrefix(path, "service."):
		return fmt.Sprintf(context, wantLimits+text, "")
	case path == "variable.validation":
		text = "variable \"tag\" {\n default = \"17\"\n" + text + "\n}"
	case path == "service":
		text = strings.Replace(text, "{\n", "{\nnetworks = [\"box-net\"]\n", 1)
	}
	return fmt.Sprintf(context, wantLimits, text)
}

func parsed(t *testing.T, src string) *Stack {
	t.Helper()
	stack, diags := Parse([]byte(src), "a.hcl", Variables{})
	if diags.HasErrors() {
		t.Errorf("%v in\n%s", diags.Items(), src)
	}
	return stack
}

// The examples can be read, and are in the one style.
func TestReferenceExamples(t *testing.T) {
	each(Language().File, "", func(path string, b Block) {
		if path == "" {
			return
		}
		if formatted, _ := Format([]byte(b.Example), path); b.Example == "" || string(formatted) != b.Example {
			t.Errorf("%s: the example is %q, formatted %q", path, b.Example, formatted)
		}
		parsed(t, inContext(path, b.Example))
	}, func(string, Attribute) {})
}

// Where a default is told, the spec means the same with it and without.
func TestReferenceDefaults(t *testing.T) {
	told := 0
	blocks := map[string]Block{}
	each(Language().File, "", func(path string, b Block) { blocks[path] = b }, func(path string, a Attribute) {
		if a.Default == "" {
			return
		}
		told++
		around := path[:strings.LastIndexByte(path, '.')]
		without, with := withAttribute(blocks[around].Example, a.Name, ""), withAttribute(blocks[around].Example, a.Name, a.Default)
		if diff := cmp.Diff(parsed(t, inContext(around, without)), parsed(t, inContext(around, with)), meaning()...); diff != "" {
			t.Errorf("%s = %s is not the default (-left out +written):\n%s", path, a.Default, diff)
		}
	})
	if told < 10 {
		t.Errorf("only %d defaults", told)
	}
}

// meaning compares what specs say, not where. Some defaults stay unwritten in a Stack.
func meaning() []cmp.Option {
	return []cmp.Option{
		cmpopts.IgnoreTypes(Range{}),
		cmp.Transformer("generated", func(s *Secret) bool { return s.Generated() }),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Masquerade" },
			cmp.Transformer("masquerade", func(on *bool) bool { return on == nil || *on })),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".PullPolicy" },
			cmp.Transformer("policy", func(policy string) string { return strings.TrimPrefix(policy, "missing") })),
	}
}

// Where values are listed, another one is refused.
func TestReferenceValues(t *testing.T) {
	blocks := map[string]Block{}
	each(Language().File, "", func(path string, b Block) { blocks[path] = b }, func(path string, a Attribute) {
		if a.Values == nil {
			return
		}
		around := path[:strings.LastIndexByte(path, '.')]
		src := inContext(around, withAttribute(blocks[around].Example, a.Name, `"nonsense"`))
		if _, diags := Parse([]byte(src), "a.hcl", Variables{}); !diags.HasErrors() {
			t.Errorf("%s may be %q, and \"nonsense\" is taken in\n%s", path, a.Values, src)
		}
		if a.Default != "" && !strings.Contains(fmt.Sprintf("%q", a.Values), a.Default) {
			t.Errorf("%s is %s by default, and may be %q", path, a.Default, a.Values)
		}
	})
}

// withAttribute sets an attribute of a block; to nothing if value is empty.
func withAttribute(block, name, value string) string {
	begin, end := strings.IndexByte(block, '{'), strings.LastIndexByte(block, '}')
	var out strings.Builder
	for line := range strings.Lines(block[:begin+1] + "\n" + block[begin+1:end] + "\n}") {
		if has, _, _ := strings.Cut(strings.TrimSpace(line), " "); has != name {
			out.WriteString(line)
		}
	}
	if value == "" {
		return out.String()
	}
	return strings.Replace(out.String(), "{\n", "{\n"+name+" = "+value+"\n", 1)
}
