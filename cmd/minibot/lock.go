package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"minibot/internal/engine"
	"minibot/internal/pin"
	"minibot/spec"
)

type lockCmd struct {
	Services []string `arg:"" optional:"" name:"service" help:"The services whose images are locked; all if left out." complete:"service"`
	Update   bool     `help:"Ask the registries what the tags stand for today, of services that are locked already, too."`
}

func (*lockCmd) Examples() []example {
	return []example{
		{"minibot lock", "write minibot.lock: from now on the images of today are used, whatever becomes of their tags"},
		{"minibot lock postgres", "for one service alone"},
		{"minibot lock --update postgres", "take it for one service; minibot plan shows what that changes"},
	}
}

// locked is what becomes of the image of one service.
type locked struct {
	Service string `json:"service"`
	pin.Pin
	// Was is the digest before, if it was another one, and Source where the new one is from.
	Was    string `json:"was,omitempty"`
	Source string `json:"source,omitempty"`
	// LeftOut says why there is no digest.
	LeftOut string `json:"left_out,omitempty"`
}

// The sources of digests.
const (
	fromMachine  = "the engine's machine"
	fromRegistry = "the registry"
)

// Run locks the images of services. It writes the lock if it knows all digests that it was asked for, or nothing.
func (c *lockCmd) Run(ctx context.Context, a *app) error {
	stack, lock, err := a.specAndLock()
	if err != nil {
		return err
	}
	services, err := servicesNamed(stack, c.Services)
	if err != nil {
		return err
	}
	endpoint, err := a.endpoint()
	if err != nil {
		return err
	}
	e, err := engine.Connect(ctx, endpoint)
	if err != nil {
		return err
	}
	defer e.Close()
	results, err := c.digests(ctx, e, services, lock)
	if err != nil {
		return err
	}
	var gone []string
	for _, name := range sortedKeys(lock) {
		if stack.Service(name) == nil {
			gone = append(gone, name)
			delete(lock, name)
		}
	}
	for _, one := range results {
		if delete(lock, one.Service); one.Digest != "" {
			lock[one.Service] = one.Pin
		}
	}
	changed, err := a.writeLock(lock)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.json(map[string]any{"format_version": "1", "file": pin.FileOf(a.File), "changed": changed, "services": results, "removed": append([]string{}, gone...)})
	}
	return a.viewLocked(results, gone, changed)
}

// specAndLock reads both as they are, even if they do not fit together.
func (a *app) specAndLock() (*spec.Stack, pin.Lock, error) {
	stack, diags, err := a.parse()
	if err == nil {
		err = a.diagnostics(diags)
	}
	if err != nil {
		return nil, nil, err
	}
	lock, err := a.readLock()
	return stack, lock, err
}

// servicesNamed are the services of some names, or all.
func servicesNamed(stack *spec.Stack, names []string) ([]*spec.Service, error) {
	if len(names) == 0 {
		return stack.Services, nil
	}
	var services []*spec.Service
	for _, name := range names {
		service := stack.Service(name)
		if service == nil {
			var all []string
			for _, one := range stack.Services {
				all = append(all, one.Name)
			}
			return nil, fmt.Errorf("the spec has no service %q. It has: %s", name, strings.Join(all, ", "))
		}
		if !slices.Contains(services, service) {
			services = append(services, service)
		}
	}
	return services, nil
}

// digests finds the digest of each service. The error joins all that could not be found out.
func (c *lockCmd) digests(ctx context.Context, e *engine.Engine, services []*spec.Service, lock pin.Lock) ([]locked, error) {
	results, failed := make([]locked, len(services)), make([]error, len(services))
	perService(services, func(i int, service *spec.Service) {
		results[i], failed[i] = c.digest(ctx, e, service, lock[service.Name])
		if failed[i] != nil {
			failed[i] = fmt.Errorf("%s, %s: %w", service.Name, service.Image, failed[i])
		}
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err := errors.Join(failed...); err != nil {
		return nil, fmt.Errorf("nothing was locked: the digest of an image is not known.\n%w", err)
	}
	return results, nil
}

// digest finds that of one service: what the lock has, what its tag stands for on the engine's machine, or in the registry.
func (c *lockCmd) digest(ctx context.Context, e *engine.Engine, service *spec.Service, have pin.Pin) (one locked, err error) {
	one = locked{Service: service.Name, Pin: pin.Pin{Image: service.Image}}
	if strings.Contains(service.Image, "@") {
		one.LeftOut = "the spec has its digest"
		return one, nil
	}
	known := have.Image == service.Image && have.Digest != ""
	if known && !c.Update {
		one.Digest = have.Digest
		return one, nil
	}
	here := false
	if !c.Update {
		one.Source = fromMachine
		if one.Digest, here, err = e.LocalDigest(ctx, service.Image); err != nil {
			return one, err
		}
	}
	switch {
	case one.Digest != "":
	case here:
		one.Source, one.LeftOut = "", "the image on the engine's machine is from no registry"
		return one, nil
	default:
		one.Source = fromRegistry
		if one.Digest, err = e.RegistryDigest(ctx, service.Image); err != nil {
			return one, err
		}
	}
	if have.Digest != one.Digest {
		one.Was = have.Digest
	}
	return one, nil
}

// writeLock writes the lock, unless the file says the same already. An empty one needs no file.
func (a *app) writeLock(lock pin.Lock) (changed bool, err error) {
	file := pin.FileOf(a.File)
	text, err := lock.Text(a.File)
	if err != nil {
		return false, err
	}
	have, err := os.ReadFile(file)
	if err == nil && bytes.Equal(have, text) || err != nil && len(lock) == 0 {
		return false, nil
	}
	if err := writeFile(file, text); err != nil {
		return false, fmt.Errorf("write %s: %w", file, err)
	}
	return true, nil
}

// viewLocked tells a person what is locked now.
func (a *app) viewLocked(results []locked, gone []string, changed bool) error {
	var out strings.Builder
	rows := table{{"service", "image", "digest"}}
	n := 0
	for _, one := range results {
		words := one.Digest
		switch {
		case one.LeftOut != "":
			words = "not locked: " + one.LeftOut
		case one.Was != "":
			words += ", from " + one.Source + "; it was " + one.Was
		case one.Source != "":
			words += ", from " + one.Source
		}
		if one.Digest != "" {
			n++
		}
		rows = append(rows, []string{one.Service, one.Image, words})
	}
	rows.write(&out, a.width, func(_, _ int, text string) string { return text })
	if _, err := io.WriteString(a.stdout, out.String()); err != nil {
		return err
	}
	file := pin.FileOf(a.File)
	for _, name := range gone {
		a.say("Took %s out of %s: it is no service of %s.", name, file, a.File)
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		a.say("There is nothing to lock, and so no %s.", file)
		return nil
	}
	if !changed {
		a.say("%s is as it was: %s of %d locked.", file, count(n, "image"), len(results))
		return nil
	}
	a.say("Wrote %s: %s of %d locked. Check it in. What it changes: minibot plan", file, count(n, "image"), len(results))
	return nil
}
