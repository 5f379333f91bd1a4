package main

import (
	"strings"
)

// table is rows of cells, the first one their titles.
type table [][]string

// write lines the cells up, indented by two. The last column's words go on below where they would be too wide.
// Color paints a cell, by its row and column.
func (t table) write(out *strings.Builder, width int, color func(row, column int, text string) string) {
	last := len(t[0]) - 1
	widths := make([]int, last)
	for _, row := range t {
		for i, cell := range row[:last] {
			widths[i] = max(widths[i], cells(cell))
		}
	}
	for r, row := range t {
		line, used := "  ", 2
		for i, cell := range row[:last] {
			gap := strings.Repeat(" ", widths[i]-cells(cell)+2)
			line += color(r, i, cell) + gap
			used += widths[i] + 2
		}
		for i, words := range wrapWords(row[last], max(width-used, 20)) {
			if i > 0 {
				line = strings.Repeat(" ", used)
			}
			out.WriteString(strings.TrimRight(line+color(r, last, words), " ") + "\n")
		}
	}
}
