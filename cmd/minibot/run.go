package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"minibot/internal/secret"
	"minibot/spec"
)

type runCmd struct {
	Only []string `help:"Give these secrets alone." placeholder:"NAME" complete:"secret"`
	// Command begins with the -- that stood before it.
	Command []string `arg:"" optional:"" passthrough:"partial" name:"program" help:"The program and its arguments, after --."`
}

func (*runCmd) Examples() []example {
	return []example{
		{"minibot run -- sh -c 'PGPASSWORD=$POSTGRES_PASSWORD psql -h 127.0.0.1 -U minibot'", "a shell, for its quotes"},
		{"minibot run -- docker compose up -d", "docker compose, with what the rendered file asks for"},
		{"minibot run --only REDIS_PASSWORD -- env", "one secret alone"},
	}
}

// Validate makes sure that there is a program, and that its flags cannot be taken for
// minibot's.
func (c *runCmd) Validate() error {
	if len(c.Command) > 0 && c.Command[0] != "--" {
		return errors.New("the program and its arguments go after --, such as minibot run -- docker compose ps")
	}
	if len(c.Command) < 2 || c.Command[1] == "" {
		return errors.New("there is no program to run. It goes after --, such as minibot run -- docker compose ps")
	}
	return nil
}

// Run becomes the program: the same process, terminal and streams, and in its environment
// the secrets. Its exit code is that of the program.
func (c *runCmd) Run(ctx context.Context, a *app) error {
	argv := c.Command[1:]
	path, err := program(argv[0])
	if err != nil {
		return err
	}
	loaded, err := a.load()
	if err != nil {
		return err
	}
	wants, err := c.wants(loaded.stack)
	if err != nil {
		return err
	}
	store, err := a.store(loaded.stack)
	if err != nil {
		return err
	}
	values, _, err := secret.Resolve(ctx, store, wants)
	if err != nil {
		return err
	}
	env, err := environWith(values)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("start %s: %w", argv[0], syscall.Exec(path, argv, env)) // returns only if it fails
}

// wants are the secrets to hand over. None may be generated: nothing would know the value.
func (c *runCmd) wants(stack *spec.Stack) ([]secret.Want, error) {
	names := c.Only
	if len(names) == 0 {
		names = secretNames(stack)
	}
	for _, name := range names {
		if err := declared(stack, name); err != nil {
			return nil, err
		}
	}
	return wanted(names), nil
}

// program finds a program as a shell does.
func program(name string) (string, error) {
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, exec.ErrDot):
		return "", fmt.Errorf("the program %s is in this folder, and such a one is not run by its bare name; write ./%s", name, name)
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		if strings.Contains(name, "/") {
			return "", fmt.Errorf("there is no program %s", name)
		}
		return "", fmt.Errorf("there is no program %s in the folders of PATH; write its full path, or install it", name)
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("%s cannot be run: it is a folder, or not executable for this user", name)
	}
	return "", err
}

// environWith is the environment of this process, without minibot's own variables and with
// the secrets. A secret goes before a variable of its name.
func environWith(values secret.Values) ([]string, error) {
	env := slices.DeleteFunc(secret.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		_, ours := values.Get(name)
		return ours
	})
	for _, name := range values.Names() {
		value, _ := values.Get(name)
		text := string(value.Reveal())
		if strings.ContainsRune(text, 0) {
			return nil, fmt.Errorf("%s holds a NUL byte, which no environment can; leave it out: --only NAME,…", name)
		}
		env = append(env, name+"="+text)
	}
	return env, nil
}
