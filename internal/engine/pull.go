package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/pkg/jsonmessage"
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
		return wrap("pull image", err)
	}
	defer drain(stream)
	decoder := json.NewDecoder(stream)
	for {
		var message jsonmessage.JSONMessage
		if err := decoder.Decode(&message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return wrap("pull image", err)
		}
		if message.Error != nil {
			return wrap("pull image", message.Error)
		}
		if message.ID != "" && message.Progress != nil && message.Progress.Total > 0 {
			progress(fmt.Sprintf("%s %s %d%%", message.ID, message.Status, message.Progress.Current*100/message.Progress.Total))
		}
	}
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
