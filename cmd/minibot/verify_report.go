package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"minibot/verify"
)

// reportFlags say how a report is written, and where.
type reportFlags struct {
	Format string   `help:"How to print the report: text, json, junit, sarif or prometheus." placeholder:"NAME" complete:"format"`
	Output []string `short:"o" help:"Write it to a file, too, in one step. The format is FORMAT, or what the file's name ends in: .txt, .json, .xml, .sarif or .prom. Can be given several times." placeholder:"[FORMAT=]FILE" sep:"none"`

	format verify.Format
	files  []reportFile
}

type reportFile struct {
	format verify.Format
	path   string
}

// read finds the formats by their names. Without one it is text, or what --json says.
func (f *reportFlags) read(parsed *kong.Context) (err error) {
	cli, _ := parsed.Model.Target.Addr().Interface().(*commands)
	asJSON := cli != nil && cli.JSON
	switch f.format = verify.Text; {
	case f.Format == "" && asJSON:
		f.format = verify.JSON
	case f.Format != "":
		if f.format, err = verify.ParseFormat(f.Format); err != nil {
			return fmt.Errorf("--format: %w", err)
		}
	}
	if asJSON && f.format != verify.JSON {
		return fmt.Errorf("--json and --format %s: choose one of them", f.format)
	}
	f.files = nil
	for _, output := range f.Output {
		file := reportFile{path: output}
		if name, path, named := strings.Cut(output, "="); named {
			file.path = path
			file.format, err = verify.ParseFormat(name)
		} else {
			file.format, err = verify.FormatOf(output)
		}
		if err == nil && file.path == "" {
			err = fmt.Errorf("%q names no file", output)
		}
		if err != nil {
			return fmt.Errorf("--output: %w", err)
		}
		f.files = append(f.files, file)
	}
	return nil
}

// write writes the report to every file and to standard output.
func (f *reportFlags) write(a *app, report verify.Report, verbose bool) error {
	if err := f.writeFiles(report, verbose); err != nil {
		return err
	}
	return report.Write(a.stdout, f.format, verify.Options{Version: version, Text: a.textOptions(verbose)})
}

func (f *reportFlags) writeFiles(report verify.Report, verbose bool) error {
	for _, file := range f.files {
		var out bytes.Buffer
		if err := report.Write(&out, file.format, verify.Options{Version: version, Text: verify.TextOptions{Verbose: verbose}}); err != nil {
			return err
		}
		if err := writeFile(file.path, out.Bytes()); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	return nil
}
