package secret

import (
	"cmp"
	"context"
	"os"
	"strings"
)

// envPrefix begins the variables of the env store; the rest is the secret's name as it stands.
const envPrefix = "MINIBOT_SECRET_"

// envStore serves what was in the environment when it was opened. It is read-only.
type envStore map[string]Value

// openEnv takes the variables and removes them from the environment of this process, since children inherit what
// os.Setenv and the shell put there (measured). /proc/PID/environ keeps showing them to the same user,
// which [Harden] prevents on Linux. A variable that is set and empty counts as not there.
func openEnv(string, Options) (Store, error) {
	store := envStore{}
	for _, pair := range os.Environ() {
		variable, text, _ := strings.Cut(pair, "=")
		name, ours := strings.CutPrefix(variable, envPrefix)
		if !ours {
			continue
		}
		if text != "" {
			store[name] = NewValue([]byte(text))
		}
		_ = os.Unsetenv(variable) // fails only for a name that cannot be one
	}
	return store, nil
}

func whereEnv(string, Options) (string, error) { return "variables " + envPrefix + "<NAME>", nil }

func (s envStore) Get(_ context.Context, name string) (Value, error) {
	if value, ok := s[name]; ok {
		return value, nil
	}
	return Value{}, &Error{Store: "env", Name: name, Kind: ErrNotFound,
		Remedy: "set the environment variable " + envPrefix + name}
}

func (s envStore) Set(_ context.Context, name string, _ Value) error { return s.readOnly(name) }

func (s envStore) Delete(_ context.Context, name string) error { return s.readOnly(name) }

func (s envStore) List(context.Context) ([]Item, error) {
	items := make([]Item, 0, len(s))
	for name := range s {
		items = append(items, Item{Name: name})
	}
	return items, nil
}

func (envStore) readOnly(name string) error {
	return &Error{Store: "env", Name: name, Kind: ErrReadOnly,
		Remedy: "set the environment variable " + envPrefix + cmp.Or(name, "<NAME>")}
}
