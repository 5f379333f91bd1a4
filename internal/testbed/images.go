package testbed

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/docker/docker/api/types/image"
	"golang.org/x/sync/errgroup"
)

// Refs are the image references of the reference stack, as the engine knows them.
type Refs struct {
	Postgres, Redis, Mongo, OpenClaw string
}

// set stores the reference of the service of that name.
func (r *Refs) set(name, ref string) {
	*map[string]*string{"postgres": &r.Postgres, "redis": &r.Redis, "mongo": &r.Mongo, "openclaw": &r.OpenClaw}[name] = ref
}

// Images returns references to four images that are in the engine when it returns. In this order: images that
// are there already, official ones from a registry, and stand-ins built from packages.
//
// A registry is tried if MINIBOT_TESTBED_PULL is 1, and then must answer; never if it is 0; otherwise if one
// answers the engine within three seconds. Processes that call Images at the same time build only once.
func Images(ctx context.Context, engine *Engine) (Refs, error) {
	var refs Refs
	if missing, err := present(ctx, engine, &refs); err != nil || len(missing) == 0 {
		return refs, err
	}
	state, unlock, err := lockState(ctx, "images")
	if err != nil {
		return Refs{}, err
	}
	defer unlock()
	missing, err := present(ctx, engine, &refs) // another process may have built them meanwhile
	if err != nil || len(missing) == 0 {
		return refs, err
	}
	pull, err := registry(ctx, engine)
	if err != nil {
		return Refs{}, err
	}
	if pull {
		return refs, pullAll(ctx, engine, missing, &refs)
	}
	return refs, buildAll(ctx, engine, state, missing, &refs)
}

// present fills in the images that are in the engine and returns the recipes of the others. An image of ours
// counts only if the very same recipe made it.
func present(ctx context.Context, engine *Engine, refs *Refs) (missing []recipe, err error) {
	list, err := engine.Client.ImageList(ctx, image.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	digests := map[string]string{} // reference → digest of its recipe, empty if not ours
	for _, found := range list {
		for _, tag := range found.RepoTags {
			digests[tag] = found.Labels[labelRecipe]
		}
	}
	for _, r := range recipes() {
		_, official := digests[r.Official]
		switch {
		case digests[r.Tag] == r.digest():
			refs.set(r.Name, r.Tag)
		case official && os.Getenv("MINIBOT_TESTBED_PULL") != "0":
			refs.set(r.Name, r.Official)
		default:
			missing = append(missing, r)
		}
	}
	return missing, nil
}

// registry tells whether to pull. The engine is asked, since it is the one that would pull.
func registry(ctx context.Context, engine *Engine) (bool, error) {
	switch os.Getenv("MINIBOT_TESTBED_PULL") {
	case "1":
		return true, nil
	case "0":
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, err := engine.Client.DistributionInspect(ctx, redis().Official, "")
	if err != nil {
		fmt.Fprintln(engine.log, "testbed: no image registry answers, building the images from packages")
	}
	return err == nil, nil
}

func pullAll(ctx context.Context, engine *Engine, missing []recipe, refs *Refs) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range missing {
		refs.set(r.Name, r.Official)
		group.Go(func() error {
			return timed(engine.log, "pull "+r.Official, func() error {
				stream, err := engine.Client.ImagePull(ctx, r.Official, image.PullOptions{})
				if err != nil {
					return err
				}
				return drain(stream)
			})
		})
	}
	return group.Wait()
}

// builder is what recipes share while their images are built.
type builder struct {
	engine *Engine
	state  string
	log    io.Writer

	// Done at the first call, for all.
	debian    func() (tree, error)
	aptUpdate func() error
}

func buildAll(ctx context.Context, engine *Engine, state string, missing []recipe, refs *Refs) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("no image registry answers the engine, and only on Linux can images be built from packages")
	}
	group, ctx := errgroup.WithContext(ctx)
	b := &builder{engine: engine, state: state, log: engine.log}
	b.aptUpdate = sync.OnceValue(func() error { return aptUpdate(ctx) })
	b.debian = sync.OnceValues(func() (t tree, err error) {
		err = timed(b.log, "unpack Debian packages", func() error {
			dir, err := debianTree(ctx, b)
			if err == nil {
				t, err = openTree(dir)
			}
			return err
		})
		return t, err
	})
	for _, r := range missing {
		refs.set(r.Name, r.Tag)
		group.Go(func() error {
			return timed(b.log, "image "+r.Tag, func() error { return b.build(ctx, r) })
		})
	}
	return group.Wait()
}
