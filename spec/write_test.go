package spec_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"minibot/spec"
)

// TestNoMarksInMessages puts a secret where messages quote a value.
func TestNoMarksInMessages(t *testing.T) {
	for _, lines := range []string{
		`hostname = secret.TOKEN.value`,
		`image = "${secret.TOKEN.value}:x"`,
		`restart = secret.TOKEN.value`,
		`user = tonumber("x${secret.TOKEN.value}")`,
		`user = tonumber(join("", [secret.TOKEN.value]))`,
		`command = [{ a = secret.TOKEN.value }]`,
		`env = { (secret.TOKEN.value) = 1 }`,
		`env = { A = { a = 1 }[secret.TOKEN.value] }`,
		`env = { A = ["a"][secret.TOKEN.value] }`,
		`env = { A = jsondecode("{${secret.TOKEN.value}") }`,
		`env = { A = format("%d", secret.TOKEN.value) }`,
		`env = { A = lookup({}, secret.TOKEN.value) }`,
		`env = { A = !secret.TOKEN.value }`,
		`env = { A = 1 + secret.TOKEN.value }`,
		`env = { A = secret.TOKEN.value ? 1 : 2 }`,
		`labels = { A = zipmap([secret.TOKEN.value], [1]) }`,
		`tmpfs = [secret.TOKEN.value]`,
		`tmpfs = ["\uE000sS:TOKEN\uE001", "a\uE001"]`,
		`file "\uE000sS:TOKEN\uE001" { content = "" }`,
		`volume "\uE000sS:TOKEN\uE001" { target = "x" }`,
		`ulimit "\uE000sS:TOKEN\uE001" { soft = 1 }`,
		`restart = "\uE000sS:TOKEN\uE001"`,
		"restart = \"\uE000sS:TOKEN\uE001\"",
		`logging { driver = format("%c", 57344) }`,
	} {
		_, diags := spec.Parse([]byte(around("  "+lines)), "minibot.hcl", spec.Variables{})
		if !diags.HasErrors() {
			t.Errorf("%s: no error", lines)
		}
		shown := text(t, diags)
		for _, item := range diags.Items() {
			shown += item.Summary + item.Detail
		}
		if strings.ContainsAny(shown, "\uE000\uE001") || strings.Contains(strings.ReplaceAll(shown, lines, ""), `\ue00`) || strings.Contains(shown, "\uE000sS:") {
			t.Errorf("%s: the message shows the mark of a secret:\n%s", lines, shown)
		}
	}
}

// TestUnknownWithSecret once was a panic: text of which a part is wrong, and a part secret.
func TestUnknownWithSecret(t *testing.T) {
	_, diags := spec.Parse([]byte(around("  env = { A = \"${var.x}${secret.TOKEN.value}\" }")+"\nvariable \"x\" {}\n"), "minibot.hcl", spec.Variables{})
	var got []string
	for _, item := range diags.Items() {
		got = append(got, item.Summary)
	}
	if diff := cmp.Diff([]string{"Variable without a value"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWriteText(t *testing.T) {
	src := "name = \"minibot\"\r\n\r\nnetwork \"a\" {}\r\n\r\nservice \"db\" {\r\n\timage = \"\\u001b[2J\x1bA:ü\"\r\n}\r\n"
	_, diags := spec.Parse([]byte(src), "minibot.hcl", spec.Variables{})
	var plain, color bytes.Buffer
	if err := diags.WriteText(&plain, 0, false); err != nil {
		t.Fatal(err)
	}
	if err := diags.WriteText(&color, 40, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"  6 |     image = \"\\u001b[2J\uFFFDA:ü\"\n",
		"    |             ^^^^^^^^^^^^^^^\n",
	} {
		if !strings.Contains(plain.String(), want) {
			t.Errorf("%q is not in\n%q", want, plain.String())
		}
	}
	if strings.ContainsAny(plain.String(), "\x1b\r\t") {
		t.Errorf("control characters in %q", plain.String())
	}
	for line := range strings.Lines(color.String()) {
		if !strings.Contains(line, "|") && !strings.HasPrefix(line, "\x1b") && len([]rune(line)) > 60 {
			t.Errorf("not wrapped: %q", line)
		}
	}
	if !strings.HasPrefix(color.String(), "\x1b[1;31mError:\x1b[0m \x1b[1m") {
		t.Errorf("no colour: %q", color.String())
	}
}

func TestItems(t *testing.T) {
	stack, diags := spec.Parse([]byte(around("  env = { A = secret.TOKEN.value }")), "minibot.hcl", spec.Variables{})
	if diags.HasErrors() || diags.Empty() || stack == nil {
		t.Fatal(text(t, diags))
	}
	first := diags.Items()[0]
	first.Detail = ""
	want := spec.Diagnostic{Severity: "warning", Summary: "Secret not used", File: "minibot.hcl", Line: 5, Column: 8}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for src, want := range map[string]string{
		around("  user = 1.5.5"):                 "minibot.hcl has an error",
		around("  colour = 1") + "\nfoo {}\n":    "minibot.hcl has 2 errors",
		around("  env = { A = secret.A.value }"): "minibot.hcl has an error",
	} {
		if _, diags := spec.Parse([]byte(src), "minibot.hcl", spec.Variables{}); diags.Error() != want {
			t.Errorf("got %q, want %q\n%s", diags.Error(), want, text(t, diags))
		}
	}
}
