package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
)

// exhibits are all that may have leaked: texts by the place where they were found. It is
// searched at the end, when every value is known.
type exhibits struct {
	mu     sync.Mutex
	texts  map[string][][]byte // by place
	seen   map[[sha256.Size]byte]bool
	sought map[string][]string // values by the secret's name: one may have had several
}

// hit is a secret in a place.
type hit struct{ secret, place, spelling string }

func newExhibits() *exhibits {
	return &exhibits{texts: map[string][][]byte{}, seen: map[[sha256.Size]byte]bool{}, sought: map[string][]string{}}
}

// secret makes a value one to search for.
func (e *exhibits) secret(name, value string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Contains(e.sought[name], value) {
		e.sought[name] = append(e.sought[name], value)
	}
}

// add keeps a text. The same one at the same place is kept once.
func (e *exhibits) add(place string, text []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sum := sha256.Sum256(append([]byte(place+"\x00"), text...))
	if len(text) > 0 && !e.seen[sum] {
		e.seen[sum] = true
		e.texts[place] = append(e.texts[place], bytes.Clone(text))
	}
}

// addJSON keeps an answer of the engine, each field of its objects as a place of its own:
// "inspect of X: Config.Env".
func (e *exhibits) addJSON(place string, answer []byte) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(answer, &fields) != nil {
		e.add(place, answer)
		return
	}
	for name, field := range fields {
		var deeper map[string]json.RawMessage
		if json.Unmarshal(field, &deeper) != nil || len(deeper) == 0 {
			e.add(place+": "+name, field)
		}
		for below, value := range deeper {
			e.add(place+": "+name+"."+below, value)
		}
	}
}

// addFiles keeps every file below a folder.
func (e *exhibits) addFiles(label, dir string) {
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil // gone while we look
		}
		if content, err := os.ReadFile(path); err == nil {
			e.add(label+strings.TrimPrefix(path, dir), content)
		}
		return nil
	})
}

// search finds every secret that has a spelling anywhere.
func (e *exhibits) search() (hits []hit) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range sortedKeys(e.sought) {
		var needles []string
		for _, value := range e.sought[name] {
			needles = append(needles, pieces(value)...)
		}
		for place, texts := range e.texts {
			if i := slices.IndexFunc(needles, func(needle string) bool {
				return slices.ContainsFunc(texts, func(text []byte) bool { return bytes.Contains(text, []byte(needle)) })
			}); i >= 0 {
				hits = append(hits, hit{name, place, needles[i]})
			}
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return strings.Compare(a.place, b.place) })
	return hits
}

// pieces are the spellings of a value and of each long word in it: what shows a part of a
// value shows too much, and words are written as they are in every way of quoting.
func pieces(value string) []string {
	all := spellings(value)
	for word := range strings.FieldsFuncSeq(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(word) >= 16 {
			all = append(all, spellings(word)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// permit says where secrets stand rightly. Each must be found there: that is the proof that
// the search looks.
type permit struct {
	secret, place *regexp.Regexp
	why           string
}

func allow(secret, place, why string) permit {
	return permit{regexp.MustCompile("^(?:" + secret + ")$"), regexp.MustCompile("^(?:" + place + ")$"), why}
}

// judge returns the hits that no permit covers, and the permits that had none.
func judge(hits []hit, permits []permit) (leaks []hit, unused []permit) {
	used := make([]bool, len(permits))
	for _, h := range hits {
		found := false
		for i, p := range permits {
			if p.secret.MatchString(h.secret) && p.place.MatchString(h.place) {
				found, used[i] = true, true
			}
		}
		if !found {
			leaks = append(leaks, h)
		}
	}
	for i, p := range permits {
		if !used[i] {
			unused = append(unused, p)
		}
	}
	return leaks, unused
}

func (h hit) String() string { return fmt.Sprintf("%s in %s, as %q", h.secret, h.place, h.spelling) }
func (p permit) String() string {
	return fmt.Sprintf("%s in %s (%s)", p.secret, p.place, p.why)
}

// The search finds a value in whatever way it is written, and a part of one; what is
// permitted is no leak, and what is permitted in vain is said.
func TestExhibits(t *testing.T) {
	const value = "FIRSTWORDOFSIXTEEN +/=%&<é>\n\"SECONDWORDOFSIXTEEN\""
	e := newExhibits()
	e.secret("S", value)
	written := map[string]string{
		"plain": value, "one line": "12:00 \"SECONDWORDOFSIXTEEN\"", "a half": "*** +/=%&<é>\n\"SECONDWORDOFSIXTEEN",
		"JSON": quoted(value, true), "JSON in JSON": quoted(quoted(value, true), true), "URL": "?q=" + url.QueryEscape(value),
		"hex": hex.EncodeToString([]byte("x" + value)), "bytes": fmt.Sprint([]byte(value)), "Go": fmt.Sprintf("%#v", []byte(value)),
		"base64": base64.StdEncoding.EncodeToString([]byte(value)), "base64, 1 in": base64.StdEncoding.EncodeToString([]byte("x" + value)),
		"base64, 2 in": base64.URLEncoding.EncodeToString([]byte("xx" + value)),
	}
	for way, text := range written {
		e.add(way, []byte(text))
	}
	e.add("nothing", []byte("FIRSTWORDOFSIX +/=%&"))
	e.add("allowed", []byte(value))
	leaks, unused := judge(e.search(), []permit{allow("S", "allowed", ""), allow("S", "nothing", ""), allow("T", ".*", "")})
	for _, leak := range leaks {
		if _, ok := written[leak.place]; !ok {
			t.Errorf("found %s", leak)
		}
		delete(written, leak.place)
	}
	for way := range written {
		t.Errorf("not found: %s", way)
	}
	if len(unused) != 2 {
		t.Errorf("unused: %v, want two", unused)
	}
}
