package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxFile bounds what is read as a vault or key, in bytes.
const maxFile = 16 << 20

// readPrivate reads a file that nobody else may read or write. A file that is not there is fs.ErrNotExist, bare.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, fileError(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fileError(err)
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{Store: "file", Detail: path + " is not a regular file"}
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, &Error{Store: "file", Kind: ErrDenied, Detail: fmt.Sprintf("%s is open to others, mode %04o", path, mode),
			Remedy: fmt.Sprintf("run `chmod 600 '%s'`; if others could have read it, change the secrets", path)}
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fileError(err)
	}
	if len(content) > maxFile {
		return nil, &Error{Store: "file", Detail: path + " is too large to be ours"}
	}
	return content, nil
}

// fileError wraps an error of the operating system, which names a path and no content.
func fileError(err error) error {
	e := &Error{Store: "file", Cause: err}
	switch {
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Remedy = ErrDenied, "run minibot as the user who owns the file"
	case errors.Is(err, fs.ErrNotExist):
		e.Kind = ErrUnavailable // a directory that vanished; "no vault" is told apart before
	}
	return e
}

// damaged reports a file that is there and cannot be what was written. It is none of the sentinels on purpose.
func damaged(path, what string) error {
	return &Error{Store: "file", Detail: path + " is damaged: " + what, Remedy: "bring it back from a backup"}
}
