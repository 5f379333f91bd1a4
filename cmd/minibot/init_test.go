package main

import (
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
