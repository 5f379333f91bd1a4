// Package journal keeps what was done to a stack: a file with one JSON object a line, to which lines are added and
// nothing else.
//
// A deed has a line when it begins and one when it ends, so that one which was killed can be seen. It knows nothing of
// stacks and engines, and takes what it is given: who writes sees to it that no secret is in it.
package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Entry is one deed.
type Entry struct {
	// ID is the same in both lines of a deed, and in no other.
	ID string `json:"id"`
	// Time is when it began, UTC.
	Time time.Time `json:"time"`
	// User is who did it, and Host where.
	User string `json:"user"`
	Host string `json:"host,omitempty"`
	// Command is what was called, such as "apply", and Version that of minibot.
	Command string `json:"command"`
	Version string `json:"version,omitempty"`
	// Summary is what was to be done, in a line.
	Summary string `json:"summary"`
	// Result is what came of it, in a word; [Unfinished] until it ended. Exit is the exit code, Error why it failed.
	Result string `json:"result"`
	Exit   int    `json:"exit"`
	Error  string `json:"error,omitempty"`
	// Seconds is how long it took; 0 until it ended.
	Seconds float64 `json:"seconds"`
}

// Unfinished is the result of a deed that goes on, or was killed.
const Unfinished = "unfinished"

// Most is how large a journal becomes, in bytes: some thousand deeds. Then its older half goes.
const Most = 1 << 20

// Journal is the file of a path. One at a time may add to it.
type Journal struct{ Path string }

// Add writes a line at the end. The file is made for its owner alone.
func (j Journal) Add(entry Entry) error {
	line, err := json.Marshal(entry)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(j.Path), 0o700); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := j.shorten(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	file, err := os.OpenFile(j.Path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	line = append(line, '\n')
	if info, err := file.Stat(); err == nil && info.Size() > 0 {
		var last [1]byte
		if _, err := file.ReadAt(last[:], info.Size()-1); err == nil && last[0] != '\n' {
			line = append([]byte{'\n'}, line...) // whoever wrote that was killed
		}
	}
	_, err = file.Write(line)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// shorten drops the older half of a journal that has become too large, in one step.
func (j Journal) shorten() error {
	info, err := os.Stat(j.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() < Most {
		return nil
	}
	text, err := os.ReadFile(j.Path)
	if err != nil {
		return err
	}
	_, newer, _ := bytes.Cut(text[len(text)/2:], []byte("\n"))
	temp, err := os.CreateTemp(filepath.Dir(j.Path), "."+filepath.Base(j.Path)+".*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(newer)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), j.Path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}

// Last returns the last deeds, at most n, the oldest first. Lines that cannot be read are left out. A journal that is
// not there yet is empty.
func (j Journal) Last(n int) ([]Entry, error) {
	file, err := os.Open(j.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	defer file.Close()
	var entries []Entry
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, Most)
	for lines.Scan() {
		var entry Entry
		if json.Unmarshal(lines.Bytes(), &entry) != nil || entry.ID == "" {
			continue
		}
		if i := slices.IndexFunc(entries, func(e Entry) bool { return e.ID == entry.ID }); i >= 0 {
			entries[i] = entry
		} else {
			entries = append(entries, entry)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return entries[max(0, len(entries)-n):], nil
}
