package pin

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func TestText(t *testing.T) {
	lock := Lock{"web": {"nginx:1", digestB}, "db": {"registry.example:5000/postgres:17", digestA}}
	text, err := lock.Text("some/where/minibot.hcl")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(text), "has it.\n")
	const want = `version: 1
services:
  db:
    image: registry.example:5000/postgres:17
    digest: ` + digestA + `
  web:
    image: nginx:1
    digest: ` + digestB + `
`
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(string(text), "# Which image each tag of minibot.hcl stood for") {
		t.Errorf("the top says\n%s", text)
	}
	for line := range strings.Lines(string(text)) {
		if len(line) > 101 {
			t.Errorf("too wide: %s", line)
		}
	}
	again, err := Read(text)
	if diff := cmp.Diff(lock, again); err != nil || diff != "" {
		t.Errorf("read back: %v (-want +got):\n%s", err, diff)
	}
	if got := lock["db"].Reference(); got != "registry.example:5000/postgres:17@"+digestA {
		t.Errorf("reference %s", got)
	}
}

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "it has version 0, and this minibot knows version 1",
		"version: 2\n":       "it has version 2, and this minibot knows version 1",
		"version: 1\n":       "",
		"version: 1\nx: y\n": "line 2: field x not found",
		"version: 1\nservices:\n  db: {image: a, digest: " + digestA + "}\n":                                            "",
		"version: 1\nservices:\n  db: {digest: " + digestA + "}\n":                                                      "db has no image",
		"version: 1\nservices:\n  db: {image: a, digest: latest}\n":                                                     `db: "latest" is not a digest`,
		"version: 1\nservices:\n  db: {image: a, digest: " + digestA + ", tag: b}\n":                                    "field tag not found",
		"version: 1\nservices:\n  db: {image: a, digest: " + digestA + "}\n  db: {image: a, digest: " + digestB + "}\n": `already defined`,
		"version: [\n": "did not find expected",
	} {
		if _, err := Read([]byte(text)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestFileOf(t *testing.T) {
	for spec, want := range map[string]string{"minibot.hcl": "minibot.lock", "a/b.hcl": "a/b.lock", "minibot.hcl.example": "minibot.hcl.example.lock"} {
		if got := FileOf(spec); got != want {
			t.Errorf("%s: %s, want %s", spec, got, want)
		}
	}
}

// Whatever is read is written such that it reads the same, and nothing is read that panics.
func FuzzRead(f *testing.F) {
	f.Add([]byte("version: 1\nservices:\n  db: {image: a, digest: " + digestA + "}\n"))
	f.Add([]byte("version: 1\nservices: &a\n  db: *a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		lock, err := Read(text)
		if err != nil {
			return
		}
		written, err := lock.Text("x.hcl")
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(written)
		if err != nil || len(lock)+len(again) > 0 && !cmp.Equal(lock, again) {
			t.Errorf("%q reads back as %v, %v", written, again, err)
		}
	})
}
