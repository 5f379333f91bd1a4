package spec

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/mitchellh/go-wordwrap"
)

// WriteText shows each message with its file, line, column and source line. Width is
// in columns; 0 does not wrap.
func (d Diagnostics) WriteText(w io.Writer, width uint, color bool) error {
	var out bytes.Buffer
	for i, item := range d.list {
		if i > 0 {
			out.WriteByte('\n')
		}
		d.writeOne(&out, item, width, color)
	}
	_, err := w.Write(out.Bytes())
	return err
}

func (d Diagnostics) writeOne(out *bytes.Buffer, item *hcl.Diagnostic, width uint, color bool) {
	severity, paint := "Error", "\x1b[1;31m"
	if item.Severity == hcl.DiagWarning {
		severity, paint = "Warning", "\x1b[1;33m"
	}
	bold, dim, reset := "\x1b[1m", "\x1b[2m", "\x1b[0m"
	if !color {
		paint, bold, dim, reset = "", "", "", ""
	}
	fmt.Fprintf(out, "%s%s:%s %s%s%s\n", paint, severity, reset, bold, item.Summary, reset)
	if at := item.Subject; at != nil {
		fmt.Fprintf(out, "  %s:%d:%d\n", at.Filename, at.Start.Line, at.Start.Column)
		if line, marks := d.quote(*at); line != "" {
			number := fmt.Sprint(at.Start.Line)
			fmt.Fprintf(out, "%s  %s |%s %s\n", dim, number, reset, line)
			fmt.Fprintf(out, "%s  %s |%s %s%s%s\n", dim, strings.Repeat(" ", len(number)), reset, paint, marks, reset)
		}
	}
	detail := item.Detail
	if width > 4 {
		detail = wordwrap.WrapString(detail, width-2)
	}
	for line := range strings.SplitSeq(detail, "\n") {
		out.WriteString(strings.TrimRight("  "+strings.TrimRight(line, "\n"), " ") + "\n")
	}
}

// quote returns the source line of a place, and a second line that points at it.
func (d Diagnostics) quote(at Range) (line, marks string) {
	if !at.CanSliceBytes(d.src) {
		return "", ""
	}
	begin := bytes.LastIndexByte(d.src[:at.Start.Byte], '\n') + 1
	end := len(d.src)
	if i := bytes.IndexByte(d.src[at.Start.Byte:], '\n'); i >= 0 {
		end = at.Start.Byte + i
	}
	expand := func(b []byte) string {
		return readable(strings.ReplaceAll(strings.TrimRight(string(b), "\r"), "\t", "    "))
	}
	line = expand(d.src[begin:end])
	if strings.TrimSpace(line) == "" {
		return "", ""
	}
	before := utf8.RuneCountInString(expand(d.src[begin:at.Start.Byte]))
	long := max(1, utf8.RuneCountInString(expand(d.src[at.Start.Byte:min(end, max(at.End.Byte, at.Start.Byte))])))
	return line, strings.Repeat(" ", before) + strings.Repeat("^", long)
}
