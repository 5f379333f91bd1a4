package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
)

// minMasked is the length in bytes from which a value, or an encoded piece of one, is masked. Shorter ones occur in
// ordinary text by chance, and masking "true" would both spoil a log and betray the value.
const minMasked = 6

// A Masker replaces secrets in text that comes from elsewhere: log tails, health output, errors of a service. It is a
// net below the rule that secrets aren't printed, and not a reason to print. The zero Masker replaces nothing.
type Masker struct {
	// needles are what to look for; behind a func for the same reason as the bytes of a Value.
	needles func() [][]byte
}

// NewMasker returns a Masker for these values. Values shorter than 6 bytes are not masked.
func NewMasker(values ...Value) Masker {
	var needles [][]byte
	for _, value := range values {
		b := value.peek()
		if trimmed := bytes.TrimSpace(b); len(trimmed) < len(b) {
			needles = append(needles, spellings(trimmed)...) // as a program prints what it read from a file
		}
		needles = append(needles, spellings(b)...)
		for line := range bytes.Lines(b) { // the first lines of a log's tail may be the last ones of a value
			needles = append(needles, spellings(bytes.TrimSpace(line))...)
		}
	}
	slices.SortFunc(needles, bytes.Compare)
	needles = slices.CompactFunc(needles, bytes.Equal)
	return Masker{func() [][]byte { return needles }}
}

// Mask returns the text with *** for every occurrence of a value, or of one line of it: plain, in base64 (standard and URL alphabet, also
// inside a longer encoded text such as "user:password"), in hex, URL-escaped or JSON-escaped. Occurrences that touch
// or overlap become one ***, so nothing of either is left. The text itself is not changed.
func (m Masker) Mask(text []byte) []byte {
	if m.needles == nil {
		return bytes.Clone(text)
	}
	type span struct{ from, to int }
	var spans []span
	for _, needle := range m.needles() {
		for from := 0; ; {
			i := bytes.Index(text[from:], needle)
			if i < 0 {
				break
			}
			spans = append(spans, span{from + i, from + i + len(needle)})
			from += i + 1 // not past it: a value can overlap itself
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })

	out := make([]byte, 0, len(text))
	done := 0 // text before it is in out
	for i, s := range spans {
		if i == 0 || s.from > done {
			out = append(out, text[done:s.from]...)
			out = append(out, masked...)
		}
		done = max(done, s.to)
	}
	return append(out, text[done:]...)
}

// spellings returns the forms of a value that are looked for.
func spellings(b []byte) [][]byte {
	if len(b) < minMasked {
		return nil
	}
	lower := []byte(hex.EncodeToString(b))
	text := string(b)
	all := [][]byte{
		b,
		lower, bytes.ToUpper(lower),
		[]byte(url.QueryEscape(text)), []byte(url.PathEscape(text)),
		jsonText(text, true), jsonText(text, false),
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		padded := []byte(encoding.EncodeToString(b))
		all = append(all, padded, bytes.TrimRight(padded, "="))
		all = append(all, inner(encoding.WithPadding(base64.NoPadding), b)...)
	}
	return slices.DeleteFunc(all, func(needle []byte) bool { return len(needle) < minMasked })
}

// inner returns what a value looks like within a longer base64 text, for each of the three positions it can begin at,
// without the characters at both ends that also hold bits of the neighbours.
func inner(encoding *base64.Encoding, b []byte) [][]byte {
	var pieces [][]byte
	for before := range 3 {
		text := []byte(encoding.EncodeToString(append(make([]byte, before), b...)))
		first := []int{0, 2, 3}[before]
		last := len(text)
		if (before+len(b))%3 != 0 {
			last--
		}
		if first < last {
			pieces = append(pieces, text[first:last])
		}
	}
	return pieces
}

// jsonText returns the inside of a JSON string, with < > & escaped as encoding/json does by default, or not.
func jsonText(text string, escapeHTML bool) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(escapeHTML)
	if err := enc.Encode(text); err != nil {
		return nil
	}
	quoted := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	return quoted[1 : len(quoted)-1]
}
