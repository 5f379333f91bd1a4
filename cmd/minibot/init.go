package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"minibot/spec"
)

// initFlags are what says without a question where a spec comes from.
const initFlags = "--service NAME,…, --none, --from FILE, or --from-live PROJECT"

type initCmd struct {
	Service  []string `help:"Services to begin with, separated by commas: postgres, redis, mongo, openclaw." placeholder:"NAME" xor:"what"`
	None     bool     `help:"Begin with none of them, and one to put yours in the place of." xor:"what"`
	From     string   `help:"Translate a compose file." placeholder:"FILE" xor:"what"`
	FromLive string   `help:"Adopt a compose project that is there." placeholder:"PROJECT" xor:"what"`
	Name     string   `help:"The stack's name." placeholder:"NAME"`
	Without  []string `help:"Leave a service out of what is translated. Can be given several times." placeholder:"SERVICE"`
	Profile  []string `help:"Take the services of a profile, too; * is all. Can be given several times." placeholder:"NAME"`
}

func (*initCmd) Examples() []example {
	return []example{
		{"minibot init", "asks which services to begin with"},
		{"minibot init --service postgres,redis", "asks nothing"},
		{"minibot init --from docker-compose.yml", "translate a compose file; says what it could not carry over"},
		{"minibot init --from-live shop", "adopt the compose project shop as it runs; ends in the plan"},
	}
}

// Validate refuses services that there are not, and names that no stack can have.
func (c *initCmd) Validate() error {
	var names []string
	for _, preset := range presets().Services {
		names = append(names, preset.Name)
	}
	for _, name := range c.Service {
		if slices.Contains(names, name) {
			continue
		}
		if near := spec.Nearest(name, names); near != "" {
			return fmt.Errorf("--service: there is no %q. Did you mean %q?", name, near)
		}
		return fmt.Errorf("--service: there is no %q; there are %s", name, strings.Join(names, ", "))
	}
	switch {
	case len(c.Without) > 0 && c.From == "" && c.FromLive == "":
		return errors.New("--without is for --from and --from-live")
	case len(c.Profile) > 0 && c.From == "":
		return errors.New("--profile is for --from")
	case c.Name != "" && c.FromLive != "":
		return errors.New("--name: a project that is adopted keeps its name, by which its volumes are found")
	}
	if c.Name == "" {
		return nil
	}
	if err := spec.CheckStackName(c.Name); err != nil {
		return fmt.Errorf("--name: %w", err)
	}
	return nil
}

// Run writes a spec where there is none.
func (c *initCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayCreate(); err != nil {
		return err
	}
	switch {
	case c.From != "":
		return c.fromFile(ctx, a)
	case c.FromLive != "":
		return c.fromLive(ctx, a)
	}
	if len(c.Service) == 0 && !c.None {
		if !term.IsTerminal(fd(a.stdin)) {
			return errNoChoice
		}
		if err := c.ask(ctx, a); err != nil {
			return err
		}
	}
	stack, text, err := preset(c.Name, c.Service)
	if err != nil {
		return err
	}
	if err := a.create(text); err != nil {
		return err
	}
	return a.viewInit(stack)
}

// specThereError says that there is something already where the spec was to be written.
type specThereError struct{ file, what string }

func (e *specThereError) Error() string { return e.file + " is there already" + e.what }

// mayCreate refuses to go on where there is a file already.
func (a *app) mayCreate() error {
	info, err := os.Lstat(a.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return &specThereError{file: a.File, what: ", and is a folder"}
	}
	there := &specThereError{file: a.File}
	if src, err := os.ReadFile(a.File); err == nil {
		if stack, diags := spec.Parse(src, a.File, spec.Variables{}); !diags.HasErrors() {
			there.what = fmt.Sprintf(": the stack %q with %s", stack.Name, count(len(stack.Services), "service"))
		}
	}
	return there
}

// create writes the spec. Another one that came to be meanwhile stays.
func (a *app) create(text []byte) error {
	err := createFile(a.File, text)
	if errors.Is(err, fs.ErrExist) {
		return &specThereError{file: a.File}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", a.File, err)
	}
	return nil
}

// next is a command to go on with.
type next struct {
	Command string `json:"command"`
	Why     string `json:"why"`
}

// viewInit says what was written and what to do next.
func (a *app) viewInit(stack *spec.Stack) error {
	steps := append(a.setSecrets(stack), a.planAndApply()...)
	if a.JSON {
		var services []string
		for _, service := range stack.Services {
			services = append(services, service.Name)
		}
		return a.json(map[string]any{"format_version": "1", "file": a.File, "stack": stack.Name, "services": services, "next": steps})
	}
	a.sayWrote(stack)
	a.sayNext(steps)
	return nil
}

func (a *app) sayWrote(stack *spec.Stack) {
	a.say("Wrote %s: the stack %q with %s.", a.File, stack.Name, count(len(stack.Services), "service"))
}

// sayNext lists commands, each with its reason beside it or, where that is too wide, below.
func (a *app) sayNext(steps []next) {
	a.say("\nNext:")
	width, beside := 0, true
	for _, step := range steps {
		width = max(width, len([]rune(step.Command)))
	}
	for _, step := range steps {
		beside = beside && width+len([]rune(step.Why))+len("    # ") <= a.width
	}
	paint := paint(a.colorErr)
	for _, step := range steps {
		gap := strings.Repeat(" ", width-len([]rune(step.Command))+2)
		if !beside {
			gap = "\n      "
		}
		a.say("  %s%s%s", paint(bold, step.Command), gap, paint(dim, "# "+step.Why))
	}
}

// onSpec is a command line of minibot about this spec.
func (a *app) onSpec(words string) string {
	if a.File != "minibot.hcl" {
		words += " -f " + shellWord(a.File)
	}
	return "minibot " + words
}

// setSecrets are the commands for what only a person can give.
func (a *app) setSecrets(stack *spec.Stack) []next {
	var steps []next
	for _, secret := range stack.Secrets {
		if !secret.Generated() {
			steps = append(steps, next{a.onSpec("secret set " + secret.Name), secret.Description})
		}
	}
	return steps
}

// planAndApply lead from a spec to a stack that runs.
func (a *app) planAndApply() []next {
	return []next{
		{a.onSpec("plan"), "what would change; changes nothing"},
		{a.onSpec("apply"), "shows the plan, asks, carries it out"},
	}
}
