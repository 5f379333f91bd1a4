package spec

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
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
type findings struct{ list hcl.Diagnostics }

func (f *findings) add(at Range, summary, detail string) { f.extend(problem(at, summary, detail)) }

func (f *findings) warn(at Range, summary, detail string) {
	f.list = append(f.list, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: &at})
}

func (f *findings) addNowhere(summary, detail string) {
	f.list = append(f.list, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail})
}

// extend takes over messages, but for those that only repeat that a variable had no value.
func (f *findings) extend(diags hcl.Diagnostics) {
	for _, diag := range diags {
		if !strings.Contains(diag.Detail, "value must be known") {
			f.list = append(f.list, diag)
		}
	}
}

func (f *findings) errors() bool { return f.list.HasErrors() }

// errorsAt reports whether something inside the range is already known to be wrong.
func (f *findings) errorsAt(at Range) bool {
	for _, diag := range f.list {
		if diag.Severity == hcl.DiagError && diag.Subject != nil && at.Overlaps(*diag.Subject) {
			return true
		}
	}
	return false
}

// sorted puts the messages in the order of the file and drops repeated ones.
func (f *findings) sorted() hcl.Diagnostics {
	place := func(d *hcl.Diagnostic) int {
		if d.Subject == nil {
			return -1
		}
		return d.Subject.Start.Byte
	}
	list := slices.Clone(f.list)
	slices.SortStableFunc(list, func(a, b *hcl.Diagnostic) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
	})
	return slices.CompactFunc(list, func(a, b *hcl.Diagnostic) bool {
		return place(a) == place(b) && a.Summary == b.Summary && a.Detail == b.Detail
	})
}

// nearest finds the name that was probably meant; "" if none is near.
func nearest(name string, names []string) string {
	best, distance := "", 3
	for _, candidate := range names {
		if d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(candidate), nil); d < distance && d*2 < len(name)+1 {
			best, distance = candidate, d
		}
	}
	return best
}

// instead says what to write for words that people bring from compose, and for what
// minibot will not do.
var instead = map[string]string{
	"ports":          "Publish a port with a bind block: bind { port = 5432 }. It is always on a loopback address.",
	"environment":    "Write env = { NAME = \"value\" }.",
	"env_file":       "Write the values into env, and secrets as secret.NAME.file.",
	"volumes":        "Write volume \"name\" { target = \"/path\" } for a named volume, or mount { source = … target = … } for a folder of the host.",
	"mem_limit":      "Write limits { memory = \"1GB\" cpus = 1.0 }.",
	"cpus":           "Write limits { memory = \"1GB\" cpus = 1.0 }.",
	"pids_limit":     "Write pids in the limits block.",
	"memswap_limit":  "minibot sets the swap limit to the memory limit, so that a container never swaps.",
	"deploy":         "Write limits { memory = \"1GB\" cpus = 1.0 }.",
	"build":          "minibot runs images; build one beforehand and name it in image.",
	"configs":        "Write file \"/path/in/container\" { content = … }.",
	"ulimits":        "Write ulimit \"nofile\" { soft = 64000 }.",
	"security_opt":   "no-new-privileges and the engine's default seccomp and AppArmor profiles are always on.",
	"privileged":     "A privileged container owns the machine. minibot has no switch for it; cap_add grants single capabilities.",
	"network_mode":   "Host and shared networks bypass the loopback binding. minibot has no switch for it; every service is on a bridge network.",
	"pid":            "Namespaces of the host or of other containers cannot be shared; minibot has no switch for it.",
	"ipc":            "Namespaces of the host or of other containers cannot be shared; minibot has no switch for it.",
	"uts":            "Namespaces of the host or of other containers cannot be shared; minibot has no switch for it.",
	"userns_mode":    "Namespaces of the host or of other containers cannot be shared; minibot has no switch for it.",
	"cgroup":         "Namespaces of the host or of other containers cannot be shared; minibot has no switch for it.",
	"cgroup_parent":  "Limits are set with the limits block; minibot has no switch for the cgroup's parent.",
	"devices":        "Devices of the host cannot be given to a container; minibot has no switch for it.",
	"gpus":           "Devices of the host cannot be given to a container; minibot has no switch for it.",
	"device":         "Devices of the host cannot be given to a container; minibot has no switch for it.",
	"use_api_socket": "Whoever may talk to the engine owns the machine; minibot has no switch for it.",
	"sysctls":        "minibot has no switch for kernel parameters.",
	"links":          "Services on one network find each other by name; take links out.",
	"expose":         "Services on one network reach all of each other's ports; take expose out.",
}

// advise adds what to write instead to HCL's own messages about unknown names.
func (b *body) advise(schema *hcl.BodySchema, diags hcl.Diagnostics) hcl.Diagnostics {
	for _, diag := range diags {
		if diag.Subject == nil || !diag.Subject.CanSliceBytes(b.d.src) {
			continue
		}
		switch diag.Summary {
		case "Unsupported argument", "Unsupported block type":
			name := string(bytes.TrimSpace(diag.Subject.SliceBytes(b.d.src)))
			if advice, ok := instead[name]; ok && b.path == "service" {
				diag.Detail = fmt.Sprintf("A service has no %s. %s", name, advice)
			} else if near := nearest(name, names(schema)); near != "" && !strings.Contains(diag.Detail, "Did you mean") {
				diag.Detail += fmt.Sprintf(" Did you mean %q?", near)
			}
		case "Missing required argument":
			if b.path == "service.limits" {
				diag.Detail += " Every container has both limits: limits { memory = \"1GB\" cpus = 1.0 }."
			}
		}
	}
	return diags
}

// names lists what may be written in a body.
func names(schema *hcl.BodySchema) []string {
	var list []string
	for _, attr := range schema.Attributes {
		list = append(list, attr.Name)
	}
	for _, block := range schema.Blocks {
		list = append(list, block.Type)
	}
	return list
}
