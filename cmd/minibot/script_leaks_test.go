package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// found TEXT looks for a text, in all the ways in which programs write it, in every file
// below the script's folder, the sealed store among them. "! found" is what one hopes for.
func found(ts *testscript.TestScript, neg bool, args []string) {
	work := ts.Getenv("WORK")
	var hits []string
	ts.Check(filepath.WalkDir(work, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if spelling := leak(content, args[0]); spelling != "" {
			hits = append(hits, strings.TrimPrefix(path, work+"/")+" has "+spelling)
		}
		return err
	}))
	switch {
	case neg && len(hits) > 0:
		ts.Fatalf("leaked: %s", strings.Join(hits, "; "))
	case !neg && len(hits) == 0:
		ts.Fatalf("not found")
	}
	ts.Logf("%s", strings.Join(hits, "\n"))
}

// leak is the first spelling of a text that stands in content; "" if none does.
func leak(content []byte, text string) string {
	for _, spelling := range spellings(text) {
		if bytes.Contains(content, []byte(spelling)) {
			return spelling
		}
	}
	return ""
}

// spellings are a text plain, in JSON, in compose's $$, in a URL, in hex, as Go prints bytes,
// and in base64 at each of the three places where it may begin.
func spellings(text string) []string {
	all := []string{
		text, quoted(text, true), quoted(text, false), quoted(quoted(text, false), false), strings.ReplaceAll(text, "$", "$$"),
		url.QueryEscape(text), url.PathEscape(text),
		hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))),
		strings.Trim(fmt.Sprintf("%d", []byte(text)), "[]"), strings.Trim(fmt.Sprintf("%#v", []byte(text)), "[]byte{}"),
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			encoded := encoding.EncodeToString([]byte(strings.Repeat("x", before) + text))
			// The ends depend on what stands beside the text.
			all = append(all, encoded[(8*before+5)/6:len(encoded)-2])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// quoted is a text within JSON, without the quotes around it.
func quoted(text string, html bool) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(html)
	_ = encoder.Encode(text) // a string: cannot fail
	line := strings.TrimSpace(out.String())
	return line[1 : len(line)-1]
}

// The search finds what it is meant to find.
func TestLeak(t *testing.T) {
	const text = `c4n/ary+$x"y é&`
	for name, content := range map[string]string{
		"plain":          "password " + text + "\n",
		"JSON":           `{"a":"c4n/ary+$x\"y é&"}`,
		"HTML-safe JSON": `{"a":"c4n/ary+$x\"y é\u0026"}`,
		"compose":        `c4n/ary+$$x"y é&`,
		"query":          "?p=" + url.QueryEscape(text),
		"path":           "/" + url.PathEscape(text),
		"hex":            "00" + hex.EncodeToString([]byte(text)) + "00",
		"base64":         base64.StdEncoding.EncodeToString([]byte(text)),
		"base64, 1 in":   base64.StdEncoding.EncodeToString([]byte("a" + text + "b")),
		"base64, 2 in":   base64.StdEncoding.EncodeToString([]byte("ab" + text + "bc")),
		"bytes":          fmt.Sprintf("%v", []byte("a"+text+"b")),
		"bytes, in Go":   fmt.Sprintf("%#v", []byte("a"+text+"b")),
		"base64url":      base64.URLEncoding.EncodeToString([]byte("abc" + text)),
	} {
		if leak([]byte(content), text) == "" {
			t.Errorf("%s: not found in %s", name, content)
		}
	}
	if spelling := leak([]byte("c4n/ary is something else"), text); spelling != "" {
		t.Errorf("found %s where there is none", spelling)
	}
}
