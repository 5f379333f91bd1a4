package secret

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestEnvStoreTakesTheVariablesAway(t *testing.T) {
	t.Setenv("MINIBOT_SECRET_TOKEN", canary)
	t.Setenv("MINIBOT_SECRET_EMPTY", "")
	t.Setenv("MINIBOT_SECRETS_DIR", "/stays")
	s := mustOpen(t, "env")

	for _, pair := range append(os.Environ(), exec.Command("true").Environ()...) {
		if strings.HasPrefix(pair, "MINIBOT_SECRET_") {
			t.Errorf("a child would inherit %s", pair)
		}
	}
	if os.Getenv("MINIBOT_SECRETS_DIR") != "/stays" {
		t.Error("MINIBOT_SECRETS_DIR is gone")
	}
	wantValue(t, s, "TOKEN", canary)

	key, err := LoadKey(context.Background(), s, true)
	if err == nil || !strings.Contains(err.Error(), "MINIBOT_SECRET__label_key") {
		t.Errorf("key %v, error %v", key, err)
	}
}
