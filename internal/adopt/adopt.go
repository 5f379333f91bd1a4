// Package adopt translates what docker compose knows into a spec: a compose file, or a compose project that runs.
//
// It decides what is carried over, what is changed on the way, what is left out and what is refused, and says so of
// each with its place. It writes no file, reads none but by the function that it is given, and knows neither the
// engine nor the process's environment. A value that looks like a password becomes a secret: its name goes into the
// spec, the value nowhere. What it returns is a spec that spec.Parse takes, or none.
package adopt

import (
	"cmp"
	"slices"

	"minibot/spec"
)

// Kind says what became of a part of the source.
type Kind string

// The kinds, by what they ask of a person.
const (
	// Refused is what no spec can hold; without an answer to it there is none.
	Refused Kind = "refused"
	// Todo is what a person must do before the spec is applied.
	Todo Kind = "to do"
	// Changed is carried over as something else.
	Changed Kind = "changed"
	// LeftOut is not carried over, and the stack works without it.
	LeftOut Kind = "left out"
)

var kinds = []Kind{Refused, Todo, Changed, LeftOut}

// Note is what a person must know of one part of the source.
type Note struct {
	Kind Kind `json:"kind"`
	// Line is where it stands in the compose file; 0 where it is about no line, or there is no file.
	Line int `json:"line,omitempty"`
	// Service is whose it is; empty for the stack's.
	Service string `json:"service,omitempty"`
	// What is the part, such as "ports 5432:5432"; Why says what became of it, and the reason.
	What string `json:"what"`
	Why  string `json:"why"`
}

// Secret is a value that the spec names, and where it is to be found.
type Secret struct {
	Name string `json:"name"`
	// File is the .env file or the file that holds it; empty where Line or Container says where it is, or nobody knows.
	File string `json:"file,omitempty"`
	// Whole says that the file holds this value and nothing else.
	Whole bool `json:"whole,omitempty"`
	// Line is where it stands in the compose file.
	Line int `json:"line,omitempty"`
	// Container has it, in its environment under the name Variable or in the file at Path.
	Container string `json:"container,omitempty"`
	Variable  string `json:"variable,omitempty"`
	Path      string `json:"path,omitempty"`
}

// Result is a translation.
type Result struct {
	// Stack is the stack's name.
	Stack string
	// Source is the spec; nil if anything was refused.
	Source []byte
	Notes  []Note
	// Secrets are those whose values are to be put into the store, by name.
	Secrets []Secret
}

// Refused lists the services of which something was refused.
func (r Result) Refused() []string {
	var names []string
	for _, note := range r.Notes {
		if note.Kind == Refused && note.Service != "" && !slices.Contains(names, note.Service) {
			names = append(names, note.Service)
		}
	}
	return names
}

// Options are what a person asks for.
type Options struct {
	// Name is the stack's; empty for the project's.
	Name string
	// Without names services to leave out.
	Without []string
	// Profiles are those whose services are taken, too; * is all.
	Profiles []string
	// Variables are values of compose's variables, by name. They go before those of the .env file.
	Variables map[string]string
}

// translator gathers one translation.
type translator struct {
	Options
	file    string // the compose file's name, for messages
	marks   marks
	secrets *secrets
	notes   []Note
	origins []origin

	// Of a compose file alone.
	vars            *variables
	variableSecrets map[string]*secret
	secretFiles     map[string]*secret         // by their names in the file
	firstUse        map[string]int             // of a variable, by its name
	typedUses       map[string]map[string]bool // variables by the part of a service, see typed
}

// origin is where a line of the spec comes from.
type origin struct {
	line    int
	service string
}

func (t *translator) note(kind Kind, at origin, what, why string) {
	note := Note{Kind: kind, Line: at.line, Service: at.service, What: what, Why: why}
	if !slices.Contains(t.notes, note) {
		t.notes = append(t.notes, note)
	}
}

// from is the number by which a draft remembers an origin.
func (t *translator) from(at origin) int {
	t.origins = append(t.origins, at)
	return len(t.origins)
}

// sorted are the notes in the order in which a person goes through them.
func (t *translator) sorted() []Note {
	slices.SortStableFunc(t.notes, func(a, b Note) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Service, b.Service))
	})
	return t.notes
}

// refuses reports whether there is anything that no spec can hold.
func (t *translator) refuses() bool {
	return slices.ContainsFunc(t.notes, func(n Note) bool { return n.Kind == Refused })
}

// finish reads the spec as anybody will. What it finds is said of the line that it comes from.
func (t *translator) finish(stack string, draft *spec.Draft) (Result, error) {
	source := draft.Source()
	_, diags := spec.Parse(source, "minibot.hcl", spec.Variables{})
	for _, item := range diags.Items() {
		if item.Severity != "error" {
			continue
		}
		from := draft.From(item.Line)
		if from == 0 {
			return Result{}, &FaultError{Diagnostics: diags}
		}
		t.note(Refused, t.origins[from-1], item.Summary, item.Detail)
	}
	t.guard(source, draft)
	result := Result{Stack: stack, Notes: t.sorted()}
	if !t.refuses() {
		result.Source, result.Secrets = source, t.secrets.list()
	}
	return result, nil
}

// FaultError says that minibot wrote a spec that is not valid.
type FaultError struct{ Diagnostics spec.Diagnostics }

func (e *FaultError) Error() string {
	return "the spec that was made is not valid, which is a fault of minibot: " + e.Diagnostics.Error()
}

func (e *FaultError) Unwrap() error { return e.Diagnostics }
