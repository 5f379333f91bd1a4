package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"minibot/internal/adopt"
	"minibot/internal/engine"
	"minibot/internal/plan"
	"minibot/spec"
)

// fromFile translates a compose file.
func (c *initCmd) fromFile(ctx context.Context, a *app) error {
	text, err := os.ReadFile(c.From)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.From, unwrapPath(err))
	}
	place, err := filepath.Abs(c.From)
	if err != nil {
		return err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	result, err := adopt.FromFile(adopt.File{
		Name: c.From, Text: text, Dir: filepath.Dir(place), Home: home, Read: os.ReadFile, Exists: isThere,
	}, c.options(a))
	if err != nil {
		return err
	}
	for i, one := range result.Secrets { // from where minibot is called
		if one.File != "" && !filepath.IsAbs(one.File) {
			result.Secrets[i].File = filepath.Join(filepath.Dir(c.From), one.File)
		}
	}
	result.Notes = append(result.Notes, override(place)...)
	return a.translated(ctx, c.From, result, false)
}

func (c *initCmd) options(a *app) adopt.Options {
	return adopt.Options{Name: c.Name, Without: c.Without, Profiles: c.Profile, Variables: a.Var}
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// override says of the file that docker compose would read as well, if there is one.
func override(place string) []adopt.Note {
	ext := filepath.Ext(place)
	other := strings.TrimSuffix(place, ext) + ".override" + ext
	if !isThere(other) {
		return nil
	}
	return []adopt.Note{{Kind: adopt.LeftOut, What: filepath.Base(other), Why: "Compose reads it as well, and minibot reads one file. Make one of them: docker compose config --no-interpolate -o merged.yml"}}
}

// translated shows what became of the source, writes the spec, and ends in a plan. Live says that the source was an
// engine: then it must answer.
func (a *app) translated(ctx context.Context, source string, result adopt.Result, live bool) error {
	if result.Source == nil {
		if err := a.viewNotes(source, result, nil, nil); err != nil {
			return err
		}
		a.sayRefused(result, live)
		return errIncomplete
	}
	if err := a.create(result.Source); err != nil {
		return err
	}
	stack, diags := spec.Parse(result.Source, a.File, spec.Variables{})
	if diags.HasErrors() {
		return diags
	}
	steps := append(a.importSecrets(result.Secrets), a.planAndApply()...)
	planned, err := a.planOf(ctx)
	if err != nil && (live || !errors.Is(err, engine.ErrUnreachable)) {
		return err
	}
	if err := a.viewNotes(source, result, planned, steps); err != nil || a.JSON {
		return err
	}
	a.sayWrote(stack)
	if planned != nil {
		a.say("\nWhat minibot apply would do, as the spec stands:\n")
		if err := a.viewPlan(planned.plan, planned.site.loaded.project); err != nil {
			return err
		}
		if live {
			a.say("\n%s", madeAnew(planned.plan))
		}
	} else {
		a.say("No Docker Engine answers, so there is no plan yet.")
	}
	a.sayNext(steps)
	return nil
}

// madeAnew says which containers do not survive the adoption.
func madeAnew(p plan.Plan) string {
	var names []string
	for _, step := range p.Steps {
		if step.Kind == plan.Replace {
			names = append(names, step.Name)
		}
	}
	if len(names) == 0 {
		return "No container is made anew."
	}
	return fmt.Sprintf("Made anew, each with a short stop: %s. Their volumes stay; the plan says why.", strings.Join(names, ", "))
}

// planned is a plan, and what it was made of.
type planned struct {
	site *site
	plan plan.Plan
}

// planOf compares the spec that was written with the engine.
func (a *app) planOf(ctx context.Context) (*planned, error) {
	quiet := *a
	quiet.stderr = io.Discard // the spec's warnings come with each command after this
	s, err := quiet.site(ctx)
	if err != nil {
		return nil, err
	}
	defer s.engine.Close()
	p, _, err := s.plan(ctx)
	if err != nil {
		return nil, err
	}
	return &planned{s, p}, nil
}

// importSecrets are the commands that put the values of the source into the store. Those of one file come at once.
func (a *app) importSecrets(secrets []adopt.Secret) []next {
	var steps []next
	files := map[string][]string{}
	for _, one := range secrets {
		if one.File != "" && !one.Whole {
			files[one.File] = append(files[one.File], one.Name)
		}
	}
	for _, file := range sortedKeys(files) {
		steps = append(steps, next{a.onSpec("secret import " + shellWord(file)), strings.Join(files[file], ", ")})
	}
	for _, one := range secrets {
		set := a.onSpec("secret set " + one.Name)
		switch {
		case one.Whole:
			steps = append(steps, next{set + " < " + shellWord(one.File), "as it is now"})
		case one.File != "":
		case one.Container != "" && (one.Variable != "" || one.Path != ""):
			steps = append(steps, next{takeOut(one) + " | " + set, "as it is now"})
		case one.Line > 0:
			steps = append(steps, next{set, fmt.Sprintf("its value stands in line %d", one.Line)})
		case one.Container != "":
			steps = append(steps, next{set, "docker inspect " + shellWord(one.Container) + " shows it"})
		default:
			steps = append(steps, next{set, "or, for a new one: " + a.onSpec("secret generate "+one.Name)})
		}
	}
	return steps
}

// takeOut is a command that prints what a container has of a secret, and nothing where that fails: it asks the engine,
// since many images have no program to ask.
func takeOut(one adopt.Secret) string {
	if one.Path != "" {
		return fmt.Sprintf("docker cp %s:%s - | tar -xO", shellWord(one.Container), one.Path)
	}
	return fmt.Sprintf("docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' %s |\n    sed -n 's/^%s=//p'", shellWord(one.Container), one.Variable)
}

// headings are how the kinds of notes are called.
var headings = map[adopt.Kind]struct{ title, color string }{
	adopt.Refused: {"Refused: no spec can hold it", red},
	adopt.Todo:    {"To do, before it is applied", yellow},
	adopt.Changed: {"Changed on the way", yellow},
	adopt.LeftOut: {"Left out", dim},
}

// viewNotes shows what became of the parts of the source that are not in the spec as they were.
func (a *app) viewNotes(source string, result adopt.Result, planned *planned, steps []next) error {
	if a.JSON {
		shown := map[string]any{"format_version": "1", "from": source, "stack": result.Stack, "notes": orEmpty(result.Notes)}
		if result.Source != nil {
			shown["file"], shown["secrets"], shown["next"] = a.File, orEmpty(result.Secrets), steps
		}
		if planned != nil {
			shown["plan"] = planned.plan
		}
		return a.json(shown)
	}
	_, err := a.stdout.Write(notesText(result.Notes, a.width, paint(a.colorOut)))
	return err
}

// notesText lists the notes by kind. Those that say the same of several places are one.
func notesText(notes []adopt.Note, width int, paint painter) []byte {
	var out strings.Builder
	said := map[[2]string]bool{}
	kind := adopt.Kind("")
	for i, note := range notes {
		if said[[2]string{string(note.Kind), note.Why}] {
			continue
		}
		said[[2]string{string(note.Kind), note.Why}] = true
		if note.Kind != kind {
			kind = note.Kind
			out.WriteString(paint(bold+";"+headings[kind].color, headings[kind].title) + "\n")
		}
		for _, same := range notes[i:] {
			if same.Kind == note.Kind && same.Why == note.Why {
				placeText(&out, same, width, paint)
			}
		}
		for paragraph := range strings.SplitSeq(note.Why, "\n\n") {
			for _, line := range wrapWords(paragraph, width-6) {
				out.WriteString("      " + line + "\n")
			}
		}
	}
	if out.Len() > 0 {
		out.WriteString("\n")
	}
	return []byte(out.String())
}

// placeText says what a note is about, and where that stands.
func placeText(out *strings.Builder, note adopt.Note, width int, paint painter) {
	place := cmp.Or(note.Service, "the stack") + ": "
	if note.Line > 0 {
		place = fmt.Sprintf("line %d, ", note.Line) + place
	}
	for i, line := range wrapWords(place+note.What, width-4) {
		if i > 0 {
			line = "  " + line
		}
		out.WriteString("  " + paint(bold, line) + "\n")
	}
}

// sayRefused says how to go on without what was refused.
func (a *app) sayRefused(result adopt.Result, live bool) {
	refused := 0
	for _, note := range result.Notes {
		if note.Kind == adopt.Refused {
			refused++
		}
	}
	a.say("Nothing was written: %s refused.", isRefused(refused))
	var ways []string
	if !live {
		ways = append(ways, "Change that in the compose file or in a copy of it.")
	}
	if services := result.Refused(); len(services) > 0 {
		slices.Sort(services)
		ways = append(ways, "To leave the services out: --without "+strings.Join(services, ","))
	}
	for _, way := range ways {
		a.say("%s", way)
	}
}

func isRefused(n int) string {
	if n == 1 {
		return "1 thing was"
	}
	return fmt.Sprintf("%d things were", n)
}
