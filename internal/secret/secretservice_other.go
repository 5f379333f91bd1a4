//go:build !linux

package secret

import "context"

const haveSecretService = false

func openSecretService(string, Options) (Store, error) { return nil, noSecretService() }

func whereSecretService(string, Options) (string, error) { return "", noSecretService() }

func lookSecretService(context.Context, string, Options) error { return noSecretService() }

func noSecretService() error {
	return &Error{Store: "secret-service", Kind: ErrUnavailable, Detail: "only Linux desktops have it",
		Remedy: `choose another: secrets { store = "file" }, or "auto"`}
}
