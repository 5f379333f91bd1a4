package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
)

// imageRef is an image of one static program, 1.4 MB.
const imageRef = "minibot.test/idle:bench"

func (b *bench) makeImage(ctx context.Context) error {
	program := filepath.Join(b.dir, "idle")
	os.Setenv("CGO_ENABLED", "0") // for all that bench builds
	if err := build(ctx, program, "minibot/internal/testbed/cmd/bench/idle", "-trimpath", "-ldflags=-s -w"); err != nil {
		return err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: "idle", Mode: 0o755, Size: int64(len(content))}); err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	answer, err := b.engine.Client.ImageImport(ctx, image.ImportSource{Source: &archive, SourceName: "-"}, imageRef,
		image.ImportOptions{Changes: []string{`ENTRYPOINT ["/idle"]`}})
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	defer answer.Close()
	_, err = io.Copy(io.Discard, answer)
	return err
}

func (b *bench) removeImage(ctx context.Context) error {
	_, err := b.engine.Client.ImageRemove(ctx, imageRef, image.RemoveOptions{})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
