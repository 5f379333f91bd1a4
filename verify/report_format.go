package verify

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"minibot/spec"
)

// Format is a way to write a report.
type Format string

// The formats.
const (
	Text       Format = "text"       // for people
	JSON       Format = "json"       // all there is, as Schema says
	JUnit      Format = "junit"      // for CI that shows tests
	SARIF      Format = "sarif"      // for code scanning; it points at the spec's lines
	Prometheus Format = "prometheus" // for the textfile collector of the node exporter
)

// formats is the table of formats, with the endings of their files.
var formats = []struct {
	name   Format
	ending string
	write  func(Report, io.Writer, Options) error
}{
	{Text, ".txt", func(r Report, w io.Writer, opt Options) error { return r.WriteText(w, opt.Text) }},
	{JSON, ".json", func(r Report, w io.Writer, _ Options) error { return writeJSON(w, r) }},
	{JUnit, ".xml", Report.writeJUnit},
	{SARIF, ".sarif", Report.writeSARIF},
	{Prometheus, ".prom", Report.writePrometheus},
}

// Options say how a report is written, where its format leaves a choice.
type Options struct {
	Text TextOptions
	// Version is minibot's own, for the formats that name their tool.
	Version string
}

// Write writes the report in a format that there is.
func (r Report) Write(w io.Writer, format Format, opt Options) error {
	for _, f := range formats {
		if f.name == format {
			return f.write(r, w, opt)
		}
	}
	panic(fmt.Sprintf("verify: no format %q", format))
}

// ParseFormat finds a format by its name.
func ParseFormat(name string) (Format, error) {
	var known []string
	for _, f := range formats {
		known = append(known, string(f.name))
	}
	if slices.Contains(known, name) {
		return Format(name), nil
	}
	if near := spec.Nearest(name, known); near != "" {
		return "", fmt.Errorf("there is no format %q; did you mean %q?", name, near)
	}
	return "", fmt.Errorf("there is no format %q; write one of %s", name, strings.Join(known, ", "))
}

// FormatOf finds the format of a file by the ending of its name.
func FormatOf(file string) (Format, error) {
	var endings []string
	for _, f := range formats {
		if strings.HasSuffix(file, f.ending) {
			return f.name, nil
		}
		endings = append(endings, f.ending)
	}
	return "", fmt.Errorf("%q does not say in which format: end its name in %s, or write FORMAT=%s", file, strings.Join(endings, ", "), file)
}
