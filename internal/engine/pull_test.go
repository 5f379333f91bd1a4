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
	const image = "hub.example:5000/shop/web:1"
	helper := errors.New("docker-credential-missing: not found")
	for _, c := range []struct {
		said, platform string
		looked         error
		want           string
	}{
		{"no space left on device", "", nil, "no space left on device"},
		{"no matching manifest for linux/arm64/v8 in the manifest list entries", "", nil, `the image has no build for this machine's processor; platform = "linux/amd64" runs another one by emulation, slowly: `},
		{"no matching manifest for linux/amd64 in the manifest list entries", "", nil, `the image has no build for this machine's processor; platform = "linux/arm64" runs another one by emulation, slowly: `},
		{"no matching manifest for linux/arm64 in the manifest list entries", "linux/arm64", nil, "the image has no build for linux/arm64: "},
		{"Get \"https://hub.example:5000/v2/\": dial tcp: lookup hub.example: no such host", "", nil, "the engine does not reach the registry hub.example:5000: "},
		{"manifest unknown", "", errNoLogin, "the registry hub.example:5000 has no such image: "},
		{"no basic auth credentials", "", errNoLogin, "the registry wants a login; run: docker login hub.example:5000: "},
		{"unauthorized: authentication required", "", nil, "the registry refuses the login that docker keeps for it; run: docker login hub.example:5000: "},
		{"pull access denied for web, requested access to the resource is denied", "", helper, "the registry wants a login, and docker's could not be read (docker-credential-missing: not found): "},
	} {
		said := errors.New(c.said)
		got := explained(said, image, c.platform, c.looked)
		if !errors.Is(got, said) || got.Error() != strings.TrimSuffix(c.want, c.said)+c.said {
			t.Errorf("%v", got)
		}
	}
}
