package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"time"

	"minibot/internal/engine"
	collected "minibot/internal/evidence"
	"minibot/internal/plan"
	"minibot/internal/secret"
	"minibot/render"
	"minibot/spec"
	"minibot/verify"
)

// evidenceFlags take a report from one machine to another.
type evidenceFlags struct {
	Collect string `help:"Also keep all that the report was made from in a file, without secrets: commands' outputs, files, the engine's answers. Look through it before you give it away." placeholder:"FILE" xor:"instead"`
	From    string `help:"Make the report from such a file, without engine, machine or store, and from the spec that is in it." placeholder:"FILE" xor:"instead"`
}

// read makes sure that what is collected is whole.
func (f *evidenceFlags) read(selected selectFlags) error {
	if f.Collect != "" && (len(selected.Only) > 0 || len(selected.Skip) > 0 || selected.Severity != "") {
		return errors.New("--collect keeps the evidence of all checks: select with --from")
	}
	return nil
}

// collect makes the checks, keeps what they saw, and makes sure that the same report comes of it.
func (c *verifyCmd) collect(ctx context.Context, a *app, loaded *loaded) (verify.Report, error) {
	endpoint, err := a.endpoint()
	if err != nil {
		return verify.Report{}, err
	}
	if err := noRotation(ctx, loaded); err != nil {
		return verify.Report{}, err
	}
	collector, err := collected.Collect(ctx, loaded.stack.Name, secretNames(loaded.stack), lookup(loaded))
	if err != nil {
		return verify.Report{}, err
	}
	endpoint.Wrap = collector.Wrap
	subject := verify.Subject{Stack: loaded.stack, Project: loaded.project, Offline: c.Offline, Now: time.Now(), Local: endpoint.Local(), Endpoint: endpoint.Host, ProbeTimeout: c.ProbeTimeout}
	done := a.observe(ctx, endpoint, loaded, &subject)
	defer done()
	collector.Attach(&subject)
	report := verify.Run(ctx, subject)
	if ctx.Err() != nil {
		return verify.Report{}, ctx.Err()
	}
	source, err := readSpec(a.File)
	if err != nil {
		return verify.Report{}, err
	}
	about := collected.Bundle{
		Minibot: version, Offline: c.Offline,
		Spec:   collected.Spec{File: a.File, Source: string(source), Variables: a.variables(source)},
		Engine: collected.Engine{Host: endpoint.Host, Source: endpoint.Source, Local: endpoint.Local()},
	}
	data, err := collector.Encode(about, subject.Live, subject.Unseen, subject.Now)
	if err != nil {
		return verify.Report{}, err
	}
	if nameless := collected.WithoutHome(data, collector.Home()); c.same(ctx, nameless, report) == nil {
		data = nameless
	} else if err := c.same(ctx, data, report); err != nil {
		return verify.Report{}, err
	}
	if err := writePrivate(c.Collect, data); err != nil {
		return verify.Report{}, fmt.Errorf("write the evidence: %w", err)
	}
	a.say("The evidence is in %s. It holds no secret of the stack; look through it before you give it away.", c.Collect)
	return report, nil
}

// noRotation refuses to collect while a secret has two values, of which one might be overlooked.
func noRotation(ctx context.Context, loaded *loaded) error {
	if len(loaded.stack.Secrets) == 0 {
		return nil
	}
	store, err := loaded.store()
	if err != nil {
		return err
	}
	rotating, err := secret.Rotations(ctx, store, secretNames(loaded.stack))
	if err == nil && len(rotating) > 0 {
		err = fmt.Errorf("the rotation of %s has not ended: end it first (minibot secret rotate %[1]s)", rotating[0])
	}
	return err
}

// variables are the values that were given to the variables of a spec.
func (a *app) variables(source []byte) map[string]string {
	given := environ()
	maps.Copy(given, a.Var)
	maps.DeleteFunc(given, func(name, _ string) bool { return !bytes.Contains(source, fmt.Appendf(nil, "variable %q", name)) })
	return given
}

// same makes sure that evidence brings the report that was made from what it is of.
func (c *verifyCmd) same(ctx context.Context, data []byte, report verify.Report) error {
	bundle, err := collected.Decode(data)
	if err != nil {
		return err
	}
	loaded, diags, err := loadEvidence(bundle)
	if err != nil || diags.HasErrors() {
		return errors.Join(errors.New("the evidence does not hold the spec"), err)
	}
	again, err := replay(ctx, bundle, loaded, verify.Selection{})
	if err != nil {
		return err
	}
	for i, result := range report.Results {
		if i >= len(again.Results) || !reflect.DeepEqual(again.Results[i], result) {
			return fmt.Errorf("the evidence does not bring the same report, so it was not written; the first difference is %s of %s", result.Check, result.Object)
		}
	}
	if len(again.Results) != len(report.Results) {
		return fmt.Errorf("the evidence brings %d results, not %d, so it was not written", len(again.Results), len(report.Results))
	}
	return nil
}

// from makes the report from a file.
func (c *verifyCmd) from(ctx context.Context, a *app) (verify.Report, error) {
	data, err := os.ReadFile(c.From)
	if err != nil {
		return verify.Report{}, fmt.Errorf("read the evidence: %w", err)
	}
	bundle, err := collected.Decode(data)
	if err != nil {
		return verify.Report{}, fmt.Errorf("%s: %w", c.From, err)
	}
	loaded, diags, err := loadEvidence(bundle)
	if err != nil {
		return verify.Report{}, err
	}
	if err := a.diagnostics(diags); err != nil {
		return verify.Report{}, err
	}
	return replay(ctx, bundle, loaded, c.selection)
}

// loadEvidence reads and renders the spec of a bundle.
func loadEvidence(b collected.Bundle) (*loaded, spec.Diagnostics, error) {
	stack, diags := spec.Parse([]byte(b.Spec.Source), b.Spec.File, spec.Variables{Environ: b.Spec.Variables})
	if diags.HasErrors() {
		return nil, diags, nil
	}
	project, compose, err := render.Project(stack)
	return &loaded{stack: stack, project: project, compose: compose, diags: diags}, diags, err
}

// nowhere is where an engine is that answers from a file.
const nowhere = "tcp://evidence.invalid:2375"

// replay makes the checks on what was collected.
func replay(ctx context.Context, b collected.Bundle, loaded *loaded, selection verify.Selection) (verify.Report, error) {
	subject := verify.Subject{Stack: loaded.stack, Project: loaded.project, Select: selection}
	b.Attach(&subject)
	if subject.Unseen == nil {
		e, err := engine.Connect(ctx, engine.Endpoint{Host: nowhere, Source: "evidence", Wrap: b.Wrap})
		if err != nil {
			return verify.Report{}, err
		}
		defer e.Close()
		about, err := e.About(ctx)
		if err != nil {
			return verify.Report{}, err
		}
		live, err := e.Observe(ctx, loaded.project)
		if err != nil {
			return verify.Report{}, err
		}
		live.Engine = about
		b.Remember(&live)
		subject.Live, subject.Plan = live, plan.Diff(subject.Project, live)
	}
	report := verify.Run(ctx, subject)
	return report, ctx.Err()
}
