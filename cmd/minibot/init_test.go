package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// The help names the services that there are.
func TestInitHelp(t *testing.T) {
	var names []string
	for _, preset := range presets().Services {
		names = append(names, preset.Name)
	}
	field, _ := reflect.TypeFor[initCmd]().FieldByName("Service")
	if help := field.Tag.Get("help"); !strings.HasSuffix(help, ": "+strings.Join(names, ", ")+".") {
		t.Errorf("--service: %q, want it to end with %q", help, names)
	}
}

// What init cuts its presets from is the reference stack that people read. MINIBOT_UPDATE=1
// takes it over.
func TestInitExample(t *testing.T) {
	there, err := os.ReadFile(filepath.Join("..", "..", "minibot.hcl.example"))
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("MINIBOT_UPDATE") == "1" {
		if err := os.WriteFile("example.hcl", there, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(there, referenceStack) {
		t.Error("example.hcl is not minibot.hcl.example; run: MINIBOT_UPDATE=1 go test ./cmd/minibot -run TestInitExample")
	}
}
