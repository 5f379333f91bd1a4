package secret

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// The files of the file store. Together in one directory the key protects the values from backups of the vault alone,
// from git and from other users, not from whoever reads both. By hand: age -d -i key.txt secrets.age
const (
	vaultFile = "secrets.age"
	keyFile   = "key.txt"
	lockFile  = "secrets.lock"
)

// fileStore is one age file with all secrets of a stack. Readers take no lock, since the file is only ever
// replaced as a whole; writers take turns.
type fileStore struct {
	dir string

	mu   sync.Mutex
	seen [sha256.Size]byte // of the key and vault that held was made from; a hash, as fmt may print fields
	held map[string]entry
}

// entry is one secret in the vault.
type entry struct {
	value   Value
	changed time.Time
}

func openFile(stack string, _ Options) (Store, error) {
	dir, err := fileDir(stack)
	if err != nil {
		return nil, err
	}
	return &fileStore{dir: dir}, nil
}

func whereFile(stack string, _ Options) (string, error) {
	dir, err := fileDir(stack)
	return filepath.Join(dir, vaultFile), err
}

// lookFile reads the vault, if there is one.
func lookFile(ctx context.Context, stack string, o Options) error {
	store, err := openFile(stack, o)
	if err != nil {
		return err
	}
	_, err = store.List(ctx)
	return err
}

// fileDir is $MINIBOT_SECRETS_DIR/<stack> if that is set (for tests and CI), else ~/Library/Application
// Support/minibot/<stack> on macOS, else $XDG_DATA_HOME/minibot/<stack> or ~/.local/share/minibot/<stack>. A relative
// XDG_DATA_HOME is ignored, as the XDG base directory specification demands.
func fileDir(stack string) (string, error) {
	if dir := os.Getenv("MINIBOT_SECRETS_DIR"); dir != "" {
		return filepath.Abs(filepath.Join(dir, stack))
	}
	if dir := os.Getenv("XDG_DATA_HOME"); runtime.GOOS != "darwin" && filepath.IsAbs(dir) {
		return filepath.Join(dir, "minibot", stack), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", &Error{Store: "file", Kind: ErrUnavailable, Cause: err, Remedy: "set HOME or MINIBOT_SECRETS_DIR"}
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "minibot", stack), nil
	}
	return filepath.Join(home, ".local", "share", "minibot", stack), nil
}

func (s *fileStore) path(name string) string { return filepath.Join(s.dir, name) }

func (s *fileStore) Get(_ context.Context, name string) (Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return Value{}, named(err, name)
	}
	e, ok := s.held[name]
	if !ok {
		return Value{}, notFound("file", name)
	}
	return e.value, nil
}

func (s *fileStore) Set(ctx context.Context, name string, value Value) error {
	return named(s.change(ctx, func(entries map[string]entry) error {
		entries[name] = entry{value, time.Now().UTC().Truncate(time.Second)}
		return nil
	}), name)
}

func (s *fileStore) Delete(ctx context.Context, name string) error {
	if _, err := os.Lstat(s.path(vaultFile)); errors.Is(err, fs.ErrNotExist) {
		return notFound("file", name) // and do not make a key for it
	}
	return named(s.change(ctx, func(entries map[string]entry) error {
		if _, ok := entries[name]; !ok {
			return notFound("file", name)
		}
		delete(entries, name)
		return nil
	}), name)
}

func (s *fileStore) List(context.Context) ([]Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return nil, err
	}
	items := make([]Item, 0, len(s.held))
	for name, e := range s.held {
		items = append(items, Item{name, e.changed})
	}
	return items, nil
}

// load makes held what the vault says now. The files are read every time (two reads of a few KB) and decrypted only
// when their bytes are not the ones seen last: no guess about modification times can be wrong.
func (s *fileStore) load() error {
	vault, err := readPrivate(s.path(vaultFile))
	if errors.Is(err, fs.ErrNotExist) {
		s.seen, s.held = [sha256.Size]byte{}, map[string]entry{}
		return nil
	}
	if err != nil {
		return err
	}
	key, err := readPrivate(s.path(keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return &Error{Store: "file", Kind: ErrLocked,
			Detail: s.path(vaultFile) + " is there and its key " + s.path(keyFile) + " is not",
			Remedy: "bring the key back from a backup; if it is lost, so are the values: move both files away and set them anew"}
	}
	if err != nil {
		return err
	}
	// The key's hash first: a fixed length, so that the two cannot be shifted into one another.
	keySum := sha256.Sum256(key)
	sum := sha256.Sum256(append(keySum[:], vault...))
	if sum == s.seen {
		return nil
	}
	id, err := parseKey(s.path(keyFile), key)
	if err != nil {
		return err
	}
	entries, err := openVault(s.path(vaultFile), vault, id)
	if err != nil {
		return err
	}
	s.seen, s.held = sum, entries
	return nil
}

// named adds the secret's name to an *Error that has none. It changes no error that another caller could hold.
func named(err error, name string) error {
	if e, ok := err.(*Error); ok && e.Name == "" { //nolint:errorlint // the *Error itself, not one inside another
		with := *e
		with.Name = name
		return &with
	}
	return err
}
