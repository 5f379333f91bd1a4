package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
)

// registryWait bounds the question to a registry: an engine without a way to it may try for minutes.
const registryWait = 30 * time.Second

// RegistryDigest asks the registry of an image, through the engine and with the login that docker keeps, what a tag
// stands for now. Nothing is pulled.
func (e *Engine) RegistryDigest(ctx context.Context, ref string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, registryWait, fmt.Errorf("the registry did not answer within %s", registryWait))
	defer cancel()
	auth, _ := login(ref) // most registries tell a tag's digest to anybody; one that does not says so
	found, err := e.api.DistributionInspect(ctx, ref, auth)
	switch {
	case err != nil && ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil:
		return "", plainly(err)
	}
	return found.Descriptor.Digest.String(), nil
}

// LocalDigest is that of the image which a tag stands for on the engine's machine, in the registry that it came from.
// It is empty where the image came from none, as one that was built there; here is false where there is no image.
func (e *Engine) LocalDigest(ctx context.Context, ref string) (digest string, here bool, err error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", false, err
	}
	found, err := e.api.ImageInspect(ctx, ref)
	switch {
	case errdefs.IsNotFound(err):
		return "", false, nil
	case err != nil:
		return "", false, wrap("inspect image", err)
	}
	slices.Sort(found.RepoDigests) // several name the same image
	for _, known := range found.RepoDigests {
		if at, err := reference.ParseNormalizedNamed(known); err == nil && at.Name() == named.Name() {
			if digested, ok := at.(reference.Digested); ok {
				return digested.Digest().String(), true, nil
			}
		}
	}
	return "", true, nil
}
