package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/types"
	"golang.org/x/term"

	"minibot/internal/remote"
	"minibot/internal/secret"
	"minibot/render"
	"minibot/spec"
)

// app is the process: its streams and the flags of every command.
type app struct {
	Globals
	command string // as it was called, without its flags and values
	stdin   io.Reader
	answers *bufio.Reader // of stdin, once a person was asked
	stdout  io.Writer
	stderr  io.Writer
	// width is the terminal's, at most 100 columns; 100 off a terminal.
	width int
	// fold is how wide messages may be; 0 off a terminal, where each stays on one line for those who search them.
	fold int
	// colorOut and colorErr say whether that stream may have colour.
	colorOut, colorErr bool
	// env is the store env. Opening it took its variables out of the environment, which the
	// Docker client hands on to the ssh that it starts.
	env secret.Store
	// far is the machine of an engine behind ssh, once it has been asked for.
	far *remote.Machine
}

func newApp(globals Globals, stdin io.Reader, stdout, stderr io.Writer) *app {
	env, err := secret.Open("env", "any") // of every stack it is the same
	if err != nil {
		panic(err)
	}
	fold := 0
	if term.IsTerminal(fd(stderr)) {
		fold = widthOf(stderr)
	}
	return &app{
		Globals: globals, stdin: stdin, stdout: stdout, stderr: stderr, width: widthOf(stdout), fold: fold, env: env,
		colorOut: globals.Color && canColor(stdout), colorErr: globals.Color && canColor(stderr),
	}
}

// widthOf is how wide text may be: the terminal's columns, at most 100; 100 off a terminal.
func widthOf(stream io.Writer) int {
	if columns, _, err := term.GetSize(fd(stream)); err == nil && columns > 40 {
		return min(columns, 100)
	}
	return 100
}

// canColor reports whether somebody sees colour there and did not turn it off.
func canColor(stream io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(fd(stream))
}

// fd is the stream's file descriptor; -1 if it has none.
func fd(stream any) int {
	if file, ok := stream.(*os.File); ok {
		return int(file.Fd())
	}
	return -1
}

// say writes a message for people. Results go to stdout instead.
func (a *app) say(format string, args ...any) {
	fmt.Fprintln(a.stderr, foldText(fmt.Sprintf(format, args...), a.fold))
}

// debug writes what --debug asks for.
func (a *app) debug(format string, args ...any) {
	if a.Debug {
		a.say("debug: "+format, args...)
	}
}

func (a *app) warn(format string, args ...any) { a.say("Warning: "+format, args...) }

// json prints a result.
func (a *app) json(result any) error {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(result)
}

// confirm asks on the terminal. Off a terminal nobody can answer: that is an error.
func (a *app) confirm(ctx context.Context, question string) error {
	if !term.IsTerminal(fd(a.stdin)) {
		return errNobody
	}
	text, err := a.answer(ctx, question+" Only \"yes\" is taken: ")
	if ctx.Err() != nil {
		return err
	}
	if strings.TrimSpace(text) != "yes" {
		return errDeclined
	}
	return nil
}

// answer asks and reads one line. It is io.EOF at the end of input, and the context's error when that ends first.
func (a *app) answer(ctx context.Context, question string) (string, error) {
	if a.answers == nil {
		a.answers = bufio.NewReader(a.stdin)
	}
	fmt.Fprint(a.stderr, question)
	type answer struct {
		text string
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		text, err := a.answers.ReadString('\n')
		read <- answer{text, err}
	}()
	select {
	case got := <-read:
		return got.text, got.err
	case <-ctx.Done():
		fmt.Fprintln(a.stderr)
		return "", ctx.Err()
	}
}

// loaded is a spec and what follows from it alone.
type loaded struct {
	stack   *spec.Stack
	project *types.Project
	compose []byte
	diags   spec.Diagnostics
	// store opens the stack's secret store, once.
	store func() (secret.Store, error)
}

// load reads and renders the spec. Its warnings are shown, and its errors.
func (a *app) load() (*loaded, error) { return a.loadThen(func(*spec.Stack) {}) }

// loadThen calls parsed as soon as it is known what the spec says.
func (a *app) loadThen(parsed func(*spec.Stack)) (*loaded, error) {
	stack, diags, err := a.parse()
	if err != nil {
		return nil, err
	}
	if err := a.diagnostics(diags); err != nil {
		return nil, err
	}
	if err := a.pinImages(stack); err != nil {
		return nil, err
	}
	parsed(stack)
	project, compose, err := render.Project(stack)
	if err != nil {
		return nil, err
	}
	store := a.storeOnce(stack)
	return &loaded{stack: stack, project: project, compose: compose, diags: diags, store: store}, nil
}

// parse reads the spec without judging it.
func (a *app) parse() (*spec.Stack, spec.Diagnostics, error) {
	src, err := readSpec(a.File)
	if err != nil {
		return nil, spec.Diagnostics{}, err
	}
	stack, diags := spec.Parse(src, a.File, spec.Variables{Flags: a.Var, Environ: environ()})
	return stack, diags, nil
}

func readSpec(file string) ([]byte, error) {
	src, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &noSpecError{file: file}
	case err != nil:
		return nil, fmt.Errorf("read the spec: %w", err)
	}
	return src, nil
}

// diagnostics shows what Parse had to say; an error if the spec cannot be used.
func (a *app) diagnostics(diags spec.Diagnostics) error {
	if !diags.Empty() {
		if err := diags.WriteText(a.stderr, uint(a.width), a.colorErr); err != nil {
			return err
		}
		a.say("")
	}
	if diags.HasErrors() {
		return diags
	}
	return nil
}

// environ are the variables of the spec that the environment sets.
func environ() map[string]string {
	values := map[string]string{}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if name, ok := strings.CutPrefix(name, "MINIBOT_VAR_"); ok {
			values[name] = value
		}
	}
	return values
}

// storeOnce opens the secret store when it is first asked for.
func (a *app) storeOnce(stack *spec.Stack) func() (secret.Store, error) {
	return sync.OnceValues(func() (secret.Store, error) { return a.store(stack) })
}

// store opens the secret store of the stack.
func (a *app) store(stack *spec.Stack) (secret.Store, error) {
	store, err := a.env, error(nil)
	if a.storeKind(stack) != "env" {
		store, err = secret.Open(a.storeKind(stack), stack.Name, storeOptions(stack))
	}
	if err != nil {
		return nil, err
	}
	kind, _, _ := strings.Cut(a.where(stack), ": ")
	a.debug("the secret store is %s", kind)
	return secret.Once(store), nil
}

// storeOptions are what the store exec must know.
func storeOptions(stack *spec.Stack) secret.Options {
	var options secret.Options
	if stack.Store != nil {
		options.Command = stack.Store.Command
	}
	for _, declared := range stack.Secrets {
		options.Names = append(options.Names, declared.Name)
	}
	return options
}

func (a *app) storeKind(stack *spec.Stack) string {
	switch {
	case a.SecretStore != "":
		return a.SecretStore
	case stack.Store != nil:
		return stack.Store.Kind
	}
	return "auto"
}
