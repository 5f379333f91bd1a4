package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// screen is a terminal as far as the progress needs one. What leaves its top is kept.
type screen struct {
	mu            sync.Mutex
	columns, rows int
	lines         [][]string // each cell of a row; the second one of a wide character is empty
	gone          int        // rows that left the top
	x, y          int
	hidden        bool
	wraps         int    // lines that were too wide
	unknown       string // what it was told and does not know
	raw           strings.Builder
	rest          string // the beginning of a sequence
}

func newScreen(columns, rows int) *screen { return &screen{columns: columns, rows: rows} }

var sequence = regexp.MustCompile(`^\x1b\[(\??)([0-9;]*)([A-Za-z])`)

// Write acts on text as a terminal does that makes a carriage return of each newline too.
func (s *screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw.Write(text)
	todo := s.rest + string(text)
	s.rest = ""
	for todo != "" {
		if todo[0] == '\x1b' {
			found := sequence.FindStringSubmatch(todo)
			if found == nil {
				s.rest = todo
				break
			}
			s.act(found[1]+found[3], found[2])
			todo = todo[len(found[0]):]
			continue
		}
		r := []rune(todo)[0]
		todo = todo[len(string(r)):]
		switch r {
		case '\r':
			s.x = 0
		case '\n':
			s.x = 0
			s.down()
		default:
			s.put(r)
		}
	}
	return len(text), nil
}

func (s *screen) act(what, number string) {
	n, _ := strconv.Atoi(number)
	switch what {
	case "m":
	case "A":
		s.y = max(s.y-n, s.gone)
	case "K":
		s.row()
		s.lines[s.y] = s.lines[s.y][:min(s.x, len(s.lines[s.y]))]
	case "J":
		s.row()
		s.lines[s.y] = s.lines[s.y][:min(s.x, len(s.lines[s.y]))]
		s.lines = s.lines[:s.y+1]
	case "?l", "?h":
		if number == "25" {
			s.hidden = what == "?l"
			return
		}
		fallthrough
	default:
		s.unknown += fmt.Sprintf("%s%s ", number, what)
	}
}

func (s *screen) row() {
	for len(s.lines) <= s.y {
		s.lines = append(s.lines, nil)
	}
}

func (s *screen) down() {
	s.y++
	s.row()
	s.gone = max(s.gone, s.y-s.rows+1)
}

func (s *screen) put(r rune) {
	s.row()
	width := cellsOf(r)
	if width == 0 && s.x > 0 {
		s.lines[s.y][s.x-1] += string(r)
		return
	}
	if s.x+width > s.columns {
		s.wraps++
		s.x = 0
		s.down()
	}
	line := s.lines[s.y]
	for len(line) < s.x+width {
		line = append(line, " ")
	}
	line[s.x] = string(r)
	if width == 2 {
		line[s.x+1] = ""
	}
	s.lines[s.y] = line
	s.x += width
}

// String is all that stands there, and what has left the top.
func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out strings.Builder
	for _, line := range s.lines {
		out.WriteString(strings.TrimRight(strings.Join(line, ""), " ") + "\n")
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// hides tells whether the cursor is hidden.
func (s *screen) hides() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hidden
}
