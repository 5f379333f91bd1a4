package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	stream, err := s.engine.api.ImagePull(ctx, ref, image.PullOptions{RegistryAuth: login(ref), Platform: platform})
	if err != nil {
		return wrap("pull image", explained(err, platform))
	}
	defer drain(stream)
	decoder, layers := json.NewDecoder(stream), layers{}
	for said := ""; ; {
		var message jsonmessage.JSONMessage
		if err := decoder.Decode(&message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return wrap("pull image", err)
		}
		if message.Error != nil {
			return wrap("pull image", explained(message.Error, platform))
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

// explained adds to an error of the engine what it means on a machine of another kind than
// the image's.
func explained(err error, platform string) error {
	text := err.Error()
	if !strings.Contains(text, "no matching manifest for") && !strings.Contains(text, "does not match the specified platform") {
		return err
	}
	if platform != "" {
		return fmt.Errorf("the image has no build for %s: %w", platform, err)
	}
	return fmt.Errorf("the image has no build for this machine's processor; platform = \"linux/amd64\" runs another one by emulation, slowly: %w", err)
}

// login is the registry's login from docker's own configuration and credential helpers,
// encoded for the engine; empty for none.
func login(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ""
	}
	host := reference.Domain(named)
	if host == "docker.io" {
		host = "https://index.docker.io/v1/"
	}
	file, err := config.Load(config.Dir())
	if err != nil {
		return ""
	}
	auth, err := file.GetAuthConfig(host)
	if err != nil {
		return ""
	}
	encoded, err := registry.EncodeAuthConfig(registry.AuthConfig{
		Username: auth.Username, Password: auth.Password, Auth: auth.Auth, ServerAddress: auth.ServerAddress,
		IdentityToken: auth.IdentityToken, RegistryToken: auth.RegistryToken,
	})
	if err != nil {
		return ""
	}
	return encoded
}
