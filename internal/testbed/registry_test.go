package testbed

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/image"
)

// TestRegistry pushes an image and pulls it again. A tag can be moved; nothing answers once the registry is stopped.
func TestRegistry(t *testing.T) {
	shared, refs := Require(t)
	p := RequirePrivate(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := p.Load(ctx, shared, refs.Redis, refs.Postgres); err != nil {
		t.Fatal(err)
	}
	r, err := p.Registry(ctx)
	if err != nil {
		t.Fatal(err)
	}
	digest := func(from string) string {
		t.Helper()
		ref, err := r.Push(ctx, from, "store/cache:1")
		if err != nil {
			t.Fatal(err)
		}
		found, err := p.Client.DistributionInspect(ctx, ref, "")
		if err != nil {
			t.Fatal(err)
		}
		return found.Descriptor.Digest.String()
	}
	first, second := digest(refs.Redis), digest(refs.Postgres)
	if first == second || !strings.HasPrefix(first, "sha256:") {
		t.Errorf("the tag was moved from %q to %q", first, second)
	}
	answer, err := p.Client.ImagePull(ctx, r.Host+"/store/cache@"+first, image.PullOptions{})
	if err == nil {
		err = drain(answer)
	}
	if err != nil {
		t.Errorf("pull by digest: %v", err)
	}
	if err := r.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Client.DistributionInspect(ctx, r.Host+"/store/cache:1", ""); err == nil {
		t.Error("the registry is stopped, and answers")
	}
}
