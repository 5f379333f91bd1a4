package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"
)

// console is standard error from the first run of steps on. While steps run on a terminal
// it keeps a block of live lines below all that is written to it.
type console struct {
	out io.Writer
	// size tells the terminal's columns and rows, which may change from one drawing to the
	// next; it is nil where no block can be shown.
	size func() (columns, rows int)
	// jobs: Ctrl-Z is a signal to this process.
	jobs bool
	// began is when the first run did, for the summary.
	began time.Time
	tally tally
	told  bool // the JSON summary was given

	mu     sync.Mutex
	lines  func(columns, rows int) []string // draws the block; nil while there is none
	drawn  []int                            // how wide the lines are that stand on the screen
	held   []byte                           // the beginning of a line that has yet to end
	hidden bool                             // the cursor is
	keep   bool                             // the cursor is not to be hidden
}

// frames is the time between two drawings of the block.
const frames = 100 * time.Millisecond

// console puts itself in the place of standard error, once.
func (a *app) console() *console {
	if c, ok := a.stderr.(*console); ok {
		return c
	}
	c := &console{out: a.stderr, began: time.Now(), tally: tally{}}
	if n := fd(a.stderr); !a.JSON && os.Getenv("TERM") != "dumb" && term.IsTerminal(n) {
		c.jobs = !signal.Ignored(syscall.SIGTSTP)
		c.size = func() (int, int) {
			columns, rows, err := term.GetSize(n)
			if err != nil {
				columns, rows = 0, 0
			}
			return cmp.Or(columns, 80), cmp.Or(rows, 24)
		}
	}
	a.stderr = c
	return c
}

// Write writes above the block. Where there is one, a line shows when it is whole.
func (c *console) Write(text []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lines == nil {
		return c.out.Write(text)
	}
	c.held = append(c.held, text...)
	whole := bytes.LastIndexByte(c.held, '\n') + 1
	err := c.frame(c.held[:whole])
	c.held = bytes.Clone(c.held[whole:])
	return len(text), err
}

// live shows a block until end is called. The cursor is back then.
func (c *console) live(lines func(columns, rows int) []string) (end func()) {
	c.mu.Lock()
	c.lines = lines
	c.mu.Unlock()
	stop, stopped := make(chan struct{}), make(chan struct{})
	suspend, resume := make(chan os.Signal, 1), make(chan os.Signal, 1)
	quiet := func() {}
	if c.jobs {
		signal.Notify(suspend, syscall.SIGTSTP)
		signal.Notify(resume, syscall.SIGCONT)
		quiet = func() { signal.Stop(suspend); signal.Stop(resume) }
	}
	go func() {
		defer close(stopped)
		defer quiet()
		defer c.clear()
		for again := time.NewTicker(frames); ; {
			select {
			case <-stop:
				again.Stop()
				return
			case <-again.C:
				c.redraw()
			case <-suspend: // Ctrl-Z
				c.leave()
				_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
				<-resume
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(stop)
		<-stopped
	})
}

func (c *console) redraw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lines != nil {
		_ = c.frame(nil)
	}
}

// frame draws the block anew, below a text that stays. It is one write, so that the
// terminal never shows half of it. The cursor ends on the free row below, where the shell
// goes on if minibot is killed.
func (c *console) frame(text []byte) error {
	columns, rows := c.size()
	lines := c.lines(columns, rows)
	if len(lines)+len(c.drawn)+len(text) == 0 {
		return nil
	}
	var out bytes.Buffer
	if !c.hidden && !c.keep {
		out.WriteString("\x1b[?25l")
		c.hidden = true
	}
	c.up(&out, columns)
	if len(text) > 0 {
		out.WriteString("\x1b[J")
		out.Write(text)
	}
	c.drawn = c.drawn[:0]
	for _, line := range lines {
		fmt.Fprintf(&out, "%s\x1b[K\n", line)
		c.drawn = append(c.drawn, cells(uncoloured(line)))
	}
	out.WriteString("\x1b[J")
	_, err := c.out.Write(out.Bytes())
	return err
}

// up goes to the block's first row. Where the terminal has become narrower since it was
// drawn, its lines take more rows now.
func (c *console) up(out *bytes.Buffer, columns int) {
	n := 0
	for _, width := range c.drawn {
		n += max(1, (width+columns-1)/columns)
	}
	out.WriteByte('\r')
	if n > 0 {
		fmt.Fprintf(out, "\x1b[%dA", n)
	}
}

// clear takes the block from the screen, shows the cursor again and writes what was held.
func (c *console) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lines == nil {
		return
	}
	var out bytes.Buffer
	if len(c.drawn) > 0 {
		columns, _ := c.size()
		c.up(&out, columns)
		out.WriteString("\x1b[J")
	}
	c.showCursor(&out)
	out.Write(c.held)
	c.lines, c.drawn, c.held = nil, nil, nil
	_, _ = c.out.Write(out.Bytes())
}

// keepCursor shows the cursor from now on: after an interrupt a second one ends minibot
// with no time left to show it.
func (c *console) keepCursor() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep = true
	if c.hidden {
		var out bytes.Buffer
		c.showCursor(&out)
		_, _ = c.out.Write(out.Bytes())
	}
}

// leave gives the terminal to somebody else for a while: the block stays as it is, and the
// next one is drawn where the cursor is then.
func (c *console) leave() {
	c.keepCursor()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drawn = nil
}

func (c *console) showCursor(out *bytes.Buffer) {
	if c.hidden {
		out.WriteString("\x1b[?25h")
		c.hidden = false
	}
}

// guard clears the screen if f does not return, but panics, which ends minibot.
func (c *console) guard(f func() error) error {
	returned := false
	defer func() {
		if !returned {
			c.clear()
		}
	}()
	err := f()
	returned = true
	return err
}

// uncoloured is a line without its colours.
func uncoloured(line string) string {
	var out bytes.Buffer
	for len(line) > 0 {
		n := colour(line)
		if n == 0 {
			out.WriteByte(line[0])
			n = 1
		}
		line = line[n:]
	}
	return out.String()
}
