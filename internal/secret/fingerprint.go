package secret

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

const (
	keyBytes         = 32 // of the key
	fingerprintBytes = 16 // of an HMAC-SHA256 that are shown
	keyIDBytes       = 6

	fingerprintVersion = "v1."
	fingerprintDomain  = "minibot secret label v1"
	keyIDDomain        = "minibot secret key id v1"
)

// A Key makes fingerprints of delivered secrets that may stand in a container's label. Without the key a fingerprint
// cannot be used to test guesses, as a plain hash could. One Key belongs to one stack and lives in its store. It
// prints as ***. The zero Key is no key: it compares everything as Unknown.
type Key struct{ value Value }

// Format prints *** for every verb and flag.
func (k Key) Format(s fmt.State, verb rune) { k.value.Format(s, verb) }

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.value.IsZero() }

// LoadKey reads the stack's key from the store, where it has the account _label_key. If there is none and create is
// set, a new one is made and stored; without create that is ErrNotFound, and fingerprints can only be Unknown. In a
// read-only store it has to be given, as base64 of 32 random bytes (`openssl rand -base64 32`): else create is
// ErrReadOnly.
func LoadKey(ctx context.Context, store Store, create bool) (Key, error) {
	value, err := store.Get(ctx, reserved)
	if create && errors.Is(err, ErrNotFound) {
		if err := storeNewKey(ctx, store); err != nil {
			return Key{}, err
		}
		value, err = store.Get(ctx, reserved) // what the store says counts, should two have made one
	}
	if err != nil {
		return Key{}, err
	}
	text := strings.TrimRight(strings.TrimSpace(string(value.peek())), "=")
	key, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(key) != keyBytes {
		return Key{}, errors.New("the key for fingerprints, " + reserved + ", is not base64 of 32 bytes; delete it and the next apply makes another")
	}
	return Key{NewValue(key)}, nil
}

func storeNewKey(ctx context.Context, store Store) error {
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	return store.Set(ctx, reserved, NewValue([]byte(base64.RawStdEncoding.EncodeToString(key))))
}

// ID is a short name of the key, 8 characters. It tells a lost or exchanged key from a changed secret. The zero Key
// has none: it panics.
func (k Key) ID() string {
	return base64.RawURLEncoding.EncodeToString(k.sum(keyIDDomain)[:keyIDBytes])
}

// Fingerprint returns "<key id> v1.<22 characters>": 128 bits of an HMAC-SHA256 over the parts, each with its length,
// so that no two lists of parts run into one another. Give all that makes a delivery what it is (stack, service,
// target, mode, owner, content): with the service inside, equal passwords don't show as equal. The zero Key panics,
// since without a key the result would be a plain hash.
func (k Key) Fingerprint(parts ...[]byte) string {
	sum := k.sum(fingerprintDomain, parts...)
	return k.ID() + " " + fingerprintVersion + base64.RawURLEncoding.EncodeToString(sum[:fingerprintBytes])
}

// Delivered is the fingerprint of a secret as one service of a stack was given it.
func (k Key) Delivered(stack, service, name string, value Value) string {
	return k.Fingerprint(delivery(stack, service, name, value)...)
}

// CompareDelivered says what a fingerprint that Delivered made earlier means for this value.
func (k Key) CompareDelivered(fingerprint, stack, service, name string, value Value) State {
	return k.Compare(fingerprint, delivery(stack, service, name, value)...)
}

func delivery(stack, service, name string, value Value) [][]byte {
	return [][]byte{[]byte(stack), []byte(service), []byte(name), value.peek()}
}

func (k Key) sum(domain string, parts ...[]byte) []byte {
	if k.IsZero() {
		panic("secret: fingerprint without a key")
	}
	mac := hmac.New(sha256.New, k.value.peek())
	for _, part := range append([][]byte{[]byte(domain)}, parts...) {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// A State is what a fingerprint says about a delivered secret.
type State int

// The states of a fingerprint. The zero State is Unknown.
const (
	Unknown State = iota // made with another key or another version, or not a fingerprint: nothing can be said
	Current              // made from the same parts
	Changed              // made with this key from other parts
)

// String returns unknown, current or changed.
func (s State) String() string {
	switch s {
	case Current:
		return "current"
	case Changed:
		return "changed"
	}
	return "unknown"
}

// Compare says what a fingerprint made earlier means for these parts today.
func (k Key) Compare(fingerprint string, parts ...[]byte) State {
	id, rest, _ := strings.Cut(fingerprint, " ")
	if k.IsZero() || id != k.ID() || !strings.HasPrefix(rest, fingerprintVersion) {
		return Unknown
	}
	if hmac.Equal([]byte(fingerprint), []byte(k.Fingerprint(parts...))) {
		return Current
	}
	return Changed
}
