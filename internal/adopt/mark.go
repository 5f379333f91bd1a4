package adopt

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"minibot/spec"
)

// marks stand in a text for what the spec will name there, such as var.TAG. They pass through compose's loader as any
// other characters do.
type marks struct{ refs []string }

const markOpen, markClose = '\uE000', '\uE001'

func isMark(r rune) bool { return r == markOpen || r == markClose }

var markPattern = regexp.MustCompile(`\x{E000}ref([0-9]+)\x{E001}`)

// of is the mark of a reference.
func (m *marks) of(ref string) string {
	m.refs = append(m.refs, ref)
	return fmt.Sprintf("%cref%d%c", markOpen, len(m.refs)-1, markClose)
}

// pieces cuts a text at its marks.
func (m *marks) pieces(text string) []spec.Piece {
	var all []spec.Piece
	last := 0
	for _, at := range markPattern.FindAllStringSubmatchIndex(text, -1) {
		n, _ := strconv.Atoi(text[at[2]:at[3]])
		all = append(all, spec.Piece{Literal: text[last:at[0]]}, spec.Piece{Ref: m.refs[n]})
		last = at[1]
	}
	return append(all, spec.Piece{Literal: text[last:]})
}

// secretIn names the first secret in a text; "" if there is none.
func (m *marks) secretIn(text string) string {
	for _, piece := range m.pieces(text) {
		if name, ok := strings.CutPrefix(piece.Ref, "secret."); ok {
			name, _, _ = strings.Cut(name, ".")
			return name
		}
	}
	return ""
}

func marked(text string) bool { return strings.ContainsFunc(text, isMark) }
