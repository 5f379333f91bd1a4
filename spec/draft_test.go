package spec_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"minibot/spec"
)

func TestDraft(t *testing.T) {
	var d spec.Draft
	d.Comment("What this is.\n\nA second paragraph that is rather long, so that it does not fit on one line and has to be wrapped somewhere.")
	d.Blank()
	d.Blank()
	d.Set("name", spec.Quote("box"), 1)
	d.Blank()
	d.Open(2, "network", "box-net")
	d.Close()
	d.Blank()
	d.Open(10, "service", "db")
	d.Blank()
	d.Set("image", spec.Line(spec.Piece{Literal: "postgres:"}, spec.Piece{Ref: "var.tag"}), 11)
	d.SetNoted("cap_drop", spec.Quoted(nil), "look at it", 0)
	d.Blank()
	d.Short(12, "port", spec.Integer(80), "bind")
	d.Open(0, "limits")
	d.Set("memory", spec.Quote("64MB"), 13)
	d.Set("cpus", spec.Decimal(0.5), 0)
	d.Close()
	d.Map("env", []spec.Entry{
		{Key: "A", Value: spec.Quote("${a} %{b} \"q\" \\"), From: 21},
		{Key: "with space", Value: spec.Template(spec.Piece{Literal: "one\n"}, spec.Piece{Literal: "  two\n"}), From: 22},
	})
	d.Map("labels", nil)
	d.Set("command", spec.List(spec.Quote(strings.Repeat("a", 60)), spec.Quote(strings.Repeat("b", 60))), 30)
	d.Blank()
	d.Close()
	want := `# What this is.
#
# A second paragraph that is rather long, so that it does not fit on one line and has to be
# wrapped somewhere.

name = "box"

network "box-net" {}

service "db" {
  image    = "postgres:${var.tag}"
  cap_drop = [] # look at it

  bind { port = 80 }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  env = {
    A            = "$${a} %%{b} \"q\" \\"
    "with space" = <<-EOT
      one
        two
    EOT
  }
  command = [
    "` + strings.Repeat("a", 60) + `",
    "` + strings.Repeat("b", 60) + `",
  ]
}
`
	if diff := cmp.Diff(want, string(d.Source())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for text, from := range map[string]int{
		"name =": 1, "network": 2, "service": 10, "image": 11, "cap_drop": 0, "bind": 12, "memory": 13, "cpus": 0, "%%{b}": 21, "  two": 22, "bbb": 30, "# What": 0,
	} {
		before, _, found := strings.Cut(string(d.Source()), text)
		if got := d.From(strings.Count(before, "\n") + 1); got != from || !found {
			t.Errorf("%q comes from %d, want %d", text, got, from)
		}
	}
	if d.From(0) != 0 || d.From(1000) != 0 {
		t.Error("lines that there are not come from somewhere")
	}
}

// written is the text that Parse makes of pieces, written in one of the ways.
func written(t *testing.T, write func(...spec.Piece) spec.Expr, pieces ...spec.Piece) string {
	t.Helper()
	var d spec.Draft
	d.Set("name", spec.Quote("box"), 0)
	d.Open(0, "network", "box-net")
	d.Close()
	d.Short(0, "default", spec.Quote("VALUE"), "variable", "v")
	d.Open(0, "service", "s")
	d.Set("image", spec.Quote("redis:7"), 0)
	d.Set("command", spec.List(spec.Line(pieces...)), 0)
	d.Open(0, "limits")
	d.Set("memory", spec.Quote("64MB"), 0)
	d.Set("cpus", spec.Decimal(0.5), 0)
	d.Close()
	d.Open(0, "file", "/etc/app.conf")
	d.Set("content", write(pieces...), 0)
	d.Set("mode", spec.Quote("0444"), 0)
	d.Close()
	d.Map("env", []spec.Entry{{Key: "A", Value: write(pieces...)}, {Key: "B", Value: spec.Quote("b")}})
	d.Close()
	source := d.Source()
	stack, diags := spec.Parse(source, "minibot.hcl", spec.Variables{})
	if diags.HasErrors() {
		t.Fatalf("%s\n%s", text(t, diags), source)
	}
	if again := hclwrite.Format(source); !bytes.Equal(again, source) {
		t.Fatalf("formatted differently:\n%s", cmp.Diff(string(source), string(again)))
	}
	service := stack.Services[0]
	if env, word, content := service.Env["A"], service.Command[0], service.Files[0].Content; env != word || env != content {
		t.Fatalf("env %q, command %q, content %q of\n%s", env, word, content, source)
	}
	return string(service.Env["A"])
}

var hardTexts = []string{
	"", "plain", "a\nb\n", "a\nb", "\n", "\n\n", "\na\n", "  a\n  b\n", "a\n\n  b\n", "  a\nb\n", "a\n  \nb\n", "a\n\tb\n", "EOT\nb\n", " EOT \nb\n", "a\r\nb\r\n",
	"$", "$$", "${", "${x}", "$${x}", "%{", "%{ if }", "%%{x}", "$\n", "a$\nb%\n", "\"\\\n\t\u00e9\u2028\x01", "a \\n b\nc\n", "#\n//\n", "<<-EOT\nx\nEOT\n", "a\u00a0\nb\n",
}

// What is written is what is read, whatever it looks like.
func TestTemplate(t *testing.T) {
	for i, one := range hardTexts {
		for _, other := range []string{one, "", "\n", "{x}", hardTexts[(i+7)%len(hardTexts)]} {
			for name, write := range map[string]func(...spec.Piece) spec.Expr{"line": spec.Line, "template": spec.Template} {
				got := written(t, write, spec.Piece{Literal: one}, spec.Piece{Ref: "var.v"}, spec.Piece{Literal: other})
				if want := one + "VALUE" + other; got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
				if got := written(t, write, spec.Piece{Literal: one}, spec.Piece{Literal: other}); got != one+other {
					t.Errorf("%s: %q, want %q", name, got, one+other)
				}
			}
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, one := range hardTexts {
		f.Add(one, "b\n")
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		if strings.ContainsAny(one+other, "\x00\uE000\uE001\uFFFD") || !utf8.ValidString(one) || !utf8.ValidString(other) || len(one+other) > 1000 {
			t.Skip() // no spec holds them
		}
		want := cty.StringVal(one + "VALUE" + other).AsString() // HCL knows one form of each character
		if got := written(t, spec.Template, spec.Piece{Literal: one}, spec.Piece{Ref: "var.v"}, spec.Piece{Literal: other}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
