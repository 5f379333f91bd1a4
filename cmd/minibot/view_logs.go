package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"minibot/internal/engine"
	"minibot/internal/secret"
	"minibot/spec"
)

// logView writes lines of logs, each in one piece, with its service before it.
type logView struct {
	a          *app
	timestamps bool
	prefixes   map[string]string
	mu         sync.Mutex
}

// logColors are given to the services in the order of the spec, so that each keeps its own whoever is shown.
var logColors = []string{"36", "33", "32", "35", "34", "96", "93", "92", "95", "94"}

func newLogView(a *app, stack *spec.Stack, shown []string, timestamps bool) *logView {
	v := &logView{a: a, timestamps: timestamps, prefixes: map[string]string{}}
	width := 0
	for _, service := range stack.Services {
		if len(shown) == 0 || slices.Contains(shown, service.Name) {
			width = max(width, len(service.Name))
		}
	}
	paint := paint(a.colorOut)
	for i, service := range stack.Services {
		v.prefixes[service.Name] = paint(logColors[i%len(logColors)], fmt.Sprintf("%-*s |", width, service.Name)) + " "
	}
	return v
}

// backlog shows what several services wrote, in the order of time.
func (v *logView) backlog(logs []*log, mask secret.Masker) error {
	type written struct {
		service string
		line    engine.Line
	}
	var all []written
	for _, one := range logs {
		for _, line := range one.lines {
			all = append(all, written{one.service, line})
		}
		one.lines = nil
	}
	slices.SortStableFunc(all, func(x, y written) int { return x.line.Time.Compare(y.line.Time) })
	for _, w := range all {
		if err := v.line(w.service, w.line, mask); err != nil {
			return err
		}
	}
	return nil
}

// line shows one line. Nothing in it acts on a terminal.
func (v *logView) line(service string, line engine.Line, mask secret.Masker) error {
	text := string(bytes.ToValidUTF8(mask.Mask(line.Text), []byte("\uFFFD")))
	var out strings.Builder
	if v.a.JSON {
		stream := "stdout"
		if line.Stderr {
			stream = "stderr"
		}
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(map[string]any{"service": service, "time": line.Time.UTC(), "stream": stream, "line": text}); err != nil {
			return err
		}
	} else {
		out.WriteString(v.prefixes[service])
		if v.timestamps {
			out.WriteString(line.Time.UTC().Format(time.RFC3339) + " ")
		}
		out.WriteString(harmless(text) + "\n")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	_, err := v.a.stdout.Write([]byte(out.String()))
	return err
}

// note says something about a service to people, between the lines.
func (v *logView) note(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.a.say(format, args...)
}
