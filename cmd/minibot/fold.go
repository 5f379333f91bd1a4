package main

import (
	"regexp"
	"strings"
)

var (
	// escape is what colours text, and takes no room.
	escape = regexp.MustCompile("\x1b\\[[0-9;]*m")
	// leading is what the further lines of a message stand right of: its indentation, or the word or sign that it begins with.
	leading = regexp.MustCompile(`^(?: +|(?:Error|Warning|Problem|Stray): |[↓+>~↻±✓✗…–!-] )`)
)

// foldText breaks the lines of a text that are wider than so many columns, at spaces; 0 columns are any number. A line
// goes on as far in as it began, and one that begins with Error: below what it says. A longer word, such as a path, stays
// whole.
func foldText(text string, columns int) string {
	if columns <= 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if width(line) > columns {
			lines[i] = foldLine(line, columns)
		}
	}
	return strings.Join(lines, "\n")
}

func foldLine(line string, columns int) string {
	indent := strings.Repeat(" ", width(leading.FindString(escape.ReplaceAllString(line, ""))))
	var out strings.Builder
	used := 0 // of the line that is being written
	for i, word := range strings.Split(line, " ") {
		switch wide := width(word); {
		case i == 0:
			used = wide
		case used > len(indent) && used+1+wide > columns:
			out.WriteString("\n" + indent)
			used = len(indent) + wide
		default:
			out.WriteString(" ")
			used += 1 + wide
		}
		out.WriteString(word)
	}
	return out.String()
}

// width is how many columns a line takes on a terminal.
func width(line string) int { return cells(escape.ReplaceAllString(line, "")) }
