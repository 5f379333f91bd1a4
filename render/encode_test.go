package render

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"minibot/spec"
)

// byLibrary is encode by yaml.v3.
func byLibrary(t *testing.T, root *yaml.Node) string {
	t.Helper()
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		t.Fatal(err)
	}
	return string(paragraphs.ReplaceAll(out.Bytes(), []byte("\n\n$1")))
}

func sameBytes(t *testing.T, root *yaml.Node) {
	t.Helper()
	got, err := encode(root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(byLibrary(t, root), string(got)); diff != "" {
		t.Errorf("-yaml.v3 +encode:\n%s", diff)
	}
}

// Every kind of text in every place where a rendered file has texts. The places in specs are
// in sameProject.
func TestEncode(t *testing.T) {
	long := strings.Repeat("a long line with words ", 20)
	for _, text := range []string{
		"", "word", "two words", "127.0.0.1:80:80", "yes", "null", "1.0", "- a", "# a", "a: b", "a #b", `"a"`, `\a`, "'a'", "$$a", " a", "a ", "\ta",
		"a\n", "a\n\n", "a\nb", "a\nb\n", "a\nb\n\n", "a\n\nb\n\n\n", "\na\nb", "a \nb", "a\n b\n  c\n", "a\tb\nc\n", "a\r\nb\n",
		"ä", "日本", "a\nä\n", "\x00", "\x1b[1m", "\u0085", "\u2028", "\ufeff", "😀", "\x7f", long, long + "\n" + long + "\n",
	} {
		top, inner, object := newObject(), newObject(), newObject()
		object.set("target", scalar(text))
		object.set("content", scalar(text))
		inner.set("value", scalar(text))
		inner.set("list", list(scalar(text), scalar("x")))
		inner.set("words", argv([]spec.Text{spec.Text(text), "x"}))
		inner.set("none", argv([]spec.Text{}))
		top.set("name", scalar(text))
		top.set("services", inner.node)
		top.set("objects", list(object.node, object.node))
		top.set("empty", newObject().node)
		top.set("number", number(-5))
		top.node.HeadComment = "a comment\nof two lines"
		sameBytes(t, top.node)
	}
}
