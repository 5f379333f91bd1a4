package secret

import (
	"context"
	"fmt"
	"runtime"
	"strings"
)

// A Kind is one sort of store.
type Kind struct {
	Name      string // as written in the spec: secrets { store = "…" }
	Doc       string // one line for people
	Available bool   // whether this platform and build have it

	open  func(stack string, o Options) (Store, error)
	where func(stack string, o Options) (string, error)
	look  func(ctx context.Context, stack string, o Options) error // for Survey; nil if there is nothing to see without asking
}

// Kinds returns every kind of store that minibot knows, "auto" first. To add one, write its file and add its line.
func Kinds() []Kind {
	return []Kind{
		{"auto", "the macOS keychain on macOS, the encrypted file elsewhere", true, nil, nil, nil},
		{"keychain", "the macOS login keychain", haveKeychain, openKeychain, whereKeychain, nil},
		{"secret-service", "the keyring of a Linux desktop", haveSecretService, openSecretService, whereSecretService, lookSecretService},
		{"file", "one age-encrypted file with its key beside it", true, openFile, whereFile, lookFile},
		{"exec", "programs that print a secret each, such as op or pass, read-only", true, openExec, whereExec, lookExec},
		{"env", "environment variables MINIBOT_SECRET_<NAME>, read-only, for CI", true, openEnv, whereEnv, nil},
	}
}

// Open opens the store of that kind for one stack, with at most one Options. Opening neither asks for anything nor
// creates anything; that happens in the calls. Open it once per run: the env store takes its variables away, and the
// file store decrypts once. A kind that is not available here is ErrUnavailable; another is never taken in its place.
func Open(kind, stack string, options ...Options) (Store, error) {
	k, err := find(kind, stack)
	if err != nil {
		return nil, err
	}
	store, err := k.open(stack, first(options))
	if err != nil {
		return nil, err
	}
	return guarded{k.Name, store}, nil
}

// Describe says in one line which store that is and where it keeps its values, also for "auto":
// "file: /home/ada/.local/share/minibot/minibot/secrets.age". It asks no store.
func Describe(kind, stack string, options ...Options) (string, error) {
	k, err := find(kind, stack)
	if err != nil {
		return "", err
	}
	where, err := k.where(stack, first(options))
	if err != nil {
		return "", err
	}
	return k.Name + ": " + where, nil
}

// find returns the kind, with "auto" resolved. The choice rests on the platform alone.
func find(kind, stack string) (Kind, error) {
	if err := checkStack(stack); err != nil {
		return Kind{}, err
	}
	if kind == "auto" {
		kind = autoKind(runtime.GOOS)
	}
	var names []string
	for _, k := range Kinds() {
		if k.Name == kind {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return Kind{}, fmt.Errorf("unknown secret store %q: want one of %s", kind, strings.Join(names, ", "))
}

func autoKind(goos string) string {
	if goos == "darwin" {
		return "keychain"
	}
	return "file"
}
