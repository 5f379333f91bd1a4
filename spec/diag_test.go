package spec_test

import (
	"bytes"
	"strings"
	"testing"

	"minibot/golden"
	"minibot/spec"
)

// TestDiagnostics holds every message against golden/diag, as people see it.
func TestDiagnostics(t *testing.T) {
	golden.Run(t, "diag", func(t *testing.T, c golden.Case) map[string]string {
		var vars spec.Variables
		if c.Has("vars") {
			vars.Flags = map[string]string{}
			for line := range strings.Lines(c.File(t, "vars")) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				vars.Flags[name] = value
			}
		}
		_, diags := spec.Parse([]byte(c.File(t, "minibot.hcl")), "minibot.hcl", vars)
		var out bytes.Buffer
		if err := diags.WriteText(&out, 100, false); err != nil {
			t.Fatal(err)
		}
		if out.Len() == 0 {
			t.Error("no message at all")
		}
		if strings.ContainsAny(out.String(), "\uE000\uE001") {
			t.Error("a message shows the mark of a secret")
		}
		return map[string]string{"diagnostics": out.String()}
	})
}
