package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// What a .env text says, as a person would read it: "value", (bare) or (dollar).
func TestParseEnv(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want map[string]string
	}{
		"nothing":            {"", map[string]string{}},
		"comments":           {"# A=1\n\n  # $B ${C\n", map[string]string{}},
		"plain":              {"A=one\nB = two words \nC=\n", map[string]string{"A": "one", "B": "two words", "C": ""}},
		"no newline at end":  {"A=one", map[string]string{"A": "one"}},
		"inline comment":     {"A=one # two\nB=one#two\nC='one # two' # three\n", map[string]string{"A": "one", "B": "one#two", "C": "one # two"}},
		"export":             {"export A=one\nexport  B='two'\n", map[string]string{"A": "one", "B": "two"}},
		"yaml's colon":       {"A: one\n", map[string]string{"A": "one"}},
		"equals signs":       {"A=one=two==\n", map[string]string{"A": "one=two=="}},
		"quotes":             {`A="say \"hi\""` + "\n" + `B='it\'s'` + "\n" + `C=it's "fine"` + "\n", map[string]string{"A": `say "hi"`, "B": "it's", "C": `it's "fine"`}},
		"escapes":            {`A="a\tb\nc\\d"` + "\n" + `B='a\tb\\'` + "\n" + `C=a\tb` + "\n", map[string]string{"A": "a\tb\nc\\d", "B": `a\tb\\`, "C": `a\tb`}},
		"several lines":      {"A='one\ntwo\n'\nB=\"three\nfour\"\nC=5\n", map[string]string{"A": "one\ntwo\n", "B": "three\nfour", "C": "5"}},
		"Windows":            {"\ufeffA=one\r\nB='two'\r\nC=\"three\r\nfour\"\r\nD=\r\n", map[string]string{"A": "one", "B": "two", "C": "three\nfour", "D": ""}},
		"twice":              {"A=one\nA=two\n", map[string]string{"A": "two"}},
		"twice, then dollar": {"A=one\nA=$B\n", map[string]string{"A": "(dollar)"}},
		"without value":      {"A\nexport B\nC=1\nD", map[string]string{"A": "(bare)", "B": "(bare)", "C": "1", "D": "(bare)"}},
		"dollars":            {"A=$B\nB=a${C}b\nC=\"x$y\"\nD=a$$b\nE=a$5\nF=a$\nG=\"${H:-x}\"\nH=\"${\"\nI=\\$x\nJ=$", dollars("ABCDEFGHIJ")},
		"dollars as they are": {"A='$B'\nB='a${C}b'\nC='$'\nD='a$$b'\nE=\"a\\$b\"\nF=\"\\${MINIBOT_DOLLAR}\"\nG='${MINIBOT_DOLLAR}' # $x\nH=1 # $x\n",
			map[string]string{"A": "$B", "B": "a${C}b", "C": "$", "D": "a$$b", "E": "a$b", "F": "${MINIBOT_DOLLAR}", "G": "${MINIBOT_DOLLAR}", "H": "1"}},
		"not UTF-8": {"A='\xff\xfe'\nB=\xff\n", map[string]string{"A": "\xff\xfe", "B": "\xff"}},
	} {
		entries, err := parseEnv([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := map[string]string{}
		for name, entry := range entries {
			switch {
			case entry.dollar:
				got[name] = "(dollar)"
			case entry.bare:
				got[name] = "(bare)"
			default:
				got[name] = string(entry.value.Reveal())
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func dollars(names string) map[string]string {
	all := map[string]string{}
	for _, name := range names {
		all[string(name)] = "(dollar)"
	}
	return all
}

// What cannot be read is an error with a line, and never shows any of the text.
func TestParseEnvErrors(t *testing.T) {
	const canary = "c4nary"
	for name, c := range map[string]struct {
		text, want string
	}{
		"a space in the name":       {"A=1\n# x\nMY c4nary=2\n", ".env:3: this is not NAME=value"},
		"a character in the name":   {"A=1\n\nc4nary+/x=2\n", ".env:3: this is not NAME=value"},
		"a key over several lines":  {"A=-----BEGIN\nc4nary/c4nary+\n-----END\n", ".env:2: this is not NAME=value"},
		"an open quote":             {"A=1\nB='c4nary\nC=2\nD=3\n", ".env:2: a quote is opened"},
		"an open quote at the end":  {"A=1\nB=2\nC=\"c4nary", ".env:3: a quote is opened"},
		"a quote within quotes":     {"A=1\nB='it's c4nary'\n", ".env:2: this is not NAME=value"},
		"text behind a quote":       {"A=1\nB='pass'c4nary\nC=2\n", ".env:2: there is text behind a closing quote"},
		"a value behind a quote":    {"A=1\nB='pass'c4nary=2\n", ".env:2: there is text behind a closing quote"},
		"text behind, with a space": {"B=\"pass\" c4nary=2\n", ".env:1: there is text behind a closing quote"},
		"a backslash before it":     {"A='c4nary\\'\nB='2'\n", ".env:2: this is not NAME=value"},
		"NUL":                       {"A=1\nB=c4nary\x00\n", ".env:2: there is a NUL byte"},
		"UTF-16":                    {"\xff\xfeA\x00=\x001\x00", ".env:1: there is a NUL byte"},
		"old Mac":                   {"A=1\rB=c4nary\r", ".env:1: there is a carriage return"},
		"Windows":                   {"A=1\r\nB=2\r\nc4nary c4nary\r\n", ".env:3: this is not NAME=value"},
		"a dollar in the name":      {"A=1\nB$c4nary=1\n", ".env:2: this is not NAME=value"},
	} {
		_, err := parseEnv([]byte(c.text))
		fault := new(envError)
		if !errors.As(err, &fault) {
			t.Errorf("%s: %v, want an envError", name, err)
			continue
		}
		if got := fault.place(".env").Error(); !strings.HasPrefix(got, c.want) || strings.Contains(got, canary) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// A name that the spec does not have is shown only if it cannot be a piece of a value.
func TestMayName(t *testing.T) {
	entries, err := parseEnv([]byte("DEBUG=1\nEMPTY=\nJBSWY3DPEHPK3PXP====\nMIIEvQ=\nlower=1\nBARE\nA.B=1\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, entry := range entries {
		if want := name == "DEBUG"; entry.mayName() != want {
			t.Errorf("%s: %v, want %v", name, entry.mayName(), want)
		}
	}
}

func TestImportReads(t *testing.T) {
	a := &app{stderr: os.Stderr}
	c := &secretImportCmd{}
	a.stdin = bytes.NewReader(make([]byte, maxEnv+1))
	if _, err := c.read(t.Context(), a); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("too much: %v", err)
	}
	a.stdin = iotest.ErrReader(errors.New("broken"))
	if _, err := c.read(t.Context(), a); err == nil || !strings.Contains(err.Error(), "read standard input: broken") {
		t.Errorf("broken: %v", err)
	}
	// A pipe that nobody writes to.
	c.Env = filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(c.Env, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.read(ctx, a); !errors.Is(err, context.Canceled) {
		t.Errorf("a silent pipe: %v", err)
	}
	if _, err := parseEnv(bytes.Repeat([]byte("#\n"), maxEnv/2)); err != nil { // the parser calls itself for each
		t.Errorf("comments: %v", err)
	}
}

func TestShellWord(t *testing.T) {
	for path, want := range map[string]string{
		".env": ".env", "/a/b-c.env": "/a/b-c.env", "my file": "'my file'", "it's": `'it'\''s'`, "-rf": "./-rf", "$x": "'$x'",
	} {
		if got := shellWord(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for value, want := range map[string]string{
		"plain": "plain", "pässwörd 🔑\ttab": "pässwörd 🔑\ttab", "two\nlines\n": "two\nlines",
		"\x1b[31mred": `"\x1b[31mred"`, "a\rb": `"a\rb"`, "\xff": `"\xff"`, "nul\x00": `"nul\x00"`, "\u202eabc": `"\u202eabc"`,
	} {
		got, escaped := printable([]byte(value))
		if got != want || escaped != strings.HasPrefix(want, `"`) {
			t.Errorf("%q: %s, %v; want %s", value, got, escaped, want)
		}
	}
}

// Whatever stands in single quotes comes out as it went in; whatever the text, no part of it
// is in an error.
func FuzzParseEnv(f *testing.F) {
	for _, value := range []string{"x", "$a", "${A:-b}", "a # b", "\"", "\n", "${MINIBOT_DOLLAR}", "\\$", "a=b\nC=d"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		_, _ = parseEnv([]byte(value)) // does not panic
		if strings.ContainsAny(value, "'\\\x00\r") {
			return
		}
		entries, err := parseEnv([]byte("A='" + value + "'\nB=2\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(entries["A"].value.Reveal()); got != value || len(entries) != 2 {
			t.Errorf("%q came out as %q, of %d", value, got, len(entries))
		}
	})
}
