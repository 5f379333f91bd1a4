package verify_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"minibot/verify"
)

// A name that no check has is answered with what may have been meant.
func TestFindUnknown(t *testing.T) {
	for name, want := range map[string]string{
		"net.publish.lopback": `; did you mean "net.publish.loopback"?`,
		"harb":                `; did you mean "hard"?`,
		"limit.everything":    "; those of limit are: limit.memory, limit.cpu, limit.pids",
		"nonsense":            "; the families are: stack, net, ",
		"":                    "; the families are: stack, net, ",
	} {
		_, err := verify.Find(name)
		var unknown *verify.UnknownError
		if !errors.As(err, &unknown) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}

// All that the table says of a check is shown, in lines that fit.
func TestExplain(t *testing.T) {
	var list bytes.Buffer
	if err := verify.WriteList(&list, verify.Checks(), verify.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	fits(t, list.String())
	for _, c := range verify.Checks() {
		var out bytes.Buffer
		if err := c.WriteText(&out, verify.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		fits(t, out.String())
		for _, words := range []string{c.ID, c.Claim, c.Why, c.How, c.Applies, c.Attribute, string(c.Severity), c.CIS, c.Remedy} {
			if !strings.Contains(unwrapped(out.String()), unwrapped(words)) {
				t.Errorf("%s: not shown: %s", c.ID, words)
			}
		}
		for _, words := range []string{c.ID, string(c.Severity), c.CIS} {
			if !strings.Contains(list.String(), words) {
				t.Errorf("%s: not listed: %s", c.ID, words)
			}
		}
	}
}

func unwrapped(text string) string { return strings.Join(strings.Fields(text), " ") }

func fits(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 100 {
			t.Errorf("wider than 100: %s", line)
		}
	}
}
