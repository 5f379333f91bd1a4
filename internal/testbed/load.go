package testbed

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
)

// build makes the image of a recipe and loads it into the engine under its tag.
//
// The image is loaded as an archive, not imported as a file system: `docker import` takes no STOPSIGNAL, and
// without SIGINT Postgres waits for its clients instead of stopping.
func (b *builder) build(ctx context.Context, r recipe) error {
	scratch, err := os.CreateTemp(b.state, "layer-")
	if err != nil {
		return err
	}
	os.Remove(scratch.Name()) // it lives on until closed, and never outlives us
	defer scratch.Close()

	sum := sha256.New()
	l := newLayer(io.MultiWriter(scratch, sum))
	if err := r.fill(ctx, b, l); err != nil {
		return err
	}
	if err := l.close(); err != nil {
		return err
	}
	size, err := scratch.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := scratch.Seek(0, io.SeekStart); err != nil {
		return err
	}
	archive, w := io.Pipe()
	go func() { w.CloseWithError(writeArchive(w, r, fmt.Sprintf("sha256:%x", sum.Sum(nil)), scratch, size)) }()
	defer archive.Close()
	before, beforeErr := b.engine.Client.ImageInspect(ctx, r.Tag)
	response, err := b.engine.Client.ImageLoad(ctx, archive)
	if err != nil {
		return err
	}
	if err := drain(response.Body); err != nil {
		return err
	}
	if beforeErr == nil && before.Config.Labels[labelRecipe] != r.digest() {
		// An older recipe's image has lost its tag to this one. Where a container still uses it, it stays.
		_, _ = b.engine.Client.ImageRemove(ctx, before.ID, image.RemoveOptions{PruneChildren: true})
	}
	return nil
}

// writeArchive writes what `docker load` reads: the image's configuration, its one layer, and a manifest.
func writeArchive(w io.Writer, r recipe, diffID string, layer io.Reader, size int64) error {
	config := r.Config
	config.Labels = map[string]string{labelRecipe: r.digest()}
	configJSON, err := json.Marshal(struct {
		Created      string           `json:"created"`
		Architecture string           `json:"architecture"`
		OS           string           `json:"os"`
		Config       container.Config `json:"config"`
		RootFS       any              `json:"rootfs"`
	}{"2026-01-01T00:00:00Z", runtime.GOARCH, "linux", config, map[string]any{"type": "layers", "diff_ids": []string{diffID}}})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{
		"Config": "config.json", "RepoTags": []string{r.Tag}, "Layers": []string{"layer.tar"},
	}})
	if err != nil {
		return err
	}
	archive := tar.NewWriter(w)
	for _, part := range []struct {
		name    string
		size    int64
		content io.Reader
	}{
		{"manifest.json", int64(len(manifest)), bytes.NewReader(manifest)},
		{"config.json", int64(len(configJSON)), bytes.NewReader(configJSON)},
		{"layer.tar", size, layer},
	} {
		if err := archive.WriteHeader(&tar.Header{Name: part.name, Mode: 0o644, Size: part.size}); err != nil {
			return err
		}
		if _, err := io.Copy(archive, part.content); err != nil {
			return err
		}
	}
	return archive.Close()
}

// drain reads an engine's progress stream to its end and returns the error it reports, if any: the status code
// was sent long before.
func drain(stream io.ReadCloser) error {
	defer stream.Close()
	for decoder := json.NewDecoder(stream); ; {
		var message struct{ Error string }
		switch err := decoder.Decode(&message); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case message.Error != "":
			return errors.New(message.Error)
		}
	}
}
