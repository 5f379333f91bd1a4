package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"minibot/internal/secret"
)

var secretChecks = []Check{
	{
		ID: "auth.secret.strength", Severity: Medium,
		Claim:   "Every password is long, its own, and no placeholder.",
		Why:     "A short password is guessed, one from an example is known, and one that opens two doors loses both.",
		How:     "The secrets are read from the store and looked at here. A password of an auth block must have 24 characters and be no other secret's; no secret may be a word that stands for one. No value is shown or sent.",
		Applies: "every secret of the spec", Attribute: "secret",
		Remedy: "Have minibot make a new one: minibot secret rotate NAME.",
		run:    strength,
	},
	{
		ID: "auth.secret.exposure", Severity: Medium, CIS: "4.10",
		Claim:   "The value of no secret stands in what the engine tells of a container.",
		Why:     "Whoever may ask the engine reads environments, commands and labels, and so do logs, backups and screens.",
		How:     "All that the engine says of every container of the stack is searched for the values of the secrets, plain and in base64. What is found is named by its place, never shown.",
		Applies: "every container of the stack", Attribute: "env",
		Remedy: "Give it to the service as a file: secret.NAME.file, or a file block with secret.NAME.value.",
		needs:  theEngine, run: exposure,
	},
}

// shortest is how many characters a password must have.
const shortest = 24

// placeholders are what people write where a secret is to stand, in lower case and without signs between the words.
var placeholders = []string{
	"changeme", "changeit", "replaceme", "password", "passwort", "passw0rd", "secret", "mysecret", "mypassword", "example", "placeholder",
	"todo", "test", "dummy", "none", "null", "undefined", "default", "admin", "root", "letmein", "qwerty",
	"yourpassword", "yourpasswordhere", "yourapikey", "yourapikeyhere", "yourtoken", "yourtokenhere", "yoursecret", "insertkeyhere", "apikey", "token",
	"postgres", "redis", "mongo", "mongodb", "openclaw", "minibot",
}

// known is a secret that was read, or why it was not.
type known struct {
	name  string
	value secret.Value
	err   error
}

// secrets reads all secrets of the spec.
func (s Subject) secrets(ctx context.Context) []known {
	var all []known
	for _, declared := range s.Stack.Secrets {
		value, err := s.secret(ctx, declared.Name)
		all = append(all, known{declared.Name, value, err})
	}
	return all
}

func strength(ctx context.Context, s Subject) []Result {
	passwords := map[string]bool{}
	for _, service := range s.Stack.Services {
		if service.Auth != nil {
			passwords[service.Auth.Password.Secrets()[0]] = true
		}
	}
	all := s.secrets(ctx)
	var results []Result
	for _, k := range all {
		var result Result
		switch {
		case k.err != nil:
			result = unknown("%v", k.err).remedy("Unlock the store, or set the secret: minibot secret set %s", k.name)
		case passwords[k.name]:
			result = judgePassword(k, all)
		default:
			result = judgePlaceholder(k)
		}
		results = append(results, result.on(k.name))
	}
	return results
}

// judgePassword judges one that opens a door. What it says does not tell how long it is.
func judgePassword(k known, all []known) Result {
	if why := Weakness(k.name, k.value); why != "" {
		return fail("%s", why)
	}
	for _, other := range all {
		if other.name != k.name && other.err == nil && k.value.Equal(other.value) {
			return fail("it is the same as %s", other.name)
		}
	}
	return pass("long enough, and no other secret's")
}

func judgePlaceholder(k known) Result {
	if why := stopgap(k.name, string(k.value.Reveal())); why != "" {
		return fail("%s", why)
	}
	return pass("no placeholder")
}

// Weakness says what is wrong with a password, without a word of it; "" if nothing is. Evidence of another machine has marks
// in the place of secrets, of which it must say the same.
func Weakness(name string, value secret.Value) string {
	text := string(value.Reveal())
	if why := stopgap(name, text); why != "" {
		return why
	}
	kinds := map[rune]bool{}
	for _, r := range text {
		kinds[r] = true
	}
	const fewest = 8 // different characters
	switch {
	case len([]rune(text)) < shortest:
		return fmt.Sprintf("it has fewer than %d characters", shortest)
	case len(kinds) < fewest:
		return fmt.Sprintf("it is made of fewer than %d different characters", fewest)
	}
	return ""
}

// stopgap says that a value only stands where a secret is to stand.
func stopgap(name, text string) string {
	text = strings.ToLower(text)
	bare := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -_.<>[]{}$", r) {
			return -1
		}
		return r
	}, text)
	repeated := text != "" && strings.Trim(text, text[:1]) == ""
	switch {
	case text == "":
		return "it is empty"
	case slices.Contains(placeholders, bare), slices.Contains(placeholders, strings.TrimRight(bare, "0123456789!")), repeated,
		strings.Contains("01234567890123456789", bare), bare == strings.ToLower(strings.ReplaceAll(name, "_", "")):
		return "it is a placeholder, or a word that anybody tries first"
	}
	return ""
}
