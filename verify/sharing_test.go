package verify_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"minibot/internal/host"
	"minibot/spec"
)

// A spec may allow exactly what can be found.
func TestSharingKinds(t *testing.T) {
	if diff := cmp.Diff(spec.SharingKinds(), host.Sharings()); diff != "" {
		t.Errorf("what a spec may allow, and what is found (-want +got):\n%s", diff)
	}
}
