package adopt

import (
	"errors"
	"regexp"
	"strings"
)

// reference is a place of a text where compose puts a variable's value.
type reference struct {
	literal string // the text itself, where name is empty
	name    string
	// op is what follows the name: ":-" or "-" before a default, ":?" or "?" before an error, ":+" or "+" before what is put
	// there if the variable has a value. arg is what stands after it.
	op, arg string
	written string // all of it, such as "${TAG:-latest}"
}

var (
	namePattern = regexp.MustCompile(`^[_a-zA-Z][_a-zA-Z0-9]*`)
	operators   = []string{":-", ":?", ":+", "-", "?", "+"}
)

var errDollar = errors.New("a $ that begins no variable; write $$ for the character itself")

// references cuts a text into literals, whose $$ are single, and references.
func references(text string) ([]reference, error) {
	var all []reference
	literal := func(s string) {
		if n := len(all); n > 0 && all[n-1].name == "" {
			all[n-1].literal += s
		} else {
			all = append(all, reference{literal: s})
		}
	}
	for text != "" {
		before, after, found := strings.Cut(text, "$")
		if before != "" {
			literal(before)
		}
		if !found {
			break
		}
		name := namePattern.FindString(after)
		switch {
		case strings.HasPrefix(after, "$"):
			literal("$")
			text = after[1:]
		case name != "":
			all = append(all, reference{name: name, written: "$" + name})
			text = after[len(name):]
		case strings.HasPrefix(after, "{"):
			end := closing(after)
			if end < 0 {
				return nil, errDollar
			}
			ref, ok := braced(after[1:end])
			if !ok {
				return nil, errDollar
			}
			all = append(all, ref)
			text = after[end+1:]
		default:
			return nil, errDollar
		}
	}
	return all, nil
}

// closing is where the brace ends that a text begins with; below 0 if it does not.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch {
		case text[i] == '{' && (i == 0 || text[i-1] == '$'):
			depth++
		case text[i] == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func braced(inside string) (r reference, ok bool) {
	r = reference{name: namePattern.FindString(inside), written: "${" + inside + "}"}
	rest := inside[len(r.name):]
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			r.op, r.arg = op, rest[len(op):]
			return r, r.name != ""
		}
	}
	return r, r.name != "" && rest == ""
}
