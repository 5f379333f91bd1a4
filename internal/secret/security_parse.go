package secret

import (
	"bytes"
	"encoding/hex"
	"strings"
	"time"
)

// parsePassword reads the line that find-generic-password -g writes to stderr:
//
//	password: "text"                     every byte printable and no backslash; a quote inside stands as it is
//	password: 0x6BC3A4  "k\303\244"      otherwise
//	password:                            an empty value
//
// -w would print bare hex for the second, which can't be told from a password such as deadbeef.
func parsePassword(messages []byte) (Value, bool) {
	for line := range bytes.Lines(messages) {
		text, ok := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte("password: "))
		if !ok {
			continue
		}
		if digits, isHex := bytes.CutPrefix(text, []byte("0x")); isHex {
			digits, _, _ = bytes.Cut(digits, []byte(" "))
			value := make([]byte, hex.DecodedLen(len(digits)))
			if _, err := hex.Decode(value, digits); err != nil {
				return Value{}, false
			}
			return NewValue(value), true
		}
		if len(text) == 0 {
			return Value{}, true
		}
		if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
			return Value{}, false
		}
		return NewValue(text[1 : len(text)-1]), true
	}
	return Value{}, false
}

// parseDump reads the items of one service from the output of dump-keychain: a block for each item, of which these
// lines matter (names as minibot makes them are always printed as text):
//
//	class: "genp"
//	    "acct"<blob>="POSTGRES_PASSWORD"
//	    "mdat"<timedate>=0x32303236303130323033303430355A00  "20260102030405Z\000"
//	    "svce"<blob>="minibot.minibot"
func parseDump(output []byte, service string) []Item {
	items := []Item{}
	var generic bool
	var owner string
	var item Item
	end := func() {
		if generic && owner == service && item.Name != "" {
			items = append(items, item)
		}
		generic, owner, item = false, "", Item{}
	}
	for line := range strings.Lines(string(output)) {
		line = strings.TrimRight(line, "\n")
		if class, ok := strings.CutPrefix(line, "class: "); ok {
			end()
			generic = class == `"genp"`
			continue
		}
		if text, ok := quoted(line, `"acct"<blob>=`); ok {
			item.Name = text
		}
		if text, ok := quoted(line, `"svce"<blob>=`); ok {
			owner = text
		}
		if _, text, ok := strings.Cut(line, `"mdat"<timedate>=`); ok {
			item.Changed = parseTimedate(text)
		}
	}
	end()
	return items
}

func quoted(line, attribute string) (string, bool) {
	text, ok := strings.CutPrefix(strings.TrimLeft(line, " "), attribute)
	if !ok || len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return "", false
	}
	return text[1 : len(text)-1], true
}

// parseTimedate reads `0x…  "20260102030405Z\000"`; the zero time if it is anything else.
func parseTimedate(text string) time.Time {
	_, text, _ = strings.Cut(text, `"`)
	text, _, _ = strings.Cut(text, `Z`)
	t, err := time.Parse("20060102150405", text)
	if err != nil {
		return time.Time{}
	}
	return t
}
