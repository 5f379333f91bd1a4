package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"minibot/internal/plan"
)

// draw is the block: a line for each step in hand and one for those that wait. No line is
// as wide as the terminal, and all of them leave a row of it free.
func (b *board) draw(columns, rows int, paint painter) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var now, later []*row
	names := 0
	for _, r := range b.rows {
		if r.phase == inHand || takesLong(r.step) {
			names = max(names, cells(title(r.step)))
		}
		switch r.phase {
		case inHand:
			now = append(now, r)
		case waiting:
			later = append(later, r)
		}
	}
	room := rows - 1
	if len(later) > 0 {
		room--
	}
	hidden := 0
	if len(now) > room {
		hidden = len(now) - max(room-1, 0)
		now = now[:len(now)-hidden]
	}
	width := columns - 1
	var lines []string
	for _, r := range now {
		lines = append(lines, b.line(r, width, min(names, width*2/5), paint))
	}
	if hidden > 0 {
		lines = append(lines, paint(dim, cut(fmt.Sprintf("  %d more in hand", hidden), width)))
	}
	if len(later) > 0 {
		lines = append(lines, paint(dim, cut("  "+b.laterText(later), width)))
	}
	return lines[:min(len(lines), max(rows-1, 0))]
}

// takesLong tells which steps have a name that makes room for itself, so that the columns
// stand still.
func takesLong(step plan.Step) bool {
	return slices.ContainsFunc(step.Actions, func(a plan.Action) bool { return a.Verb == plan.Wait || a.Verb == plan.PullImage })
}

// line is "sign object name  elapsed  what it does".
func (b *board) line(r *row, width, names int, paint painter) string {
	sign := signs[r.step.Kind]
	if r.undoes {
		sign.sign, sign.color = "↶", yellow
	} else if onlyWaits(r.step) {
		sign.sign, sign.color = "…", dim
	}
	name := pad(cut(harmless(title(r.step)), names), names)
	took := fmt.Sprintf("%7s", fmt.Sprintf("%.1f s", b.now().Sub(r.since).Seconds()))
	left := width - cells(sign.sign+" "+name+"  "+took+"  ")
	if left < 1 {
		return cut(sign.sign+" "+name+" "+took, width)
	}
	text := r.does(briefly)
	if said := harmless(r.text); said != "" {
		if text += ": " + said; cells(text) > left {
			text = said // it tells more
		}
	}
	return paint(sign.color, sign.sign) + " " + name + "  " + paint(dim, took) + "  " + cut(text, left)
}

// laterText names the steps that wait, and what for.
func (b *board) laterText(later []*row) string {
	if b.stopping {
		return fmt.Sprintf("%d not begun", len(later))
	}
	var names []string
	for _, r := range later {
		name := short(r.step)
		if blocks := b.blocks(r); len(blocks) > 0 {
			name += " (for " + strings.Join(blocks, ", ") + ")"
		}
		names = append(names, harmless(name))
	}
	verb := "waits"
	if len(later) > 1 {
		verb = "wait"
	}
	return fmt.Sprintf("%d more %s: %s", len(later), verb, strings.Join(names, ", "))
}

// harmless is text without anything that a terminal acts upon: its colours are left out,
// tabs are spaces and the rest is escaped.
func harmless(text string) string {
	acts := func(r rune) bool { return !unicode.IsPrint(r) && !unicode.Is(unicode.Mn, r) }
	if utf8.ValidString(text) && !strings.ContainsFunc(text, acts) {
		return text
	}
	var out strings.Builder
	for len(text) > 0 {
		if n := colour(text); n > 0 {
			text = text[n:]
			continue
		}
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == '\t':
			out.WriteString("    ")
		case acts(r), r == utf8.RuneError && n == 1:
			quoted := fmt.Sprintf("%q", text[:n])
			out.WriteString(quoted[1 : len(quoted)-1])
		default:
			out.WriteString(text[:n])
		}
		text = text[n:]
	}
	return out.String()
}

// colour is the length of a colour sequence (ECMA-48 SGR) that the text begins with; 0 if
// it does not.
func colour(text string) int {
	rest, ok := strings.CutPrefix(text, "\x1b[")
	if !ok {
		return 0
	}
	rest = strings.TrimLeft(rest, "0123456789;:")
	if !strings.HasPrefix(rest, "m") {
		return 0
	}
	return len(text) - len(rest) + 1
}

// cells is how many columns of a terminal a printable text takes.
func cells(text string) int {
	n := 0
	for _, r := range text {
		n += cellsOf(r)
	}
	return n
}

// cellsOf is 0 for a mark that goes on the character before it, 2 for the blocks whose
// characters are wide (Unicode's East Asian Width W and F, and its pictures), else 1.
func cellsOf(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf && r != 0x303f, r >= 0xa960 && r <= 0xa97f,
		r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f,
		r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// cut is the text, or the beginning of it and "…", in at most so many columns.
func cut(text string, columns int) string {
	if cells(text) <= columns {
		return text
	}
	if columns < 1 {
		return ""
	}
	used := 0
	for i, r := range text {
		if used += cellsOf(r); used > columns-1 {
			return text[:i] + "…"
		}
	}
	return text
}

func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-cells(text)))
}
