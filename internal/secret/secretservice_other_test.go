//go:build !linux

package secret

import (
	"os"
	"testing"
)

func TestKeyringIsInThisBuild(t *testing.T) {
	if os.Getenv("MINIBOT_TEST_KEYRING") == "1" {
		t.Fatal("MINIBOT_TEST_KEYRING=1, and this build has no secret-service store to test")
	}
	t.Skip("this build has no secret-service store")
}
