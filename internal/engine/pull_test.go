package engine

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/docker/docker/pkg/jsonmessage"
)

// What an engine says while it pulls, as lines of its answer, and what is said of it.
func TestLayers(t *testing.T) {
	l := layers{}
	for _, c := range []struct{ line, want string }{
		{`{"status":"Pulling from library/redis","id":"7"}`, ""},
		{`{"status":"Pulling fs layer","progressDetail":{},"id":"a"}`, "0 of 1 layers"},
		{`{"status":"Already exists","progressDetail":{},"id":"b"}`, "1 of 2 layers"},
		{`{"status":"Downloading","progressDetail":{"current":1000000,"total":4000000},"id":"a"}`, "1 of 2 layers, 1MB of 4MB"},
		{`{"status":"Downloading","progressDetail":{"current":3000000,"total":4000000},"id":"a"}`, "1 of 2 layers, 3MB of 4MB"},
		{`{"status":"Download complete","progressDetail":{},"id":"a"}`, "1 of 2 layers, 4MB of 4MB"},
		{`{"status":"Extracting","progressDetail":{"current":32768,"total":4000000},"id":"a"}`, "1 of 2 layers, 4MB of 4MB"},
		{`{"status":"Pull complete","progressDetail":{},"id":"a"}`, "2 of 2 layers, 4MB of 4MB"},
		{`{"status":"Digest: sha256:0123"}`, "2 of 2 layers, 4MB of 4MB"},
	} {
		var message jsonmessage.JSONMessage
		if err := json.Unmarshal([]byte(c.line), &message); err != nil {
			t.Fatal(err)
		}
		l.note(message)
		if got := l.String(); got != c.want {
			t.Errorf("after %s: %q, want %q", c.line, got, c.want)
		}
	}
}

func TestExplained(t *testing.T) {
	other := errors.New("no space left on device")
	if got := explained(other, ""); got != other {
		t.Errorf("%v", got)
	}
	none := errors.New("no matching manifest for linux/arm64/v8 in the manifest list entries")
	if got := explained(none, ""); !errors.Is(got, none) || !strings.Contains(got.Error(), `platform = "linux/amd64"`) {
		t.Errorf("%v", got)
	}
	if got := explained(none, "linux/arm64"); !errors.Is(got, none) || !strings.Contains(got.Error(), "no build for linux/arm64") {
		t.Errorf("%v", got)
	}
}
