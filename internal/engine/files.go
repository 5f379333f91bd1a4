package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"minibot/internal/plan"
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

// keptFile holds, beside the files of a container that is to take over from another one, an
// archive of those of the other: they share the volume. A successor that fails gives them back
// from there, even if minibot was killed in between; when the other one goes it is emptied. No
// container can read it but as root.
const keptFile = ".minibot-kept"

// keep returns the files of the predecessor, as one file to be put beside the new ones; none
// if there is nothing to keep. Id is the new container of the service.
func (e *Engine) keep(ctx context.Context, id, project, service string) ([]file, error) {
	all, err := e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(
		filters.Arg("label", plan.LabelProject+"="+project), filters.Arg("label", plan.LabelService+"="+service),
	)})
	if err != nil {
		return nil, wrap("list containers", err)
	}
	reader, _, err := e.api.CopyFromContainer(ctx, id, filesDir+"/.")
	if err != nil {
		return nil, wrap("read the container's files", err)
	}
	defer drain(reader)
	there, kept, err := unpack(io.LimitReader(reader, 16<<20))
	alone := !slices.ContainsFunc(all, func(c container.Summary) bool { return c.ID != id })
	switch {
	case err != nil:
		return nil, wrap("read the container's files", err)
	case alone && kept:
		return []file{{target: path.Join(filesDir, keptFile), mode: 0o400}}, nil
	case alone, kept, len(there) == 0:
		return nil, nil // what was kept already is the predecessor's, and these are not
	}
	packed, err := archive(filesDir, there)
	if err != nil {
		return nil, fmt.Errorf("pack files: %w", err)
	}
	return []file{{target: path.Join(filesDir, keptFile), mode: 0o400, content: packed.Bytes()}}, nil
}

// unpack reads files from an archive of the folder, and tells whether one of them keeps
// others.
func unpack(r io.Reader) (files []file, kept bool, err error) {
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, kept, nil
		}
		if err != nil {
			return nil, false, err
		}
		name := path.Clean(header.Name)
		switch {
		case header.Typeflag != tar.TypeReg:
		case name == keptFile:
			kept = header.Size > 0
		default:
			content, err := io.ReadAll(archive)
			if err != nil {
				return nil, false, err
			}
			files = append(files, file{target: path.Join(filesDir, name), uid: header.Uid, gid: header.Gid, mode: header.Mode, content: content})
		}
	}
}

// giveBack puts the files that were kept where they came from; it does nothing if there are
// none.
func (e *Engine) giveBack(ctx context.Context, id string) error {
	kept, err := e.readFile(ctx, id, path.Join(filesDir, keptFile))
	if err != nil || kept == "" {
		return err
	}
	files, _, err := unpack(strings.NewReader(kept))
	if err != nil {
		return fmt.Errorf("give back the old files: %w", err)
	}
	return e.deliver(ctx, id, true, append(files, file{target: path.Join(filesDir, keptFile), mode: 0o400}))
}

// forget empties what was kept.
func (e *Engine) forget(ctx context.Context, id string) error {
	kept, err := e.readFile(ctx, id, path.Join(filesDir, keptFile))
	if err != nil || kept == "" {
		return err
	}
	return e.deliver(ctx, id, true, []file{{target: path.Join(filesDir, keptFile), mode: 0o400}})
}

// sharesFiles reports whether the files of a container lie in a volume.
func sharesFiles(c container.InspectResponse) bool {
	return slices.ContainsFunc(c.Mounts, func(m container.MountPoint) bool { return m.Destination == filesDir })
}
