package secret

import (
	"os"
	"slices"
	"strings"
)

// ageKeyPrefix begins the variables that hold, or lead to, a key of the file store.
const ageKeyPrefix = "MINIBOT_AGE_"

// Environ returns the environment of this process without minibot's own secrets, MINIBOT_SECRET_* and MINIBOT_AGE_*:
// for children that need all the rest, such as docker, ssh or the program of a person. (What the env store took is
// gone from the environment already; this holds for every store, and before one is opened.)
func Environ() []string {
	return slices.DeleteFunc(os.Environ(), func(pair string) bool {
		return strings.HasPrefix(pair, envPrefix) || strings.HasPrefix(pair, ageKeyPrefix)
	})
}

// execVariables are all that a program of the exec store sees of our environment, with those of Options.Pass. A name
// that ends in * is the beginning of a name. Each is here because a password manager fails without it.
var execVariables = []string{
	"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR",
	"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", // where op, gopass and age keep their things
	"DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", // secret-tool, and dialogs
	"GNUPGHOME", "GPG_TTY", "SSH_AUTH_SOCK", "TERM", // gpg, and its agent's pinentry
	"PASSWORD_STORE_DIR", "PASSWORD_STORE_GPG_OPTS", // pass
	"OP_*", // 1Password: OP_SERVICE_ACCOUNT_TOKEN, OP_ACCOUNT, OP_SESSION_…
}

// execEnv is the environment of such a program.
func execEnv(pass []string) []string {
	env := []string{}
	for _, pair := range Environ() {
		variable, _, _ := strings.Cut(pair, "=")
		if slices.Contains(pass, variable) || slices.ContainsFunc(execVariables, func(pattern string) bool {
			start, open := strings.CutSuffix(pattern, "*")
			return variable == pattern || open && strings.HasPrefix(variable, start)
		}) {
			env = append(env, pair)
		}
	}
	return env
}
