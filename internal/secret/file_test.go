package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
)

// newFileStore returns a store over dir, which need not exist.
func newFileStore(dir string) Store { return guarded{"file", &fileStore{dir: dir}} }

// filledStore returns a directory with a store that holds A and B.
func filledStore(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "stack")
	s := newFileStore(dir)
	for _, name := range []string{"A", "B"} {
		if err := s.Set(context.Background(), name, NewValue([]byte(canary+name))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// wantAll checks that reading and writing both end in this kind of error (nil: an error of no kind), that nothing
// shows the value, and that no file was changed by trying.
func wantAll(t *testing.T, dir string, kind error, text string) {
	t.Helper()
	before := filesIn(t, dir)
	ctx := context.Background()
	s := newFileStore(dir)
	calls := everyCall(ctx, s, "A")
	_, calls["List"] = s.List(ctx)
	for what, err := range calls {
		if err == nil || errors.Is(err, ErrNotFound) || kind == nil && anyKind(err) || kind != nil && !errors.Is(err, kind) {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%s does not say %q: %v", what, text, err)
		}
		mustNotShow(t, what, err.Error())
	}
	if diff := cmp.Diff(before, filesIn(t, dir)); diff != "" {
		t.Errorf("files changed (-before +after):\n%s", diff)
	}
}

func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		text, _ := os.ReadFile(filepath.Join(dir, entry.Name()))
		files[entry.Name()] = string(text)
	}
	return files
}

func TestFileIsPrivateAndCipher(t *testing.T) {
	dir := filledStore(t)
	modes := map[string]os.FileMode{}
	for name, text := range filesIn(t, dir) {
		mustNotShow(t, name, text)
		info, _ := os.Stat(filepath.Join(dir, name))
		modes[name] = info.Mode()
	}
	if diff := cmp.Diff(map[string]os.FileMode{vaultFile: 0o600, keyFile: 0o600, lockFile: 0o600}, modes); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("directory has mode %v", info.Mode())
	}
}

func TestFileOpensWithAge(t *testing.T) {
	dir := filledStore(t)
	key, _ := os.Open(filepath.Join(dir, keyFile))
	defer key.Close()
	ids, err := age.ParseIdentities(key)
	if err != nil {
		t.Fatal(err)
	}
	vault, _ := os.Open(filepath.Join(dir, vaultFile))
	defer vault.Close()
	r, err := age.Decrypt(vault, ids...)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || !bytes.HasPrefix(text, []byte(`{"version":1,"secrets":{"A":{"value":"`)) {
		t.Errorf("%.50s, %v", text, err)
	}
}

func TestFileReadingCreatesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stack")
	s := newFileStore(dir)
	if _, err := s.Get(context.Background(), "A"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	wantNames(t, s)
	if err := s.Delete(context.Background(), "A"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory was made")
	}
}

func TestFileKeyIsMissing(t *testing.T) {
	dir := filledStore(t)
	os.Remove(filepath.Join(dir, keyFile))
	wantAll(t, dir, ErrLocked, keyFile)
}

func TestFileKeyIsAnother(t *testing.T) {
	dir, other := filledStore(t), filledStore(t)
	key, _ := os.ReadFile(filepath.Join(other, keyFile))
	overwrite(t, filepath.Join(dir, keyFile), key)
	wantAll(t, dir, ErrLocked, "does not open it")
}

func TestFileKeyIsDamaged(t *testing.T) {
	dir := filledStore(t)
	path := filepath.Join(dir, keyFile)
	key, _ := os.ReadFile(path)
	for _, text := range [][]byte{nil, key[:len(key)-5], []byte("# nothing\n"), append(bytes.Clone(key), key...), bytes.ToLower(key)} {
		overwrite(t, path, text)
		wantAll(t, dir, nil, "damaged")
	}
	_, err := newFileStore(dir).Get(context.Background(), "A")
	if lines := strings.Fields(string(bytes.ToLower(key))); strings.Contains(err.Error(), lines[len(lines)-1][:20]) {
		t.Errorf("quotes the key: %v", err)
	}
}

func TestFileVaultIsTruncated(t *testing.T) {
	dir := filledStore(t)
	path := filepath.Join(dir, vaultFile)
	vault, _ := os.ReadFile(path)
	s := newFileStore(dir)
	for size := range len(vault) {
		overwrite(t, path, vault[:size])
		if _, err := s.Get(context.Background(), "A"); err == nil || anyKind(err) {
			t.Fatalf("%d of %d bytes: %v", size, len(vault), err)
		}
	}
	overwrite(t, path, nil)
	wantAll(t, dir, nil, "damaged")
}

func TestFileVaultHasAChangedBit(t *testing.T) {
	dir := filledStore(t)
	path := filepath.Join(dir, vaultFile)
	vault, _ := os.ReadFile(path)
	s := newFileStore(dir)
	for i := range vault {
		changed := bytes.Clone(vault)
		changed[i] ^= 1 << (i % 8)
		overwrite(t, path, changed)
		// In the part that holds the key for this reader it can't be told from another key.
		if _, err := s.Get(context.Background(), "A"); err == nil || anyKind(err) && !errors.Is(err, ErrLocked) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

func TestFileVaultHoldsSomethingElse(t *testing.T) {
	for text, want := range map[string]string{
		"": "damaged", "[]": "damaged", `{"version":1,"secrets":{"A":{"value":"` + "\x00canary": "damaged",
		`{"version":1,"secrets":{"A":{"value":"canary!"}}}`: "damaged", `{"version":2}`: "newer minibot", `{}`: "version 0",
	} {
		dir := filledStore(t)
		keyText, _ := os.ReadFile(filepath.Join(dir, keyFile))
		id, err := parseKey("", keyText)
		if err != nil {
			t.Fatal(err)
		}
		var vault bytes.Buffer
		w, _ := age.Encrypt(&vault, id.Recipient())
		io.WriteString(w, text)
		w.Close()
		overwrite(t, filepath.Join(dir, vaultFile), vault.Bytes())
		wantAll(t, dir, nil, want)
	}
}

func TestFileIsOpenToOthers(t *testing.T) {
	for _, name := range []string{vaultFile, keyFile} {
		for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o777} {
			dir := filledStore(t)
			path := filepath.Join(dir, name)
			os.Chmod(path, mode)
			wantAll(t, dir, ErrDenied, "chmod 600 '"+path+"'")
		}
	}
	dir := filledStore(t)
	os.Chmod(dir, 0o770)
	if err := newFileStore(dir).Set(context.Background(), "A", NewValue([]byte("x"))); !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "chmod 700") {
		t.Error(err)
	}
}

func TestFileIsNoFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stack")
	os.MkdirAll(filepath.Join(dir, vaultFile), 0o700)
	overwrite(t, filepath.Join(dir, lockFile), nil)
	wantAll(t, dir, nil, "not a regular file")

	path := filepath.Join(t.TempDir(), "stack")
	overwrite(t, path, nil)
	if _, err := newFileStore(path).Get(context.Background(), "A"); err == nil || errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestFileSeesOtherWriters(t *testing.T) {
	ctx := context.Background()
	dir := filledStore(t)
	reader, writer := newFileStore(dir), newFileStore(dir)
	for i := range 3 {
		text := fmt.Sprint("value ", i) // of one length, so that only the bytes tell
		if err := writer.Set(ctx, "A", NewValue([]byte(text))); err != nil {
			t.Fatal(err)
		}
		wantValue(t, reader, "A", text)
	}
	if err := os.Remove(filepath.Join(dir, vaultFile)); err != nil {
		t.Fatal(err)
	}
	wantNames(t, reader)
}

func TestFileWritersTakeTurns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stack")
	shared := newFileStore(dir)
	var all sync.WaitGroup
	var want []string
	for i := range 12 {
		name := fmt.Sprintf("NAME_%02d", i)
		want = append(want, name)
		all.Go(func() {
			s := shared
			if i%2 == 0 {
				s = newFileStore(dir) // as another process would
			}
			if err := s.Set(context.Background(), name, NewValue([]byte(name))); err != nil {
				t.Error(err)
			}
			wantValue(t, s, name, name)
		})
	}
	all.Wait()
	wantNames(t, newFileStore(dir), want...)
}

func TestFileLockHasADeadline(t *testing.T) {
	dir := filledStore(t)
	unlock, err := lock(context.Background(), filepath.Join(dir, lockFile))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	before := filesIn(t, dir)
	for _, limit := range []time.Duration{time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			start := time.Now()
			err := newFileStore(dir).Set(ctx, "A", NewValue([]byte("x")))
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), lockFile) {
				t.Error(err)
			}
			if waited := time.Since(start); waited != min(limit, lockWait) {
				t.Errorf("waited %v", waited)
			}
		})
	}
	if diff := cmp.Diff(before, filesIn(t, dir)); diff != "" {
		t.Errorf("files changed (-before +after):\n%s", diff)
	}
	wantValue(t, newFileStore(dir), "A", canary+"A") // readers do not wait
}

func TestFileKeepsTheTimeOfEachChange(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stack")
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		s := newFileStore(dir)
		start := time.Now().UTC()
		for _, name := range []string{"A", "B", "A"} {
			if err := s.Set(ctx, name, NewValue([]byte("x"))); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour) // of the bubble's clock
		}
		items, err := newFileStore(dir).List(ctx)
		want := []Item{{"A", start.Add(2 * time.Hour)}, {"B", start.Add(time.Hour)}}
		if diff := cmp.Diff(want, items); err != nil || diff != "" {
			t.Errorf("%v, items (-want +got):\n%s", err, diff)
		}
	})
}

func TestFileSweepsWhatACrashLeft(t *testing.T) {
	dir := filledStore(t)
	overwrite(t, filepath.Join(dir, "."+vaultFile+".new-123"), []byte("half"))
	s := newFileStore(dir)
	wantNames(t, s, "A", "B")
	if err := s.Set(context.Background(), "C", NewValue([]byte("c"))); err != nil {
		t.Fatal(err)
	}
	if files := filesIn(t, dir); len(files) != 3 {
		t.Errorf("%d files, want 3", len(files))
	}
	wantNames(t, s, "A", "B", "C")
}

func TestFileKeyWithoutVaultIsUsed(t *testing.T) {
	dir := filledStore(t)
	os.Remove(filepath.Join(dir, vaultFile))
	key, _ := os.ReadFile(filepath.Join(dir, keyFile))
	s := newFileStore(dir)
	if err := s.Set(context.Background(), "A", NewValue([]byte("new"))); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, "A", "new")
	if after, _ := os.ReadFile(filepath.Join(dir, keyFile)); !bytes.Equal(key, after) {
		t.Error("another key was made")
	}
}

func overwrite(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The claim: a run that reads six secrets spends less than 20 ms in the file store.
func BenchmarkFileOpenAndSixGets(b *testing.B) {
	ctx := context.Background()
	b.Setenv("MINIBOT_SECRETS_DIR", b.TempDir())
	names := []string{"A", "B", "C", "D", "E", "F"}
	s, err := Open("file", "test")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range names {
		value, _ := Generate()
		if err := s.Set(ctx, name, value); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		s, err := Open("file", "test")
		if err != nil {
			b.Fatal(err)
		}
		for _, name := range names {
			if _, err := s.Get(ctx, name); err != nil {
				b.Fatal(err)
			}
		}
	}
}
