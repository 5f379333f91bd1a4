package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Diagnostics is everything Parse has to say about a spec, errors and warnings, in
// the order of the file. It is an error, but check HasErrors: warnings alone are none.
type Diagnostics struct {
	list     hcl.Diagnostics
	src      []byte
	filename string
}

// Diagnostic is one message, for machines. Line and Column count from 1; both are 0
// where the message is about no place in the file.
type Diagnostic struct {
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
}

// HasErrors reports whether the spec cannot be used.
func (d Diagnostics) HasErrors() bool { return d.list.HasErrors() }

// Empty reports whether there is nothing to say.
func (d Diagnostics) Empty() bool { return len(d.list) == 0 }

// Error counts the errors; WriteText shows them.
func (d Diagnostics) Error() string {
	n := 0
	for _, item := range d.list {
		if item.Severity == hcl.DiagError {
			n++
		}
	}
	if n == 1 {
		return fmt.Sprintf("%s has an error", d.filename)
	}
	return fmt.Sprintf("%s has %d errors", d.filename, n)
}

// Items lists the messages for machines.
func (d Diagnostics) Items() []Diagnostic {
	items := make([]Diagnostic, 0, len(d.list))
	for _, item := range d.list {
		one := Diagnostic{Severity: "error", Summary: item.Summary, Detail: item.Detail, File: d.filename}
		if item.Severity == hcl.DiagWarning {
			one.Severity = "warning"
		}
		if item.Subject != nil {
			one.Line, one.Column = item.Subject.Start.Line, item.Subject.Start.Column
		}
		items = append(items, one)
	}
	return items
}

// problem is one error at a place.
func problem(at Range, summary, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}}
}

// findings collects messages while parsing.
type findings struct {
	list   hcl.Diagnostics
	broken []Range         // values that could not be read
	later  hcl.Diagnostics // what only says so once more, see extend
}

// add reports an error at a place. It says nothing about an attribute that is not
// written, nor about one whose value could not be read: that is reported already.
func (f *findings) add(at Range, summary, detail string) {
	if !at.Empty() && !f.isBroken(at) {
		f.list = append(f.list, problem(at, summary, detail)...)
	}
}

func (f *findings) warn(at Range, summary, detail string) {
	f.list = append(f.list, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: &at})
}

// advise warns, unless there are errors: what it is about may be one of them.
func (f *findings) advise(at Range, summary, detail string) {
	if !f.errors() {
		f.warn(at, summary, detail)
	}
}

func (f *findings) addNowhere(summary, detail string) {
	f.list = append(f.list, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail})
}

// extend takes over messages of the decoder, but for those that only repeat that
// something named in an expression has no value.
func (f *findings) extend(diags hcl.Diagnostics) {
	for _, diag := range diags {
		if diag.Severity == hcl.DiagError && diag.Subject != nil {
			f.broken = append(f.broken, *diag.Subject)
		}
		if strings.Contains(diag.Detail, "value must be known") {
			f.later = append(f.later, diag)
			continue
		}
		f.list = append(f.list, diag)
	}
}

func (f *findings) errors() bool { return f.list.HasErrors() }

func (f *findings) isBroken(at Range) bool {
	return slices.ContainsFunc(f.broken, func(broken Range) bool { return overlap(at, broken) })
}

// isWrong reports whether there is an error at a place.
func (f *findings) isWrong(at Range) bool {
	return f.isBroken(at) || slices.ContainsFunc(f.list, func(diag *hcl.Diagnostic) bool {
		return diag.Severity == hcl.DiagError && diag.Subject != nil && overlap(at, *diag.Subject)
	})
}

func overlap(a, b Range) bool { return a.Start.Byte < b.End.Byte && b.Start.Byte < a.End.Byte }

// sorted puts the messages in the order of the file and drops repeated ones. A secret
// in a message is named as in the spec.
func (f *findings) sorted() hcl.Diagnostics {
	place := func(d *hcl.Diagnostic) int {
		if d.Subject == nil {
			return -1
		}
		return d.Subject.Start.Byte
	}
	list := slices.Clone(f.list)
	if !f.errors() {
		list = append(list, f.later...) // never let a value that is not there pass
	}
	for _, diag := range list {
		diag.Summary, diag.Detail = readable(diag.Summary), readable(diag.Detail)
	}
	slices.SortStableFunc(list, func(a, b *hcl.Diagnostic) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
	})
	return slices.CompactFunc(list, func(a, b *hcl.Diagnostic) bool {
		return place(a) == place(b) && a.Summary == b.Summary && a.Detail == b.Detail
	})
}
