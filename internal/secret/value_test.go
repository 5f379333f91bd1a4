package secret

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"log"
	"log/slog"
	"strings"
	"testing"
	texttemplate "text/template"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

const canary = "canary-4f1d\"\\x"

// holder has the value where fmt may call methods, and where it may not.
type holder struct {
	Shown  Value
	hidden Value
	Ptr    *Value
	ptr    *Value
	list   []Value
	byName map[string]Value
	any    any
	values Values
	key    Key
	masker Masker
	store  Store
}

func newHolder(v Value) holder {
	return holder{v, v, &v, &v, []Value{v}, map[string]Value{"a": v}, v, NewValues(map[string]Value{"a": v}), Key{v}, NewMasker(v),
		guarded{"env", envStore{"a": v}}}
}

func mustNotShow(t *testing.T, how, text string) {
	t.Helper()
	b := []byte(canary)
	for _, form := range []string{canary, fmt.Sprintf("%x", b), fmt.Sprintf("%X", b), fmt.Sprintf("% x", b), fmt.Sprintf("%q", canary), fmt.Sprint(b),
		strings.Trim(fmt.Sprintf("%#v", b), "[]byte{}"), "canary"} {
		if strings.Contains(text, form) {
			t.Errorf("%s shows the value: %s", how, text)
			return
		}
	}
}

func TestValuePrintsStars(t *testing.T) {
	v := NewValue([]byte(canary))
	for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "t", "T", "p", "c", "U", "b", "o", "O", "e", "g", "f", "w", "z", "10s", "-5.2q", "# x", "%"} {
		for _, x := range []any{v, &v, []Value{v}, newHolder(v), new(newHolder(v)), map[string]any{"k": v}, v.peek} {
			mustNotShow(t, "%"+verb, fmt.Sprintf("%"+verb, x))
		}
		if verb != "T" && verb != "p" && verb != "%" && verb != "w" {
			if got := fmt.Sprintf("%"+verb, v); got != "***" {
				t.Errorf("%%%s = %s", verb, got)
			}
		}
	}
	mustNotShow(t, "Errorf %w", fmt.Errorf("%w", error(fmt.Errorf("%v", v))).Error())
	for _, s := range []string{v.String(), v.GoString(), fmt.Sprint(v), fmt.Sprint(Values{}), fmt.Sprint(Key{v}), Value{}.String()} {
		if s != "***" {
			t.Errorf("got %s", s)
		}
	}
}

func TestValueEncodesAsStars(t *testing.T) {
	v := NewValue([]byte(canary))
	type open struct {
		V Value  `json:"v" yaml:"v" xml:"v"`
		P *Value `json:"p" yaml:"p" xml:"p,attr"`
	}
	for name, encode := range map[string]func() ([]byte, error){
		"json": func() ([]byte, error) { return json.Marshal(open{v, &v}) },
		"yaml": func() ([]byte, error) { return yaml.Marshal(open{v, &v}) },
		"xml":  func() ([]byte, error) { return xml.Marshal(open{v, &v}) },
	} {
		got, err := encode()
		if err != nil {
			t.Fatal(name, err)
		}
		mustNotShow(t, name, string(got))
		if strings.Count(string(got), "***") != 2 {
			t.Errorf("%s = %s", name, got)
		}
	}
	for name, encode := range map[string]func(any) ([]byte, error){"json": json.Marshal, "yaml": yaml.Marshal} {
		got, _ := encode(map[string]any{"values": NewValues(map[string]Value{"a": v}), "item": v})
		mustNotShow(t, name, string(got))
	}

	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(open{v, &v}); err == nil {
		t.Error("gob took it")
	}
	mustNotShow(t, "gob", buf.String())
}

func TestValueInLogs(t *testing.T) {
	v := NewValue([]byte(canary))
	var buf bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&buf, nil), slog.NewJSONHandler(&buf, nil)} {
		slog.New(handler).With("with", v).Info("message", "v", v, "p", &v, "holder", newHolder(v), slog.Group("g", "v", v), "err", fmt.Errorf("%v", v))
	}
	log.New(&buf, "", 0).Print(v, newHolder(v))
	texttemplate.Must(texttemplate.New("").Parse("{{.}} {{printf `%s` .}}")).Execute(&buf, v)
	template.Must(template.New("").Parse("{{.}}")).Execute(&buf, v)
	func() {
		defer func() { fmt.Fprint(&buf, recover()) }()
		panic(fmt.Sprintf("%v %+v", v, newHolder(v)))
	}()
	fmt.Fprint(&buf, cmp.Diff([]Value{v}, []Value{NewValue([]byte("canary too"))}))
	mustNotShow(t, "log", buf.String())
}

func TestValueRevealsACopy(t *testing.T) {
	source := []byte("value")
	v := NewValue(source)
	source[0] = 'X'
	v.Reveal()[1] = 'Y'
	if got := string(v.Reveal()); got != "value" {
		t.Errorf("Reveal = %s", got)
	}
	if got := (Value{}).Reveal(); got != nil {
		t.Errorf("zero reveals %v", got)
	}
}

func TestValueEqual(t *testing.T) {
	a, b, c := NewValue([]byte("one")), NewValue([]byte("one")), NewValue([]byte("two"))
	if !a.Equal(b) || a.Equal(c) || a.Equal(Value{}) || !(Value{}).Equal(NewValue(nil)) {
		t.Error("Equal is wrong")
	}
	if !cmp.Equal(a, b) || cmp.Equal(a, c) {
		t.Error("cmp does not use Equal")
	}
	if a.IsZero() || !(Value{}).IsZero() || !NewValue([]byte{}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"A", "_", "a1", "POSTGRES_PASSWORD", "_label"} {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "1A", "A-B", "A B", "A\n", "Ä", "A\x00", "../A", `A"`, "_label_key", "_label_key2"} {
		if CheckName(name) == nil {
			t.Errorf("%q passed", name)
		}
	}
	for _, stack := range []string{"", ".", "..", "a/b", "-a", "A", `a"`, "a b"} {
		if checkStack(stack) == nil {
			t.Errorf("stack %q passed", stack)
		}
	}
}

func TestGenerate(t *testing.T) {
	seen := map[string]bool{}
	count := map[rune]int{}
	for range 500 {
		v, err := Generate()
		if err != nil {
			t.Fatal(err)
		}
		text := string(v.Reveal())
		if len(text) != 32 || seen[text] || strings.Trim(text, base62) != "" {
			t.Fatalf("%d characters, seen before: %v", len(text), seen[text])
		}
		seen[text] = true
		for _, r := range text {
			count[r]++
		}
	}
	for _, r := range base62 {
		if count[r] == 0 {
			t.Errorf("%c never occurs in 16000 characters", r)
		}
	}
	// Bytes taken modulo 62 prefer the first eight characters: 2500 of 16000 instead of 2065, standard deviation 42.
	// 300 is seven deviations, so this fails by chance once in 10^11 runs.
	first := 0
	for _, r := range base62[:8] {
		first += count[r]
	}
	if first < 2065-300 || first > 2065+300 {
		t.Errorf("the first eight characters make up %d of 16000", first)
	}
}

func TestErrorText(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("apply: %w", &Error{Store: "file", Name: "A", Kind: ErrLocked, Detail: "why", Remedy: "do this", Cause: cause})
	if got, want := err.Error(), "apply: file store: A: locked (why): cause; do this"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if !errors.Is(err, ErrLocked) || !errors.Is(err, cause) || errors.Is(err, ErrNotFound) {
		t.Error("Unwrap is wrong")
	}
	for i, a := range []error{ErrNotFound, ErrLocked, ErrDenied, ErrUnavailable, ErrReadOnly} {
		for j, b := range []error{ErrNotFound, ErrLocked, ErrDenied, ErrUnavailable, ErrReadOnly} {
			if errors.Is(a, b) != (i == j) {
				t.Errorf("%v is %v", a, b)
			}
		}
	}
}
