//go:build darwin && !cgo

package secret

const haveKeychain = true

// openKeychain without cgo takes the road over /usr/bin/security: same items, another owner.
func openKeychain(stack string, _ Options) (Store, error) {
	return &toolStore{stack: stack, program: securityProgram, wait: callWait()}, nil
}

func whereKeychain(stack string, _ Options) (string, error) {
	return "login keychain, service " + keychainService(stack) + ", by " + securityProgram, nil
}
