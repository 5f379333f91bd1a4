package secret

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keybase/dbus"
)

// fakeService is a Secret Service with one item, "value". It does what GNOME Keyring does not: it asks before it
// deletes and before it shows an item, broadcasts the answers as KeePassXC does, refuses, answers garbage, or never.
type fakeService struct {
	conn *dbus.Conn
	gone chan struct{} // has an element for each dialog taken off the screen

	mu      sync.Mutex    // the library answers each call in a goroutine
	keys    [][]byte      // of the sessions opened
	zeros   int           // so many first sessions have a shared secret that begins with a zero byte
	garbage bool          // the item's answer cannot be decrypted
	refuse  *dbus.Error   // the answer to every search
	silent  chan struct{} // if not nil, a search is answered when it is closed
	dismiss bool          // what the person does with each dialog
	locked  bool          // whether the item is; a dialog opens it
	prompts int           // dialogs shown
}

const (
	fakeRoot       = dbus.ObjectPath("/org/freedesktop/secrets")
	fakeCollection = fakeRoot + "/collection/main"
	fakeItemPath   = fakeCollection + "/1"
	fakePrompt     = fakeRoot + "/prompt/p1"
)

func newFakeService(t *testing.T) *fakeService {
	t.Helper()
	b := newBus(t)
	f := &fakeService{conn: b.connect(), gone: make(chan struct{}, 8)}
	for iface, path := range map[string]dbus.ObjectPath{
		"org.freedesktop.Secret.Service":  fakeRoot,
		"org.freedesktop.DBus.Properties": fakeCollection,
		"org.freedesktop.Secret.Item":     fakeItemPath,
		"org.freedesktop.Secret.Prompt":   fakePrompt,
	} {
		if err := f.conn.Export(f, path, iface); err != nil {
			t.Fatal(err)
		}
	}
	if reply, err := f.conn.RequestName(serviceName, 0); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(reply, err)
	}
	return f
}

// ReadAlias and the methods below are of the four interfaces.
func (f *fakeService) ReadAlias(string) (dbus.ObjectPath, *dbus.Error) { return fakeCollection, nil }

func (f *fakeService) Get(_, _ string) (dbus.Variant, *dbus.Error) {
	return dbus.MakeVariant(false), nil // the collection is open
}

func (f *fakeService) SearchItems(map[string]string) (unlocked, locked []dbus.ObjectPath, err *dbus.Error) {
	f.mu.Lock()
	silent := f.silent
	f.mu.Unlock()
	if silent != nil {
		<-silent
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return nil, nil, f.refuse
	}
	if f.locked {
		return []dbus.ObjectPath{}, []dbus.ObjectPath{fakeItemPath}, nil
	}
	return []dbus.ObjectPath{fakeItemPath}, []dbus.ObjectPath{}, nil
}

func (f *fakeService) Unlock([]dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	return []dbus.ObjectPath{}, fakePrompt, nil
}

func (f *fakeService) OpenSession(_ string, input dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	theirs := new(big.Int).SetBytes(input.Value().([]byte))
	for private := big.NewInt(2); ; private.Add(private, big.NewInt(1)) {
		shared := new(big.Int).Exp(theirs, private, sessionPrime).FillBytes(make([]byte, sessionBytes))
		if (shared[0] == 0) != (len(f.keys) < f.zeros) {
			continue // one of 256 begins with a zero
		}
		key, err := hkdf.Key(sha256.New, shared, nil, "", 16)
		if err != nil {
			panic(err)
		}
		f.keys = append(f.keys, key)
		path := fmt.Sprintf("%s/session/s%d", fakeRoot, len(f.keys))
		return dbus.MakeVariant(new(big.Int).Exp(big.NewInt(2), private, sessionPrime).Bytes()), dbus.ObjectPath(path), nil
	}
}

// fakeSecret is the struct (oayays) of the API.
type fakeSecret struct {
	Session           dbus.ObjectPath
	Parameters, Value []byte
	ContentType       string
}

func (f *fakeService) GetSecret(session dbus.ObjectPath) (fakeSecret, *dbus.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	sealed := []byte("not a multiple of the block")
	if !f.garbage {
		block, err := aes.NewCipher(f.keys[len(f.keys)-1])
		if err != nil {
			panic(err)
		}
		sealed = []byte("value" + strings.Repeat("\x0b", 11))
		cipher.NewCBCEncrypter(block, make([]byte, 16)).CryptBlocks(sealed, sealed)
	}
	return fakeSecret{session, make([]byte, 16), sealed, "text/plain"}, nil
}

func (f *fakeService) Delete() (dbus.ObjectPath, *dbus.Error) { return fakePrompt, nil }

func (f *fakeService) Prompt(string) *dbus.Error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prompts++
	f.locked = f.locked && f.dismiss
	f.conn.Emit(fakePrompt, "org.freedesktop.Secret.Prompt.Completed", f.dismiss, dbus.MakeVariant(""))
	return nil
}

func (f *fakeService) Dismiss() *dbus.Error {
	f.gone <- struct{}{}
	return nil
}

func TestSecretServiceOfOthers(t *testing.T) {
	ctx := context.Background()
	get := func(s Store) error { return second(s.Get(ctx, "TOKEN")) }
	remove := func(s Store) error { return s.Delete(ctx, "TOKEN") }
	for name, c := range map[string]struct {
		prepare  func(*fakeService)
		attended bool
		call     func(Store) error
		kind     error // nil: none of the kinds
		want     string
		prompts  int
		gone     int
	}{
		"an answer that cannot be decrypted": {func(f *fakeService) { f.garbage = true }, true, get, nil, "could not be decrypted", 0, 0},
		"it asks before it deletes":          {nil, true, remove, nil, "", 1, 0},
		"deleting is denied":                 {func(f *fakeService) { f.dismiss = true }, true, remove, ErrDenied, "dismissed", 1, 0},
		"nobody to ask":                      {nil, false, remove, ErrLocked, "", 0, 1},
		"it asks before it shows":            {func(f *fakeService) { f.locked = true }, true, get, nil, "", 1, 0},
		"showing is denied":                  {func(f *fakeService) { f.locked, f.dismiss = true, true }, true, get, ErrDenied, "dismissed", 1, 0},
		"nobody to ask for one item":         {func(f *fakeService) { f.locked = true }, false, get, ErrLocked, "", 0, 1},
		"access denied":                      {func(f *fakeService) { f.refuse = &dbus.Error{Name: "org.freedesktop.DBus.Error.AccessDenied"} }, true, get, ErrDenied, "", 0, 0},
		"another error, and its text": {func(f *fakeService) {
			f.refuse = &dbus.Error{Name: "org.example.Odd", Body: []any{canary}}
		}, true, get, nil, "the keyring failed with org.example.Odd", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeService(t)
			if c.prepare != nil {
				f.mu.Lock()
				c.prepare(f)
				f.mu.Unlock()
			}
			s, _ := newServiceStore("test", c.attended)
			err := c.call(s)
			if c.want == "" && c.kind == nil {
				if err != nil {
					t.Error(err)
				}
			} else if err == nil || c.kind != nil && !errors.Is(err, c.kind) || c.kind == nil && anyKind(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %v, %q", err, c.kind, c.want)
			} else {
				mustNotShow(t, "the error", err.Error())
			}
			late := time.After(patience)
			for range c.gone {
				select {
				case <-f.gone:
				case <-late:
					t.Fatal("the dialog stayed on the screen")
				}
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.prompts != c.prompts || len(f.gone) > 0 {
				t.Errorf("%d dialogs, want %d; %d more taken away", f.prompts, c.prompts, len(f.gone))
			}
		})
	}
	t.Run("a shared secret with a zero in front", func(t *testing.T) {
		f := newFakeService(t)
		f.mu.Lock()
		f.zeros = 2
		f.mu.Unlock()
		s, _ := newServiceStore("test", false)
		wantValue(t, s, "TOKEN", "value")
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.keys) != 3 {
			t.Errorf("%d sessions, want the third to be used", len(f.keys))
		}
	})
	t.Run("it never answers", func(t *testing.T) {
		f := newFakeService(t)
		s, bare := newServiceStore("test", true)
		wantValue(t, s, "TOKEN", "value") // connects
		silent := make(chan struct{})
		defer close(silent)
		f.mu.Lock()
		f.silent = silent
		f.mu.Unlock()
		bare.wait = 20 * time.Millisecond
		for range 2 {
			if err := get(s); !errors.Is(err, ErrLocked) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "within 20ms") {
				t.Error(err)
			}
		}
		ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		bare.wait = patience
		if _, err := s.Get(ctx, "TOKEN"); anyKind(err) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller's limit: %v", err)
		}
	})
}
