package secret

import (
	"fmt"
	"slices"
	"strings"
)

// Options are what the spec says to a kind of store beside its name. A kind takes what it knows and no notice of the
// rest; today all of them are for exec. The zero Options are none.
type Options struct {
	// Command is the argument list of a program that prints one secret to stdout. In its arguments {name} becomes the
	// secret's name: ["pass", "show", "minibot/{name}"]. No shell is involved.
	Command []string

	// Commands are argument lists for single secrets by name, taken as they stand and before Command:
	// {"TOKEN": ["op", "read", "op://Private/telegram/token"]}.
	Commands map[string][]string

	// Names are the secrets of the stack. A program cannot list what it has, so List asks for these.
	Names []string

	// Pass are names of environment variables that the programs need beside those that they always see: "VAULT_ADDR".
	Pass []string
}

// namePlace stands in Options.Command where the name of the secret goes.
const namePlace = "{name}"

// check finds what no call could work with.
func (o Options) check() error {
	bad := func(format string, args ...any) error {
		return &Error{Store: "exec", Detail: fmt.Sprintf(format, args...)}
	}
	if len(o.Command) > 0 {
		if err := checkArgv(o.Command); err != nil {
			return bad("the command %v", err)
		}
		if !slices.ContainsFunc(o.Command[1:], func(arg string) bool { return strings.Contains(arg, namePlace) }) {
			return bad("the command has no argument with %s, so every secret would get the same value", namePlace)
		}
	}
	for name, argv := range o.Commands {
		if err := checkAccount(name); err != nil {
			return bad("a command for %v", err)
		}
		if err := checkArgv(argv); err != nil {
			return bad("the command of %s %v", name, err)
		}
	}
	for _, name := range o.Names {
		if err := checkAccount(name); err != nil {
			return bad("%v", err)
		}
	}
	return nil
}

func checkArgv(argv []string) error {
	if len(argv) == 0 || argv[0] == "" {
		return fmt.Errorf("names no program")
	}
	if slices.ContainsFunc(argv, func(arg string) bool { return strings.ContainsRune(arg, 0) }) {
		return fmt.Errorf("has a NUL in an argument")
	}
	return nil
}

// argv returns the command for one secret. minibot's own key is read only by a command of its own: the template is
// for the person's secrets, and a program asked for _label_key would fail and not say "not found".
func (o Options) argv(name string) ([]string, bool) {
	if argv, ok := o.Commands[name]; ok {
		return argv, true
	}
	if len(o.Command) == 0 || isReserved(name) {
		return nil, false
	}
	argv := slices.Clone(o.Command)
	for i := range argv[1:] {
		argv[i+1] = strings.ReplaceAll(argv[i+1], namePlace, name)
	}
	return argv, true
}

// first is the Options of a call, which are at most one.
func first(options []Options) Options {
	if len(options) == 0 {
		return Options{}
	}
	return options[0]
}
