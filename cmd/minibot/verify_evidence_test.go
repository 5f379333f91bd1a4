package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"minibot/golden"
)

// TestEvidence makes the report of every file in golden/evidence, each of which minibot verify --collect wrote on some
// machine. To add a machine, put its file there and write the report beside it: MINIBOT_UPDATE=1.
func TestEvidence(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(golden.Dir(), "evidence", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no evidence (%v)", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			var out, stderr bytes.Buffer
			a := newApp(Globals{}, strings.NewReader(""), &out, &stderr)
			c := verifyCmd{Verbose: true, evidenceFlags: evidenceFlags{From: file}}
			c.format = "text"
			if err := c.Run(t.Context(), a); err != nil && outcomeOf(err).quiet == false {
				t.Fatal(err)
			}
			report := strings.TrimSuffix(file, ".json") + ".txt"
			if os.Getenv("MINIBOT_UPDATE") != "" {
				if err := os.WriteFile(report, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(report)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}
