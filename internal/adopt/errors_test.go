package adopt_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"minibot/internal/adopt"
)

// What is no compose file is said to be none, with the line where the file tells.
func TestFileErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "c.yml: it is empty",
		"services:\n  a: {image: x\n  b: y": "c.yml:1: it is not YAML: did not find expected ',' or '}'",
		"- a\n":                             "c.yml:1: it is no compose file",
		"a: &a [*b]\n":                      "c.yml: it is not YAML: unknown anchor 'b' referenced",
		"services:\n  a:\n    image: x\n    image: y\n":         "c.yml:4: \"image\" is in line 3 already",
		"services: {}\n---\nservices: {}\n":                     "c.yml:2: it holds several documents",
		"services:\n  a:\n    image: \uE000\n":                  "c.yml:3: it has a character for private use",
		"services:\n  a:\n    image: x\n    ports: !reset []\n": "c.yml:4: !reset is about another file",
		"services:\n  a:\n    image: x\n    restart: [no]\n":    "c.yml:4: services.a.restart must be text",
		"services:\n  a:\n    image: x\n    colour: red\n":      "c.yml:4: services.a.colour: compose knows no such key",
		"services:\n  a:\n    image: x\n    command: a $ b\n":   "c.yml:4: a $ that begins no variable; write $$ for the character itself",
		"services:\n  a:\n    image: x\n    networks: [none]\n": "c.yml:4: a names \"none\", and the file does not have it (networks)",
		"services:\n  a: &a\n    image: x\n    x-a: *a\n":       "c.yml:4: the alias *a is inside of what it stands for",
		"name: ÄÖ\nservices: {a: {image: x}}\n":                 "neither its name nor its folder's makes one for a stack; choose one: --name NAME",
	} {
		_, err := from(text, adopt.Options{})
		var fault *adopt.FileError
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "]\n"
	}
	if _, err := from(bomb, adopt.Options{}); err == nil || !strings.Contains(err.Error(), "its aliases make it too large") {
		t.Errorf("a file that grows: %v", err)
	}
	for _, o := range []adopt.Options{{Without: []string{"b"}}, {Profiles: []string{"b"}}} {
		if _, err := from("services: {a: {image: x}}\n", o); !errors.Is(err, adopt.ErrNoService) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// A file that cannot be read at all is no quiet empty one.
func TestReadFails(t *testing.T) {
	_, err := adopt.FromFile(adopt.File{Name: "c.yml", Text: []byte("services: {a: {image: x}}\n"), Dir: "/srv/app",
		Read: func(string) ([]byte, error) {
			return nil, &fs.PathError{Op: "open", Path: ".env", Err: fs.ErrPermission}
		}}, adopt.Options{})
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
}

func from(text string, o adopt.Options) (adopt.Result, error) {
	return adopt.FromFile(adopt.File{Name: "c.yml", Text: []byte(text), Dir: "/srv/x-" + strings.Repeat("", 1),
		Read: func(string) ([]byte, error) { return nil, fs.ErrNotExist }, Exists: func(string) bool { return true }}, o)
}
