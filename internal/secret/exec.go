package secret

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// execStore asks a program for each secret and takes what it prints. It is read-only: what a program prints, the
// program's own manager has to set.
type execStore struct {
	options  Options
	wait     time.Duration // for one run
	attended bool          // whether a person can answer the program's dialogs
}

func openExec(_ string, o Options) (Store, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return &execStore{o, callWait(), attended()}, nil
}

func whereExec(_ string, o Options) (string, error) {
	if err := o.check(); err != nil {
		return "", err
	}
	var parts []string
	if len(o.Command) > 0 {
		parts = append(parts, "output of `"+strings.Join(o.Command, " ")+"`")
	}
	if own := o.ownNames(); len(own) > 0 {
		parts = append(parts, "commands of their own for "+strings.Join(own, ", "))
	}
	if len(parts) == 0 {
		return "no command", nil
	}
	return strings.Join(parts, ", "), nil
}

// lookExec says whether the programs are there, and runs none.
func lookExec(_ context.Context, _ string, o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	argvs := [][]string{}
	if len(o.Command) > 0 {
		argvs = append(argvs, o.Command)
	}
	for _, name := range o.ownNames() {
		argvs = append(argvs, o.Commands[name])
	}
	if len(argvs) == 0 {
		return &Error{Store: "exec", Kind: ErrUnavailable, Detail: "no command", Remedy: "give it one in the spec's secrets block"}
	}
	for _, argv := range argvs {
		if _, err := exec.LookPath(argv[0]); err != nil {
			return startError("", argv[0], err)
		}
	}
	return nil
}

// ownNames are the names of Commands, sorted.
func (o Options) ownNames() []string {
	var names []string
	for name := range o.Commands {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Get runs the program. Printing nothing, with success, is how it says that it has no such secret: of all that a
// program can do wrong, nothing else is taken for that.
func (s *execStore) Get(ctx context.Context, name string) (Value, error) {
	argv, ok := s.options.argv(name)
	if !ok {
		remedy := "give " + name + " a command in the spec's secrets block"
		if name == reserved {
			remedy += " that prints base64 of 32 random bytes (`openssl rand -base64 32`), always the same"
		}
		return Value{}, &Error{Store: "exec", Name: name, Kind: ErrNotFound, Detail: "no command for it", Remedy: remedy}
	}
	printed, err := s.run(ctx, name, argv)
	if err != nil {
		return Value{}, err
	}
	defer clear(printed)
	text := cutNewline(printed)
	switch {
	case len(text) == 0:
		return Value{}, &Error{Store: "exec", Name: name, Kind: ErrNotFound, Detail: argv[0] + " printed nothing",
			Remedy: "set " + name + " with the password manager's own program"}
	case len(text) > MaxValue:
		return Value{}, tooMuch(name, argv[0])
	}
	return NewValue(text), nil
}

func (s *execStore) Set(_ context.Context, name string, _ Value) error { return s.readOnly(name) }

func (s *execStore) Delete(_ context.Context, name string) error { return s.readOnly(name) }

func (s *execStore) readOnly(name string) error {
	return &Error{Store: "exec", Name: name, Kind: ErrReadOnly, Remedy: "change " + cmp.Or(name, "secrets") + " with the password manager's own program"}
}

// List asks for each name that it was told of, one after the other, since there is no other way to know.
func (s *execStore) List(ctx context.Context) ([]Item, error) {
	names := append(s.options.ownNames(), s.options.Names...)
	slices.Sort(names)
	items := []Item{}
	for _, name := range slices.Compact(names) {
		if isReserved(name) {
			continue
		}
		_, err := s.Get(ctx, name)
		switch {
		case err == nil:
			items = append(items, Item{Name: name})
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
	}
	return items, nil
}

func tooMuch(name, program string) error {
	return &Error{Store: "exec", Name: name, Detail: fmt.Sprintf("%s printed more than %d bytes", program, MaxValue)}
}

// startError is for a program that could not be started. Such an error names a path and nothing else.
func startError(name, program string, err error) error {
	e := &Error{Store: "exec", Name: name, Kind: ErrUnavailable, Detail: "could not run " + program, Cause: err}
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		e.Detail, e.Cause = "there is no program "+program, nil
		e.Remedy = "install it, or name it with its full path"
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Remedy = ErrDenied, "make it executable for this user"
	}
	return e
}
