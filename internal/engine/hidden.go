package engine

import (
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/internal/plan"
)

// secretRef matches a reference to a secret in compose's syntax, with the dollars before it:
// an odd number of them makes it a text that only looks like one.
var secretRef = regexp.MustCompile(`(\$*)\$\{([A-Za-z_][A-Za-z0-9_]*):\?[^}]*\}`)

// mention is a reference to a secret in a text of the compose file.
type mention struct {
	from, to int
	name     string
}

// mentions lists those of a text, in order.
func mentions(text string) []mention {
	var all []mention
	for _, at := range secretRef.FindAllStringSubmatchIndex(text, -1) {
		if (at[3]-at[2])%2 == 0 {
			all = append(all, mention{from: at[3], to: at[1], name: text[at[4]:at[5]]})
		}
	}
	return all
}

func mentioned(text string) bool { return len(mentions(text)) > 0 }

// unescape is a piece of the compose file as a program sees it: each $$ is a $.
func unescape(text string) string { return strings.ReplaceAll(text, "$$", "$") }

// restore turns a value that holds a secret back into the text that it was made from,
// if it fits; a value that does not fit is not shown.
func restore(applied, value string) string {
	var pattern strings.Builder
	last := 0
	for _, ref := range mentions(applied) {
		pattern.WriteString(regexp.QuoteMeta(unescape(applied[last:ref.from])) + `(?s:.+)`)
		last = ref.to
	}
	pattern.WriteString(regexp.QuoteMeta(unescape(applied[last:])))
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
	secret := slices.ContainsFunc(was, mentioned)
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
