package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"minibot/internal/engine"
	"minibot/internal/plan"
	"minibot/internal/secret"
	"minibot/verify"
)

type verifyCmd struct {
	Verbose bool `short:"v" help:"Show the checks that passed, too."`
	List    bool `help:"List the checks, and make none. Needs no spec and no engine." xor:"instead"`
	Schema  bool `help:"Print the JSON Schema of --json, and make no check." xor:"instead"`
	Offline bool `help:"This machine has no way to the internet: do not try what the services declare to call."`
	// ActiveAuth is never on by default: what is counted may lock people out.
	ActiveAuth   bool          `help:"Try one wrong password at OpenClaw, too. Ten in a minute lock everybody on this machine out for five."`
	ProbeTimeout time.Duration `help:"How long a service has to answer. On a slow or busy machine give it more." placeholder:"TIME" default:"3s"`
	selectFlags
	reportFlags
	watchFlags
	evidenceFlags
}

// minProbeTimeout is what a probe needs where nothing is slow: less would only make errors.
const minProbeTimeout = 100 * time.Millisecond

func (*verifyCmd) Examples() []example {
	return []example{
		{"minibot verify", "what is not as it should be, and what to do"},
		{"minibot verify -v", "what is in order, too"},
		{"minibot verify --only net,auth", "some families of checks"},
		{"minibot verify --json -o report.xml", "JSON to read, JUnit for CI"},
		{"minibot verify --collect evidence.json", "keep what it saw, for another machine: minibot verify --from evidence.json"},
	}
}

// Validate reads what kong does not.
func (c *verifyCmd) Validate(parsed *kong.Context) error {
	if c.ProbeTimeout < minProbeTimeout {
		return fmt.Errorf("--probe-timeout: write %s at least, such as 3s", minProbeTimeout)
	}
	return errors.Join(c.selectFlags.read(), c.reportFlags.read(parsed), c.watchFlags.read(c.reportFlags), c.evidenceFlags.read(c.selectFlags))
}

// Run proves that the machine is what the spec says. A failed check exits 2; where
// none failed, one that could not be carried out exits 1.
func (c *verifyCmd) Run(ctx context.Context, a *app) error {
	switch {
	case c.List:
		return a.list(c.checks)
	case c.Schema:
		_, err := a.stdout.Write(verify.Schema)
		return err
	case c.Watch:
		return c.watch(ctx, a)
	}
	report, err := c.make(ctx, a)
	if err != nil {
		return err
	}
	if err := c.write(a, report, c.Verbose); err != nil {
		return err
	}
	return verdict(report)
}

// make makes the report from what the flags say.
func (c *verifyCmd) make(ctx context.Context, a *app) (verify.Report, error) {
	if c.From != "" {
		return c.from(ctx, a)
	}
	loaded, err := a.load()
	if err != nil {
		return verify.Report{}, err
	}
	if c.Collect != "" {
		return c.collect(ctx, a, loaded)
	}
	return c.report(ctx, a, loaded)
}

// report makes the checks. It is an error if nobody knows which machine is meant.
func (c *verifyCmd) report(ctx context.Context, a *app, loaded *loaded) (verify.Report, error) {
	subject := verify.Subject{Stack: loaded.stack, Project: loaded.project, Secret: lookup(loaded), Select: c.selection, Offline: c.Offline, ActiveAuth: c.ActiveAuth, ProbeTimeout: c.ProbeTimeout}
	endpoint, err := a.endpoint()
	if err != nil {
		return verify.Report{}, err
	}
	subject.Local, subject.Endpoint = endpoint.Local(), endpoint.Host
	done := a.observe(ctx, endpoint, loaded, &subject)
	defer done()
	if endpoint.SSH() {
		far, err := a.dialer(ctx)
		if err == nil {
			defer far.Close()
			subject.Dialer = far.DialContext
		}
		subject.NoDialer, subject.Wire = err, a.overThere
	}
	if ctx.Err() != nil {
		return verify.Report{}, ctx.Err()
	}
	report := verify.Run(ctx, subject)
	if ctx.Err() == nil {
		a.keepVerified(loaded.stack.Name, endpoint, report)
	}
	return report, ctx.Err()
}

// verdict is how verify ends.
func verdict(report verify.Report) error {
	switch {
	case report.Failed():
		return errDiffers
	case report.Incomplete():
		return errIncomplete
	}
	return nil
}

// textOptions are those of this terminal.
func (a *app) textOptions(verbose bool) verify.TextOptions {
	return verify.TextOptions{Width: a.width, Color: a.colorOut, Verbose: verbose}
}

// engineWait bounds how long verify waits for the engine, all its answers together. It says them within a tenth
// of a second, and on a machine that has much else to do within two.
const engineWait = 10 * time.Second

// observe fills in what the engine holds, or why that could not be seen: then checks that
// need the engine are errors, and the others are still made. The caller calls done after them.
func (a *app) observe(ctx context.Context, endpoint engine.Endpoint, loaded *loaded, subject *verify.Subject) (done func()) {
	patient, cancel := context.WithTimeoutCause(ctx, engineWait, fmt.Errorf("the engine at %s did not answer within %s", endpoint.Host, engineWait))
	defer cancel()
	unseen := func(err error) {
		if subject.Unseen = err; patient.Err() != nil {
			subject.Unseen = context.Cause(patient)
		}
	}
	e, err := engine.Connect(patient, endpoint)
	if err != nil {
		unseen(err)
		return func() {}
	}
	within := newInside(e, subject.ProbeTimeout)
	done = func() {
		within.close()
		_ = e.Close()
	}
	about, err := e.About(patient)
	if err != nil {
		unseen(err)
		return done
	}
	live, err := e.Observe(patient, loaded.project)
	if err != nil {
		unseen(err)
		return done
	}
	live.Engine = about
	compareStore(ctx, loaded, &live) // a keychain may have to ask a person
	subject.Live, subject.Plan = live, plan.Diff(subject.Project, live)
	subject.Inside, subject.Containers = within, e
	return done
}

// lookup reads secrets when they are asked for. The store is not opened if nobody asks.
func lookup(loaded *loaded) func(context.Context, string) (secret.Value, error) {
	return func(ctx context.Context, name string) (secret.Value, error) {
		store, err := loaded.store()
		if err != nil {
			return secret.Value{}, err
		}
		return store.Get(ctx, name)
	}
}
