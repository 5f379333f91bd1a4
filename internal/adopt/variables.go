package adopt

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"minibot/spec"
)

// variables are those of a compose file.
type variables struct {
	values map[string]string // what is known of them, but for the defaults in the file
	dotenv map[string]string // what the .env file says
	secret map[string]bool   // those that are secrets whatever their name: they fill what is named like one
	all    map[string]*variable
	order  []*variable
}

// variable is one that the spec will have.
type variable struct {
	name  string
	value string
	used  bool // in the spec
}

// missingError says that nobody gives a variable a value.
type missingError struct{ name, message string }

func (e *missingError) Error() string {
	text := e.name + " has no value"
	if e.message != "" {
		text += " (" + e.message + ")"
	}
	return text
}

// isSecret reports whether a variable holds a secret.
func (v *variables) isSecret(name string) bool {
	return v.secret[name] || likeSecret(name, cmpOr(v.values[name], "?"))
}

func cmpOr(value, other string) string {
	if value == "" {
		return other
	}
	return value
}

// value is what compose puts in the place of a reference.
func (v *variables) value(r reference) (string, error) {
	value, set := v.values[r.name]
	given := set && value != ""
	switch r.op {
	case ":-":
		if !given {
			return v.text(r.arg)
		}
	case "-":
		if !set {
			return v.text(r.arg)
		}
	case ":+":
		if given {
			return v.text(r.arg)
		}
		return "", nil
	case "+":
		if set {
			return v.text(r.arg)
		}
		return "", nil
	case ":?":
		if !given {
			return "", &missingError{r.name, r.arg}
		}
	default:
		if !set {
			return "", &missingError{r.name, r.arg}
		}
	}
	return value, nil
}

// text is a text as compose would make it.
func (v *variables) text(text string) (string, error) {
	refs, err := references(text)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, r := range refs {
		value := r.literal
		if r.name != "" {
			if value, err = v.value(r); err != nil {
				return "", err
			}
		}
		out.WriteString(value)
	}
	return out.String(), nil
}

// declare makes a variable of the spec of a reference. False if it is one already, with another value.
func (v *variables) declare(name, value string) bool {
	if one, there := v.all[name]; there {
		return one.value == value
	}
	one := &variable{name: name, value: value}
	v.all[name], v.order = one, append(v.order, one)
	return true
}

// use notes what a spec names.
func (v *variables) use(ref string) {
	if name, ok := strings.CutPrefix(ref, "var."); ok {
		v.all[name].used = true
	}
}

// among finds the only one of some variables whose value is the whole of a text, or its beginning up to a slash.
func (v *variables) among(names map[string]bool, text string) (name, rest string, ok bool) {
	for _, one := range slices.Sorted(maps.Keys(names)) {
		declared := v.all[one]
		if declared == nil || declared.value == "" {
			continue
		}
		after, begins := strings.CutPrefix(text, declared.value)
		if !begins || after != "" && !strings.HasPrefix(after, "/") {
			continue
		}
		if ok {
			return "", "", false
		}
		name, rest, ok = one, after, true
	}
	return name, rest, ok
}

// write declares those that the spec uses.
func (v *variables) write(d *spec.Draft, from map[string]int) {
	for _, one := range v.order {
		if one.used {
			d.Short(from[one.name], "default", spec.Line(spec.Piece{Literal: one.value}), "variable", one.name)
		}
	}
	d.Blank()
}

// fromDotenv lists the variables of the spec whose value came from the .env file.
func (v *variables) fromDotenv() []string {
	var names []string
	for _, one := range v.order {
		if _, there := v.dotenv[one.name]; there && one.used {
			names = append(names, one.name)
		}
	}
	return names
}

func quoted(text string) string { return fmt.Sprintf("%q", text) }
