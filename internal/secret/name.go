package secret

import (
	"fmt"
	"strings"
)

// reserved is the account of minibot's own key for fingerprints (see LoadKey). Names that begin with it, or
// with rotationPrefix, are minibot's own.
const reserved = "_label_key"

// CheckName says whether a person may give a secret this name: a letter or underscore, then letters, digits and
// underscores, as for an environment variable; and not beginning with _label_key or _rotation_, which are minibot's own.
// The reason is safety and not taste: an empty name matches every item of a keychain.
func CheckName(name string) error {
	if err := checkAccount(name); err != nil {
		return err
	}
	if isReserved(name) {
		return fmt.Errorf("secret name %q is reserved for minibot's own use", name)
	}
	return nil
}

func isReserved(name string) bool {
	return strings.HasPrefix(name, reserved) || strings.HasPrefix(name, rotationPrefix)
}

// checkAccount is CheckName with the reserved names allowed.
func checkAccount(name string) error {
	if name == "" {
		return fmt.Errorf("secret name is empty")
	}
	for i, r := range name {
		if !isLetter(r) && r != '_' && (i == 0 || !isDigit(r)) {
			return fmt.Errorf("secret name %q: want letters, digits and underscores, not beginning with a digit", name)
		}
	}
	return nil
}

// checkStack guards the stack's name, which becomes part of a path and of a keychain service. The rule is
// compose's for project names (compose-spec, "Name top-level element").
func checkStack(stack string) error {
	if stack == "" {
		return fmt.Errorf("stack name is empty")
	}
	for i, r := range stack {
		lower := r >= 'a' && r <= 'z'
		if !lower && !isDigit(r) && (i == 0 || r != '-' && r != '_') {
			return fmt.Errorf("stack name %q: want lower-case letters, digits, - and _, beginning with a letter or digit", stack)
		}
	}
	return nil
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func isDigit(r rune) bool { return r >= '0' && r <= '9' }
