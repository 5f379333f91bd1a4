package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/pkg/jsonmessage"
	"github.com/docker/go-units"
)

// pull gets an image, with the login that docker keeps for its registry.
func (s *Stack) pull(ctx context.Context, ref string, progress func(string)) error {
	platform := ""
	for _, service := range s.project.Services {
		if service.Image == ref && service.Platform != "" {
			platform = service.Platform
		}
	}
	s.engine.images.forget(ref)
	encoded, looked := login(ref)
	stream, err := s.engine.api.ImagePull(ctx, ref, image.PullOptions{RegistryAuth: encoded, Platform: platform})
	if err != nil {
		return explained(plainly(err), ref, platform, looked)
	}
	defer drain(stream)
	decoder, layers := json.NewDecoder(stream), layers{}
	for said := ""; ; {
		var message jsonmessage.JSONMessage
		if err := decoder.Decode(&message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return plainly(err)
		}
		if message.Error != nil {
			return explained(plainly(message.Error), ref, platform, looked)
		}
		layers.note(message)
		if text := layers.String(); text != said {
			said = text
			progress(text)
		}
	}
}

// layers is how far the layers of an image have come, by their short IDs.
type layers map[string]*layer

type layer struct {
	done, total int64 // bytes
	here        bool
}

// note takes in one message of a pull.
func (l layers) note(m jsonmessage.JSONMessage) {
	if m.ID == "" || strings.HasPrefix(m.Status, "Pulling from") {
		return
	}
	one := l[m.ID]
	if one == nil {
		one = &layer{}
		l[m.ID] = one
	}
	switch m.Status {
	case "Downloading":
		if m.Progress != nil {
			one.done, one.total = m.Progress.Current, max(m.Progress.Total, one.total)
		}
	case "Download complete":
		one.done = one.total
	case "Pull complete", "Already exists":
		one.here, one.done = true, one.total
	}
}

// String is "3 of 7 layers, 12.1MB of 40.2MB".
func (l layers) String() string {
	var here int
	var done, total int64
	for _, one := range l {
		done, total = done+one.done, total+one.total
		if one.here {
			here++
		}
	}
	if len(l) == 0 {
		return ""
	}
	text := fmt.Sprintf("%d of %d layers", here, len(l))
	if total > 0 {
		text += fmt.Sprintf(", %s of %s", units.HumanSize(float64(done)), units.HumanSize(float64(total)))
	}
	return text
}

// explained adds to an error of the engine what it means: on a machine of another kind than the
// image's, or at a registry that wants to know who asks. Looked says what became of the look for
// a login, and is nil where one was found.
func explained(err error, ref, platform string, looked error) error {
	text := err.Error()
	says := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
	}
	switch {
	case says("no matching manifest for", "does not match the specified platform"):
		if platform != "" {
			return fmt.Errorf("the image has no build for %s: %w", platform, err)
		}
		other := "linux/amd64"
		if says(other) {
			other = "linux/arm64"
		}
		return fmt.Errorf("the image has no build for this machine's processor; platform = %q runs another one by emulation, slowly: %w", other, err)
	case says("no such host", "connection refused", "network is unreachable", "i/o timeout", "TLS handshake timeout", "Client.Timeout exceeded"):
		return fmt.Errorf("the engine does not reach the registry %s: %w", registryOf(ref), err)
	case says("manifest unknown"):
		return fmt.Errorf("the registry %s has no such image: %w", registryOf(ref), err)
	case !says("no basic auth credentials", "unauthorized", "authentication required", "access to the resource is denied"):
		return err
	case errors.Is(looked, errNoLogin):
		return fmt.Errorf("the registry wants a login; run: docker login %s: %w", registryOf(ref), err)
	case looked != nil:
		return fmt.Errorf("the registry wants a login, and docker's could not be read (%w): %w", looked, err)
	}
	return fmt.Errorf("the registry refuses the login that docker keeps for it; run: docker login %s: %w", registryOf(ref), err)
}

// errNoLogin says that docker keeps no login for a registry.
var errNoLogin = errors.New("there is none")

// registryOf is the host of an image's registry.
func registryOf(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ""
	}
	return reference.Domain(named)
}

// login is the registry's login from docker's own configuration and credential helpers,
// encoded for the engine. Without one the pull is tried all the same: most registries want none.
func login(ref string) (encoded string, err error) {
	host := registryOf(ref)
	if host == "docker.io" {
		host = "https://index.docker.io/v1/"
	}
	file, err := config.Load(config.Dir())
	if err != nil {
		return "", err
	}
	auth, err := file.GetAuthConfig(host)
	if err != nil {
		return "", err
	}
	found := registry.AuthConfig{
		Username: auth.Username, Password: auth.Password, Auth: auth.Auth, ServerAddress: auth.ServerAddress,
		IdentityToken: auth.IdentityToken, RegistryToken: auth.RegistryToken,
	}
	if found == (registry.AuthConfig{ServerAddress: found.ServerAddress}) {
		return "", errNoLogin
	}
	return registry.EncodeAuthConfig(found)
}
