package engine

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/containerd/errdefs"

	"minibot/internal/plan"
	"minibot/internal/secret"
)

// Given reads back the values of one secret that a container was given: from its files and
// from its environment. They may be older than the store's. The container may be stopped.
func (s *Stack) Given(ctx context.Context, id, name string) ([]secret.Value, error) {
	inspected, err := s.engine.api.ContainerInspect(ctx, id)
	if err != nil {
		return nil, wrap("inspect container", err)
	}
	var values []secret.Value
	found := func(asked, text string) {
		if value, ok := within(asked, text, name); ok {
			values = append(values, secret.NewValue([]byte(value)))
		}
	}
	applied, _ := plan.ParseLabel(inspected.Config.Labels[plan.LabelApplied])
	for _, line := range inspected.Config.Env {
		key, text, _ := strings.Cut(line, "=")
		if asked := applied["environment."+key]; len(asked) == 1 {
			found(asked[0], text)
		}
	}
	for path, asked := range applied {
		target, isFile := strings.CutPrefix(path, "configs.")
		if target, isFile = strings.CutSuffix(target, ".content"); !isFile {
			continue
		}
		text, err := s.engine.readFile(ctx, id, target)
		if err != nil {
			return nil, err
		}
		found(asked[0], text)
	}
	for path, asked := range applied {
		target, isSecret := strings.CutPrefix(path, "secrets.")
		if target, isSecret = strings.CutSuffix(target, ".source"); !isSecret || asked[0] != name {
			continue
		}
		text, err := s.engine.readFile(ctx, id, target)
		if err != nil {
			return nil, err
		}
		values = append(values, secret.NewValue([]byte(text)))
	}
	return values, nil
}

// within is the value that stands in a text in the place of its only reference.
func within(asked, text, name string) (string, bool) {
	at := secretRef.FindAllStringSubmatchIndex(asked, -1)
	if len(at) != 1 || asked[at[0][2]:at[0][3]] != name {
		return "", false
	}
	unescaped := func(literal string) string { return strings.ReplaceAll(literal, "$$", "$") }
	text, before := strings.CutPrefix(text, unescaped(asked[:at[0][0]]))
	text, after := strings.CutSuffix(text, unescaped(asked[at[0][1]:]))
	return text, before && after && text != ""
}

// readFile reads one file of a container; empty if it is not there.
func (e *Engine) readFile(ctx context.Context, id, path string) (string, error) {
	const limit = 1 << 20 // bytes; minibot's own files are far smaller
	reader, _, err := e.api.CopyFromContainer(ctx, id, path)
	if errdefs.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", wrap("read "+path+" of the container", err)
	}
	defer drain(reader)
	archive := tar.NewReader(reader)
	header, err := archive.Next()
	if err == nil && header.Size > limit {
		err = errors.New("it is too large")
	}
	var text []byte
	if err == nil {
		text, err = io.ReadAll(archive)
	}
	if err != nil {
		return "", fmt.Errorf("read %s of the container: %w", path, err)
	}
	return string(text), nil
}
