package testbed

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// layer writes the one layer of an image. What is put first stays: a second entry of the same name is
// dropped. Parents are made as needed, 0755 and root's. The first error stops all later writing; close
// returns it.
type layer struct {
	tar  *tar.Writer
	seen map[string]bool
	err  error
}

func newLayer(w io.Writer) *layer {
	l := &layer{tar: tar.NewWriter(w), seen: map[string]bool{".": true}}
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		l.link(name, "usr/"+name)
	}
	for _, name := range []string{"usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "etc", "dev", "proc", "sys", "run", "usr/local/bin"} {
		l.dir(name, 0o755, 0)
	}
	l.dir("root", 0o700, 0)
	l.dir("tmp", 0o1777, 0)
	l.link("var/run", "../run")
	return l
}

func (l *layer) close() error {
	if err := l.tar.Close(); l.err == nil {
		l.err = err
	}
	return l.err
}

// entry writes a header, without a date so that equal content gives an equal image, and tells whether the
// content is to follow.
func (l *layer) entry(header tar.Header) bool {
	name := path.Clean(header.Name)
	if l.err != nil || l.seen[name] {
		return false
	}
	if parent := path.Dir(name); !l.seen[parent] {
		l.dir(parent, 0o755, 0)
	}
	l.seen[name] = true
	if l.err == nil {
		l.err = l.tar.WriteHeader(&header)
	}
	return l.err == nil
}

// dir makes a directory; mode is Unix's, sticky and set-gid bits included. The group has the owner's number.
func (l *layer) dir(name string, mode int64, owner int) {
	l.entry(tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, Uid: owner, Gid: owner})
}

func (l *layer) link(name, target string) {
	l.entry(tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777})
}

func (l *layer) file(name string, mode int64, content string) {
	header := tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}
	if l.entry(header) {
		_, l.err = io.WriteString(l.tar, content)
	}
}

// copy puts a file of the tree there, under the name `to`.
func (l *layer) copy(t tree, from, to string) {
	if l.err != nil {
		return
	}
	f, err := t.open(from)
	if err != nil {
		l.err = err
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		l.err = err
		return
	}
	if l.entry(tar.Header{Typeflag: tar.TypeReg, Name: to, Mode: int64(info.Mode().Perm()), Size: info.Size()}) {
		_, l.err = io.Copy(l.tar, f)
	}
}

// copyLinked puts files of the tree there with the libraries they need. A name ending in a slash is a
// directory, taken whole but for the names where skip returns true.
func (l *layer) copyLinked(t tree, names []string, skip func(name string) bool) {
	var files []string
	for _, name := range names {
		if dir, whole := strings.CutSuffix(name, "/"); whole {
			l.walk(t, dir, skip, l.link, func(name string) { files = append(files, name) })
		} else {
			files = append(files, name)
		}
	}
	all, err := t.closure(files...)
	if err != nil && l.err == nil {
		l.err = err
	}
	for _, name := range all {
		l.copy(t, name, name)
	}
}

// copyDir puts a directory of the tree there, under the name `to`, but for the names where skip returns true.
func (l *layer) copyDir(t tree, from, to string, skip func(name string) bool) {
	rename := func(name string) string { return to + strings.TrimPrefix(name, from) }
	l.walk(t, from, skip,
		func(name, target string) { l.link(rename(name), target) },
		func(name string) { l.copy(t, name, rename(name)) })
}

// walk calls link and file for what a directory of the tree holds, in lexical order.
func (l *layer) walk(t tree, dir string, skip func(name string) bool, link func(name, target string), file func(name string)) {
	err := fs.WalkDir(t[0].FS(), dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case skip(name) && entry.IsDir():
			return fs.SkipDir
		case skip(name):
		case entry.Type().IsRegular():
			file(name)
		case entry.Type()&fs.ModeSymlink != 0:
			target, err := t[0].Readlink(name)
			if err != nil {
				return err
			}
			link(name, target)
		}
		return l.err
	})
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("copy %s: %w", dir, err)
	}
}
