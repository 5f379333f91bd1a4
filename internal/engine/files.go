package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
)

// filesDir is where the files of a container lie whose root file system is read-only: the
// archive must be put there, because the engine takes none at /.
const filesDir = "/run/secrets"

// file is one file that only the container sees.
type file struct {
	target   string
	uid, gid int
	mode     int64
	content  []byte
}

// filesOf resolves a service's secrets and file blocks. Expand resolves references.
func filesOf(project *types.Project, service types.ServiceConfig, expand func(string) (string, error)) ([]file, error) {
	var files []file
	add := func(ref types.FileReferenceConfig, content string) error {
		text, err := expand(content)
		if err != nil {
			return fmt.Errorf("file %s of service %s: %w", ref.Target, service.Name, err)
		}
		uid, err := strconv.Atoi(ref.UID)
		if err != nil {
			return fmt.Errorf("file %s of service %s: owner %q is not a number", ref.Target, service.Name, ref.UID)
		}
		gid, err := strconv.Atoi(ref.GID)
		if err != nil {
			return fmt.Errorf("file %s of service %s: group %q is not a number", ref.Target, service.Name, ref.GID)
		}
		mode := int64(0o400)
		if ref.Mode != nil {
			mode = int64(*ref.Mode)
		}
		files = append(files, file{target: ref.Target, uid: uid, gid: gid, mode: mode, content: []byte(text)})
		return nil
	}
	for _, secret := range service.Secrets {
		name := project.Secrets[secret.Source].Environment
		if err := add(types.FileReferenceConfig(secret), "${"+name+":?}"); err != nil {
			return nil, err
		}
	}
	for _, config := range service.Configs {
		if err := add(types.FileReferenceConfig(config), project.Configs[config.Source].Content); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.target, b.target) })
	return files, nil
}

// archive packs files relative to a folder, with numeric owners: the engine keeps the
// numbers, whatever users the image knows. Folders are left out: the engine makes those that
// lack, and would take one in the place of an image's link for an attempt to replace it.
func archive(dir string, files []file) (*bytes.Buffer, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: relative(dir, f.target), Mode: f.mode, Uid: f.uid, Gid: f.gid, Size: int64(len(f.content))}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	return &out, w.Close()
}

func relative(dir, p string) string {
	return strings.TrimPrefix(strings.TrimPrefix(p, dir), "/")
}

// deliver puts files into a container that was created and has not started.
func (e *Engine) deliver(ctx context.Context, id string, readOnly bool, files []file) error {
	if len(files) == 0 {
		return nil
	}
	dir := "/"
	if readOnly {
		dir = filesDir
	}
	packed, err := archive(dir, files)
	if err != nil {
		return fmt.Errorf("pack files: %w", err)
	}
	// CopyUIDGID stays off: engine 20.10 cannot look up numbers that the image lacks.
	return wrap("put files into the container", e.api.CopyToContainer(ctx, id, dir, packed, container.CopyToContainerOptions{}))
}

// snapshot reads back the files of a container, so that a failed replacement, which shares
// their volume, can give them back. Nil where there are none.
func (e *Engine) snapshot(ctx context.Context, id string) ([]byte, error) {
	reader, _, err := e.api.CopyFromContainer(ctx, id, filesDir+"/.")
	if err != nil {
		return nil, wrap("read the container's files", err)
	}
	defer drain(reader)
	var out bytes.Buffer
	_, err = io.Copy(&out, io.LimitReader(reader, 16<<20))
	return out.Bytes(), wrap("read the container's files", err)
}
