package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"minibot/internal/engine"
	"minibot/internal/journal"
	"minibot/internal/plan"
	"minibot/verify"
)

// journalOf is where the deeds on a stack of an engine are kept.
func journalOf(stack string, endpoint engine.Endpoint) (journal.Journal, error) {
	path, err := statePath("history", stack, endpoint, ".jsonl")
	return journal.Journal{Path: path}, err
}

// record keeps in the history that something is done to the stack from now on, and at the end, which the caller tells,
// what came of it. That it cannot be kept is a warning: it stands in the way of nothing.
func (s *site) record(ctx context.Context, summary string) (end func(*error)) {
	s.touched = true
	book, err := journalOf(s.loaded.stack.Name, s.engine.Endpoint)
	name, host := who()
	command, _, _ := strings.Cut(s.command, " <")
	entry := journal.Entry{
		ID: rand.Text(), Time: time.Now().UTC(), User: name, Host: host, Command: command, Version: version,
		Summary: summary, Result: journal.Unfinished,
	}
	if err == nil {
		err = book.Add(entry)
	}
	if err != nil {
		s.warn("this will not be in the history: %v", err)
		return func(*error) {}
	}
	return func(ended *error) {
		err := *ended
		if err != nil && ctx.Err() != nil {
			err = errors.Join(errInterrupted, err)
		}
		entry.Exit, entry.Seconds = outcomeOf(err).code, time.Since(entry.Time).Seconds()
		entry.Result = resultWords[entry.Exit]
		if err != nil && entry.Exit != exitInterrupted {
			entry.Error = firstLine(err.Error())
		}
		if err := book.Add(entry); err != nil {
			s.warn("what came of it will not be in the history: %v", err)
		}
	}
}

// resultWords are what came of a deed, by its exit code.
var resultWords = map[int]string{
	exitDone: "done", exitError: "failed", exitSecret: "no secret", exitRefused: "refused", exitUnhealthy: "taken back",
	exitInterrupted: "interrupted", exitUsage: "failed",
}

// firstLine is as much of a text as a table has room for.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if runes := []rune(line); len(runes) > 200 {
		line = string(runes[:199]) + "…"
	}
	return line
}

// who is the person that does it, also behind sudo, and the machine.
func who() (name, host string) {
	host, _ = os.Hostname()
	if me, err := user.Current(); err == nil {
		name = me.Username
	}
	name = cmp.Or(name, fmt.Sprintf("user %d", os.Getuid()))
	if before := os.Getenv("SUDO_USER"); before != "" && before != name {
		name = before + " as " + name
	}
	return name, host
}

// planSummary is a plan in a line, such as "1 to pull, 2 to create".
func planSummary(p plan.Plan) string {
	var parts []string
	if n := len(p.Rotations); n > 0 {
		parts = append(parts, count(n, "rotation")+" to finish")
	}
	return cmp.Or(strings.Join(append(parts, stepCounts(p)...), ", "), "nothing")
}

// verified is the last whole verification of a stack.
type verified struct {
	Time    time.Time `json:"time"`
	Exit    int       `json:"exit"`
	Summary string    `json:"summary"`
}

func verifiedPath(stack string, endpoint engine.Endpoint) (string, error) {
	return statePath("history", stack, endpoint, ".verified.json")
}

// keepVerified remembers what came of a verification, for status. One that left checks out says too little.
func (a *app) keepVerified(stack string, endpoint engine.Endpoint, report verify.Report) {
	if report.LeftOut.String() != "" {
		return
	}
	content, err := json.Marshal(verified{time.Now().UTC(), outcomeOf(verdict(report)).code, report.Summary.String()})
	path, pathErr := verifiedPath(stack, endpoint)
	if err = errors.Join(err, pathErr); err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = writeFile(path, content)
	}
	if err != nil {
		a.debug("status will not know of this: %v", err)
	}
}

// lastVerified is nil where there is none that can be read.
func lastVerified(stack string, endpoint engine.Endpoint) *verified {
	path, err := verifiedPath(stack, endpoint)
	if err != nil {
		return nil
	}
	var last verified
	content, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(content, &last) != nil {
		return nil
	}
	return &last
}
