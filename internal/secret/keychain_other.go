//go:build !darwin

package secret

const haveKeychain = false

func openKeychain(string, Options) (Store, error) { return nil, noKeychain() }

func whereKeychain(string, Options) (string, error) { return "", noKeychain() }

func noKeychain() error {
	return &Error{Store: "keychain", Kind: ErrUnavailable, Detail: "only macOS has it",
		Remedy: `choose another: secrets { store = "file" }, or "auto"`}
}
