package testbed

import (
	"cmp"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// tree is one unpacked file system, or several that lie over each other, the first on top. Links in it are
// followed within it, never out of it, so what is found does not depend on the machine around it. Names are
// slash-separated, without a leading slash.
type tree []*os.Root

func openTree(dir string) (tree, error) {
	root, err := os.OpenRoot(dir)
	return tree{root}, err
}

// merged is where a file belongs in an image: Debian 12 still ships some files under /lib and /bin, which on
// an installed system are links into /usr.
func merged(name string) string {
	switch top, _, _ := strings.Cut(name, "/"); top {
	case "bin", "sbin", "lib", "lib64":
		return "usr/" + name
	}
	return name
}

// open opens a file by the name it has in an image.
func (t tree) open(name string) (*os.File, error) {
	var firstErr error
	for _, root := range t {
		for _, name := range []string{name, strings.TrimPrefix(name, "usr/")} {
			f, err := follow(root, name, 8)
			if err == nil {
				return f, nil
			}
			firstErr = cmp.Or(firstErr, err)
		}
	}
	return nil, firstErr
}

// follow is os.Root's Open which also takes links to absolute names, as meant from the root of the tree.
func follow(root *os.Root, name string, links int) (*os.File, error) {
	f, err := root.Open(name)
	if err == nil || links == 0 {
		return f, err
	}
	target, linkErr := root.Readlink(name)
	if linkErr != nil || !path.IsAbs(target) {
		return nil, err
	}
	return follow(root, target[1:], links-1)
}

func (t tree) readFile(name string) (string, error) {
	f, err := t.open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	return string(content), err
}

// closure returns the given files and all the libraries they need, directly or not, by the names they have in
// an image, sorted.
func (t tree) closure(names ...string) ([]string, error) {
	seen := map[string]bool{}
	for todo := names; len(todo) > 0; todo = todo[1:] {
		name := merged(todo[0])
		if seen[name] {
			continue
		}
		seen[name] = true
		needs, err := t.needs(name)
		if err != nil {
			return nil, fmt.Errorf("libraries of %s: %w", name, err)
		}
		todo = append(slices.Clip(todo), needs...)
	}
	all := make([]string, 0, len(seen))
	for name := range seen {
		all = append(all, name)
	}
	slices.Sort(all)
	return all, nil
}

// needs returns the loader and the libraries that one file names; nothing for a file that is not ELF.
func (t tree) needs(name string) ([]string, error) {
	f, err := t.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	magic := make([]byte, len(elf.ELFMAG))
	if n, _ := f.ReadAt(magic, 0); n < len(magic) || string(magic) != elf.ELFMAG {
		return nil, nil
	}
	file, err := elf.NewFile(f)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var needs []string
	if section := file.Section(".interp"); section != nil {
		loader, err := section.Data()
		if err != nil {
			return nil, err
		}
		needs = append(needs, strings.Trim(string(loader), "/\x00"))
	}
	libraries, err := file.ImportedLibraries()
	if err != nil {
		return nil, err
	}
	dirs, err := t.searchPath(file, path.Dir(name))
	if err != nil {
		return nil, err
	}
	for _, library := range libraries {
		found, err := t.library(library, dirs)
		if err != nil {
			return nil, err
		}
		needs = append(needs, found)
	}
	return needs, nil
}

// searchPath lists the directories where the loader would look for the libraries of a file in dir.
func (t tree) searchPath(file *elf.File, dir string) ([]string, error) {
	var dirs []string
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		values, err := file.DynString(tag)
		if err != nil {
			return nil, err
		}
		for value := range strings.SplitSeq(strings.Join(values, ":"), ":") {
			value = strings.ReplaceAll(strings.ReplaceAll(value, "${ORIGIN}", "$ORIGIN"), "$ORIGIN", "/"+dir)
			if path.IsAbs(value) {
				dirs = append(dirs, path.Clean(value)[1:])
			}
		}
	}
	for _, root := range t {
		for _, pattern := range []string{"usr/lib/*-linux-gnu", "lib/*-linux-gnu"} {
			matches, err := fs.Glob(root.FS(), pattern)
			if err != nil {
				return nil, err
			}
			dirs = append(dirs, matches...)
		}
	}
	return append(dirs, "usr/lib64", "usr/lib"), nil
}

func (t tree) library(name string, dirs []string) (string, error) {
	for _, dir := range dirs {
		if f, err := t.open(merged(path.Join(dir, name))); err == nil {
			return path.Join(dir, name), f.Close()
		}
	}
	return "", fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}
