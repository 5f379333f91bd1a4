package main

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"

	"minibot/internal/secret"
)

// envEntry is one variable of a .env text.
type envEntry struct {
	name  string
	value secret.Value // zero if there is nothing behind the =
	bare  bool         // a name without =, which compose takes from its own environment
	// dollar: a $ stands outside of single quotes, so compose would put a variable there.
	dollar bool
}

// envError says where a .env text cannot be read. It never quotes the text.
type envError struct {
	line int // 0 if unknown
	what string
}

func (e *envError) Error() string { return e.what }

// A dollar sign is given to compose's parser as a variable of its own. What comes back then
// shows which ones it would have replaced: those are dollarSeen, and the others still stand
// as dollarAsked. A text holds no NUL, so no value can be taken for either.
const (
	dollarName  = "MINIBOT_DOLLAR"
	dollarAsked = "${" + dollarName + "}"
	dollarSeen  = "\x00$"
	bareSeen    = "\x00"
)

// parseEnv reads a .env text as compose does, with one difference: no variable is put into a
// value; where compose would do that, the entry says so. Of a name that stands twice the
// last counts. An error is an *envError; the parser's own may quote values and stay here.
func parseEnv(text []byte) (map[string]envEntry, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	if at := bytes.IndexByte(text, 0); at >= 0 {
		return nil, &envError{lineAt(text, at), "there is a NUL byte: this is no text in UTF-8. Save it as UTF-8"}
	}
	if at := bytes.IndexByte(text, '\r'); at >= 0 {
		return nil, &envError{lineAt(text, at), "there is a carriage return within the line. Save the file with ordinary line ends"}
	}
	asked := strings.ReplaceAll(string(text), "$", dollarAsked) + "\n"
	values, err := dotenv.ParseWithLookup(strings.NewReader(asked), func(name string) (string, bool) {
		if name == dollarName {
			return dollarSeen, true
		}
		return bareSeen, true
	})
	if err != nil {
		return nil, envFault(asked, err)
	}
	entries := make(map[string]envEntry, len(values))
	for name, value := range values {
		if err := atLineStart(asked, name); err != nil {
			return nil, err
		}
		entry := envEntry{name: name}
		switch {
		case value == bareSeen:
			entry.bare = true
		case strings.Contains(value, bareSeen):
			entry.dollar = true
		default:
			entry.value = secret.NewValue([]byte(strings.ReplaceAll(value, dollarAsked, "$")))
		}
		entries[name] = entry
	}
	return entries, nil
}

// envLine begins the parser's messages.
var envLine = regexp.MustCompile(`^line (\d+): (unexpected character|key cannot contain a space|unterminated quoted value (?s:(.*)))`)

// envFault turns a message of the parser into one without anything of the text.
func envFault(text string, err error) error {
	found := envLine.FindStringSubmatch(err.Error())
	if found == nil {
		return &envError{0, "it cannot be read"}
	}
	line, _ := strconv.Atoi(found[1])
	const form = "this is not NAME=value. A value of several lines, or with a quote in it, stands in quotes"
	if opened := found[3]; opened != "" { // counted where the text ends; look for where it began
		lines := strings.Split(text, "\n")
		for i, one := range lines {
			if strings.HasSuffix(one, opened) {
				line = i + 1
			}
		}
		return &envError{line, "a quote is opened and never closed"}
	}
	return &envError{line, form}
}

// atLineStart makes sure that a name stands at the start of a line. The parser goes on after
// a closing quote in the same line, so half of a value could pass for a name, and the other
// half for the value.
func atLineStart(text, name string) error {
	quoted := regexp.QuoteMeta(name)
	if regexp.MustCompile(`(?m)^\s*(?:export\s+)?` + quoted + `\s*(?:[=:]|$)`).MatchString(text) {
		return nil
	}
	fault := &envError{what: "there is text behind a closing quote. Put the whole value in quotes"}
	if at := regexp.MustCompile(`["'][^\S\n]*` + quoted).FindStringIndex(text); at != nil {
		fault.line = lineAt([]byte(text), at[0])
	}
	return fault
}

// lineAt is the line of a place in a text, from 1.
func lineAt(text []byte, at int) int { return 1 + bytes.Count(text[:at], []byte("\n")) }

// place writes the error with the text's name, as compilers do.
func (e *envError) place(source string) error {
	if e.line > 0 {
		source = fmt.Sprintf("%s:%d", source, e.line)
	}
	return errors.New(source + ": " + e.what)
}

// plainName is a variable's name as people write it, in capitals. Anything else that passes
// for one may be a line of a value: a key in base64 ends in = too.
var plainName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// mayName reports whether the name of an entry which the spec does not have may be shown.
func (e envEntry) mayName() bool {
	return plainName.MatchString(e.name) && strings.Trim(string(e.value.Reveal()), "=") != ""
}
