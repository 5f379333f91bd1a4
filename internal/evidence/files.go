package evidence

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"minibot/internal/host"
)

// File is what was seen of one file. What is not kept was not there, or did not matter.
type File struct {
	Text  *string  `json:"text,omitempty"` // what was read of it
	Link  string   `json:"link,omitempty"` // where it leads
	Size  int64    `json:"size,omitempty"`
	Mode  uint32   `json:"mode,omitempty"` // as fs.FileMode has it; 0 is a file of which no more was asked
	Error *Failure `json:"error,omitempty"`
}

// fileRecorder is a file system that keeps what is asked of it. Of a folder it keeps that it is there, and those of its
// files that were looked at; of links those to sockets alone, since others name what people have open.
type fileRecorder struct {
	real fs.FS
	mu   sync.Mutex
	seen map[string]*File
}

func (r *fileRecorder) keep(name string, change func(*File)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[name] == nil {
		r.seen[name] = &File{}
	}
	change(r.seen[name])
}

func (r *fileRecorder) fail(name string, err error) {
	r.keep(name, func(f *File) { f.Error = failure(err) })
}

// Open is for what reads a file in another way than those below; nothing of package host does.
func (r *fileRecorder) Open(name string) (fs.File, error) { return r.real.Open(name) }

func (r *fileRecorder) ReadFile(name string) ([]byte, error) {
	data, err := fs.ReadFile(r.real, name)
	if err != nil {
		r.fail(name, err)
		return nil, err
	}
	text := string(host.ReduceFile(name, data))
	r.keep(name, func(f *File) { f.Text = &text })
	return data, nil
}

func (r *fileRecorder) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(r.real, name)
	switch {
	case err == nil:
		r.keep(name, func(f *File) { f.Mode = uint32(fs.ModeDir) })
	case !process(name): // most are not ours to look into, and that says nothing
		r.fail(name, err)
	}
	return entries, err
}

func (r *fileRecorder) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(r.real, name)
	switch {
	case err == nil:
		r.keep(name, func(f *File) { f.Mode, f.Size = uint32(info.Mode()), info.Size() })
	case !errors.Is(err, fs.ErrNotExist):
		r.fail(name, err)
	}
	return info, err
}

func (r *fileRecorder) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(r.real, name) }

func (r *fileRecorder) ReadLink(name string) (string, error) {
	target, err := fs.ReadLink(r.real, name)
	if err == nil && strings.HasPrefix(target, "socket:") {
		r.keep(name, func(f *File) { f.Link = target })
	}
	return target, err
}

// process tells whether a path is of one process in Linux's file system of processes.
func process(name string) bool {
	rest, ok := strings.CutPrefix(name, "proc/")
	return ok && rest != "" && rest[0] >= '0' && rest[0] <= '9'
}

// kept is all that is worth keeping: of processes, those that listen, and those that were looked at closer than their names.
func (r *fileRecorder) kept() map[string]*File {
	r.mu.Lock()
	defer r.mu.Unlock()
	listening := map[string]bool{} // links of sockets in the tables
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		if f := r.seen["proc/net/"+table]; f != nil && f.Text != nil {
			for _, word := range strings.Fields(*f.Text) {
				listening["socket:["+word+"]"] = true
			}
		}
	}
	matters := func(name string, f *File) bool {
		return f.Error == nil && (listening[f.Link] || f.Text != nil && path.Base(name) != "comm")
	}
	closer := map[string]bool{}
	for name, f := range r.seen {
		if process(name) && matters(name, f) {
			closer[pidOf(name)] = true
		}
	}
	all := maps.Clone(r.seen)
	maps.DeleteFunc(all, func(name string, f *File) bool {
		return process(name) && !matters(name, f) && !(f.Text != nil && closer[pidOf(name)])
	})
	return all
}

// pidOf is the number of the process that a path is of.
func pidOf(name string) string {
	pid, _, _ := strings.Cut(strings.TrimPrefix(name, "proc/"), "/")
	return pid
}

// files is a file system of what was kept.
type files map[string]*File

func (f files) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: ErrMissing}
}

func (f files) find(op, name string) (*File, error) {
	file := f[name]
	switch {
	case file == nil:
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	case file.Error != nil:
		return nil, file.Error.Err()
	}
	return file, nil
}

func (f files) ReadFile(name string) ([]byte, error) {
	file, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	if file.Text == nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: ErrMissing}
	}
	return []byte(*file.Text), nil
}

func (f files) ReadLink(name string) (string, error) {
	file, err := f.find("readlink", name)
	if err != nil {
		return "", err
	}
	if file.Link == "" {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return file.Link, nil
}

func (f files) Lstat(name string) (fs.FileInfo, error) { return f.Stat(name) }

func (f files) Stat(name string) (fs.FileInfo, error) {
	file, err := f.find("stat", name)
	if err != nil && !f.folder(name) {
		return nil, err
	}
	if err != nil {
		file = &File{Mode: uint32(fs.ModeDir)}
	}
	return entry{path.Base(name), file}, nil
}

// folder tells whether something below a path was kept.
func (f files) folder(name string) bool {
	for below := range f {
		if strings.HasPrefix(below, name+"/") {
			return true
		}
	}
	return false
}

// ReadDir lists what was kept below a folder.
func (f files) ReadDir(name string) ([]fs.DirEntry, error) {
	if file := f[name]; file != nil && file.Error != nil {
		return nil, file.Error.Err()
	}
	names := map[string]bool{}
	for below := range f {
		if rest, ok := strings.CutPrefix(below, name+"/"); ok {
			first, _, _ := strings.Cut(rest, "/")
			names[first] = true
		}
	}
	if len(names) == 0 && f[name] == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	var entries []fs.DirEntry
	for _, one := range slices.Sorted(maps.Keys(names)) {
		info, err := f.Stat(name + "/" + one)
		if err != nil {
			info = entry{one, &File{}} // its error comes when it is read
		}
		entries = append(entries, fs.FileInfoToDirEntry(info))
	}
	return entries, nil
}

// entry is what is known of a file.
type entry struct {
	name string
	file *File
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return e.file.Size }
func (e entry) Mode() fs.FileMode  { return fs.FileMode(e.file.Mode) }
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) IsDir() bool        { return e.Mode().IsDir() }
func (e entry) Sys() any           { return nil }

// sorted lists a map's values in the order of its keys.
func sorted[V any](m map[string]V) func(yield func(V) bool) {
	return func(yield func(V) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(m[key]) {
				return
			}
		}
	}
}
