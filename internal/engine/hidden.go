package engine

import (
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/internal/plan"
)

// secretRef matches a reference to a secret in compose's syntax.
var secretRef = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*):\?[^}]*\}`)

// restore turns a value that holds a secret back into the text that it was made from,
// if it fits; a value that does not fit is not shown.
func restore(applied, value string) string {
	var pattern strings.Builder
	last := 0
	for _, at := range secretRef.FindAllStringIndex(applied, -1) {
		pattern.WriteString(regexp.QuoteMeta(strings.ReplaceAll(applied[last:at[0]], "$$", "$")) + `(?s:.+)`)
		last = at[1]
	}
	pattern.WriteString(regexp.QuoteMeta(strings.ReplaceAll(applied[last:], "$$", "$")))
	if regexp.MustCompile(`^` + pattern.String() + `$`).MatchString(value) {
		return applied
	}
	return plan.Hidden
}

// masked is a command without the secrets that were put into it. Where one was, a word
// that is not the one that was asked for may be it, and is not shown.
func masked(command []string, applied []string) types.ShellCommand {
	if command == nil {
		return nil
	}
	was := []string{}
	if len(applied) == 1 {
		was = words(applied[0])
	}
	secret := slices.ContainsFunc(was, secretRef.MatchString)
	seen := make(types.ShellCommand, len(command))
	for i, word := range command {
		seen[i] = escape(word)
		switch {
		case !secret:
		case i >= len(was):
			seen[i] = plan.Hidden
		case seen[i] != was[i]:
			seen[i] = restore(was[i], word)
		}
	}
	return seen
}

// escape writes a value as the compose file would: each $ doubled.
func escape(value string) string { return strings.ReplaceAll(value, "$", "$$") }
