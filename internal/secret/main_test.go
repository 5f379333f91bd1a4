package secret

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestMain lets the test binary stand in for programs: started by the name "security" it is the fake of
// fake_security_test.go, and by "vault" that of fake_vault_test.go. The name, and not a variable, because the
// environment of that child is itself under test.
func TestMain(m *testing.M) {
	// Not os.Exit: with -race that waits a second for reports, in each of a hundred runs.
	switch filepath.Base(os.Args[0]) {
	case "security":
		syscall.Exit(fakeSecurity(filepath.Dir(os.Args[0])))
	case "vault":
		syscall.Exit(fakeVault(os.Args[1:]))
	}
	if os.Getenv("MINIBOT_TEST_HARDEN") != "" {
		syscall.Exit(hardenChild())
	}
	os.Exit(m.Run())
}
