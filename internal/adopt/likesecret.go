package adopt

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Words by which a name is known to be that of a secret: as its last word, or anywhere in it.
var (
	lastWords = []string{
		"PASSWORD", "PASSWD", "PASS", "PWD", "PW", "PASSPHRASE", "SECRET", "SECRETS", "TOKEN", "TOKENS", "KEY", "KEYS", "APIKEY", "CREDENTIAL", "CREDENTIALS",
		"SALT", "PEPPER", "DSN", "PIN", "SEED", "COOKIE", "AUTHKEY", "REQUIREPASS",
	}
	anyWords = []string{"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "APIKEY", "CREDENTIAL", "CREDENTIALS"}
	anyPairs = []string{"API_KEY", "PRIVATE_KEY", "ACCESS_KEY", "ENCRYPTION_KEY"}
	// harmless last words are about a secret, and none themselves.
	harmlessWords = []string{
		"FILE", "PATH", "DIR", "TTL", "EXPIRY", "EXPIRES", "EXPIRATION", "LIFETIME", "AGE", "LENGTH", "MIN", "MAX", "ENABLED", "ENABLE", "DISABLED", "DISABLE",
		"METHOD", "ALGORITHM", "TYPE", "HOST", "PORT", "TIMEOUT", "ITERATIONS", "RESET", "REQUIRED", "POLICY", "PROVIDER", "URL", "URI", "ENDPOINT", "NAME", "HEADER", "USER",
	}
	// harmlessNames end like a secret's.
	harmlessNames = []string{"PWD", "OLDPWD", "PRIMARY_KEY", "PUBLIC_KEY", "BYPASS", "COMPASS"}
	// switches are values that say yes or no, and keep nothing secret.
	switches = []string{"", "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null"}
)

// namesSecret reports whether a name is one that people give to a secret, whatever its value.
func namesSecret(name string) bool {
	name = strings.ToUpper(strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r == '/' {
			return '_'
		}
		return r
	}, name))
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '_' })
	if len(words) == 0 {
		return false
	}
	last := words[len(words)-1]
	if slices.Contains(harmlessNames, name) || slices.Contains(harmlessNames, last) && last != "PWD" {
		return false
	}
	switch {
	case slices.Contains(harmlessWords, last):
		return false
	case strings.Contains(name, "PUBLIC_KEY"), strings.Contains(name, "ALLOW_EMPTY"), strings.Contains(name, "RANDOM_ROOT"):
		return false
	case slices.Contains(lastWords, last):
		return true
	}
	return slices.ContainsFunc(anyWords, func(word string) bool { return slices.Contains(words, word) }) ||
		slices.ContainsFunc(anyPairs, func(pair string) bool { return strings.Contains(name, pair) }) ||
		slices.ContainsFunc([]string{"PASSWORD", "PASSWD", "PASS", "SECRET", "TOKEN", "APIKEY"}, func(word string) bool { return strings.HasSuffix(last, word) })
}

// knownValues are texts that are a secret whatever their name: keys of well-known services, and private keys.
var knownValues = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|AGE-SECRET-KEY-1\w+|hvs\.\w{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|[0-9]{8,10}:AA[\w-]{30,}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}|tskey-[\w-]{10,})`)

// likeSecret reports whether a value is to be kept secret, going by its name and by itself.
func likeSecret(name, value string) bool {
	if knownValues.MatchString(value) {
		return true
	}
	return namesSecret(name) && !slices.Contains(switches, strings.ToLower(value))
}

// userinfo finds the password in an address such as postgres://user:password@db/name.
var userinfo = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@"']*:([^/\s@"']+)@`)

// flagged finds the value of an argument such as --requirepass VALUE, in one text or at the beginning of the next word.
var flagged = regexp.MustCompile(`(?i)(?:^|[\s"'])--?([a-z0-9-]*(?:password|passwd|requirepass|masterauth|secret|token|api-?key)[a-z0-9-]*)(?:=|\s+)["']?([^\s"'$-][^\s"'$]*)`)

// flagAlone is such an argument whose value is the next word.
var flagAlone = regexp.MustCompile(`(?i)^--?([a-z0-9-]*(?:password|passwd|requirepass|masterauth|secret|token|api-?key))$`)

// unescaped is a password as a URL holds it, without the escapes; the same if it has none.
func unescaped(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}
