// Package schedule has the system run a program at an interval, by launchd on macOS and by
// systemd's user manager on Linux, and keeps what came of it.
//
// It writes into the home of the user alone, asks nobody for root, and knows nothing of what
// the program does. What it writes holds no secret.
package schedule

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Job is what is to be run, and how often.
type Job struct {
	// Name tells jobs apart; it has lower-case letters, digits, - and _ alone.
	Name string `json:"name"`
	// Argv is the program, by its full path, and its arguments.
	Argv []string `json:"argv"`
	// Environ are NAME=VALUE, beside the little that the system gives.
	Environ []string `json:"environ"`
	// Dir is the working directory, by its full path.
	Dir string `json:"dir"`
	// Every is the time from the end of a run, or on macOS from its start, to the next.
	Every time.Duration `json:"every"`
	// Keep is how many reports are kept.
	Keep int `json:"keep"`
	// Log is a file for what the program says on standard error, where the system keeps no
	// journal.
	Log string `json:"log"`
}

// Unit is a job as one system has it.
type Unit struct {
	// System is what runs it: launchd or systemd.
	System string
	// Name is what the system calls it.
	Name  string
	Files []File
	// Links are what the system makes itself when it is told to run it.
	Links []string
	// Start makes the system run it, once its files are there, and again if it does already.
	// Stop makes it stop, and Reload forget it once the files are gone.
	Start, Stop, Reload []Command
	// Active succeeds if the system runs it.
	Active Command
	// Advice says what to do when the system does not do as it is told.
	Advice string
}

// File is a file that tells the system of a job.
type File struct{ Path, Content string }

// Command is a program of the system and its arguments.
type Command struct {
	Argv []string
	// MayFail is for what is in order if there is nothing to do.
	MayFail bool
}

// check refuses what cannot be written down for the system.
func (j Job) check() error {
	for _, text := range append(append([]string{j.Dir, j.Log}, j.Argv...), j.Environ...) {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("%q has a control character in it, which no schedule can hold", text)
		}
	}
	if len(j.Argv) == 0 || !filepath.IsAbs(j.Argv[0]) || !filepath.IsAbs(j.Dir) {
		return errors.New("a schedule needs full paths")
	}
	return nil
}
