package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"
)

// vaultVersion is the version of the JSON inside the age file.
const vaultVersion = 1

// vaultJSON is what the age file holds. The values are base64, so they may be any bytes.
type vaultJSON struct {
	Version int                  `json:"version"`
	Secrets map[string]entryJSON `json:"secrets"`
}

type entryJSON struct {
	Value   []byte    `json:"value"`
	Changed time.Time `json:"changed"`
}

// newKey returns the text of a new key file, in the form of age-keygen.
func newKey() ([]byte, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return fmt.Appendf(nil, "# created: %s\n# public key: %s\n# This key opens secrets.age beside it. Keep a copy elsewhere.\n%s\n",
		time.Now().UTC().Format(time.RFC3339), id.Recipient(), id), nil
}

// parseKey reads a key file. Errors of the parser can quote the key and are not passed on.
func parseKey(path string, text []byte) (*age.X25519Identity, error) {
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil || len(ids) != 1 {
		return nil, damaged(path, "it does not hold one age key")
	}
	id, ok := ids[0].(*age.X25519Identity)
	if !ok {
		return nil, damaged(path, "its key is not of the kind X25519")
	}
	return id, nil
}

// openVault decrypts and decodes. Truncation and any changed bit are errors (age authenticates header and every
// chunk).
func openVault(path string, vault []byte, id *age.X25519Identity) (map[string]entry, error) {
	r, err := age.Decrypt(bytes.NewReader(vault), id)
	if noMatch := new(age.NoIdentityMatchError); errors.As(err, &noMatch) {
		return nil, &Error{Store: "file", Kind: ErrLocked, Detail: "the key beside " + path + " does not open it",
			Remedy: "bring the key and the file back from the same backup"}
	}
	if err != nil {
		return nil, damaged(path, "not a whole age file")
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, damaged(path, "truncated or changed")
	}
	var v vaultJSON
	if err := json.Unmarshal(plain, &v); err != nil {
		return nil, damaged(path, "not minibot's content") // err can quote a value
	}
	if v.Version != vaultVersion {
		return nil, &Error{Store: "file", Detail: fmt.Sprintf("%s has version %d, this minibot reads version %d", path, v.Version, vaultVersion),
			Remedy: "use a newer minibot"}
	}
	entries := make(map[string]entry, len(v.Secrets))
	for name, e := range v.Secrets {
		entries[name] = entry{NewValue(e.Value), e.Changed}
	}
	return entries, nil
}

// sealVault is the inverse of openVault.
func sealVault(entries map[string]entry, id *age.X25519Identity) ([]byte, error) {
	v := vaultJSON{vaultVersion, make(map[string]entryJSON, len(entries))}
	for name, e := range entries {
		v.Secrets[name] = entryJSON{e.value.peek(), e.changed}
	}
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, &Error{Store: "file", Detail: "the values cannot be encoded"}
	}
	var vault bytes.Buffer
	w, err := age.Encrypt(&vault, id.Recipient())
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return vault.Bytes(), nil
}
