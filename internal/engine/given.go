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
		// A file block's content, and the name of the secret that a file is the whole of.
		content, isContent := between(path, "configs.", ".content")
		whole, isWhole := between(path, "secrets.", ".source")
		if isWhole = isWhole && asked[0] == name; !isContent && !isWhole {
			continue
		}
		text, err := s.engine.readFile(ctx, id, content+whole)
		if err != nil {
			return nil, err
		}
		if isContent {
			found(asked[0], text)
		} else if text != "" {
			values = append(values, secret.NewValue([]byte(text)))
		}
	}
	return values, nil
}

// between is what stands between two ends of a path, if it has both.
func between(path, prefix, suffix string) (string, bool) {
	path, begins := strings.CutPrefix(path, prefix)
	path, ends := strings.CutSuffix(path, suffix)
	if !begins || !ends {
		return "", false
	}
	return path, true
}

// within is the value that stands in a text in the place of its only reference.
func within(asked, text, name string) (string, bool) {
	refs := mentions(asked)
	if len(refs) != 1 || refs[0].name != name {
		return "", false
	}
	text, before := strings.CutPrefix(text, unescape(asked[:refs[0].from]))
	text, after := strings.CutSuffix(text, unescape(asked[refs[0].to:]))
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
