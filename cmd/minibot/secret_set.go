package main

import (
	"context"
	"errors"
	"fmt"

	"minibot/internal/secret"
)

type secretSetCmd struct {
	Name string `arg:"" help:"The secret's name in the spec." complete:"secret"`
	Yes  bool   `short:"y" help:"Do not ask before another value is replaced."`
}

func (*secretSetCmd) Examples() []example {
	return []example{
		{"minibot secret set API_KEY", "asks; nothing is shown"},
		{"op read op://private/api/key | minibot secret set API_KEY", "from another program"},
	}
}

// Run stores a value that a person types or pipes in. Another value is replaced only if a
// person, or -y, says so; the same value is not written again.
func (c *secretSetCmd) Run(ctx context.Context, a *app) error {
	stack, store, err := a.named(c.Name)
	if err != nil {
		return err
	}
	if err := secret.CheckWritable(store, c.Name); err != nil {
		return err // before anybody types for nothing
	}
	if err := secret.NotRotating(ctx, store, c.Name); err != nil {
		return err
	}
	value, err := secret.Read(ctx, a.stdin, a.stderr, c.Name, true)
	if err != nil {
		return err
	}
	before, err := secret.Holds(ctx, store, c.Name, value)
	if err != nil {
		return err
	}
	if before == secret.Same {
		a.say("Unchanged: %s has this value already (%s).", c.Name, a.where(stack))
		return nil
	}
	if before == secret.Other && !c.Yes {
		a.say("%s has another value already (%s).\n%s", c.Name, a.where(stack), keepsOld(c.Name))
		err := a.confirm(ctx, "Replace it in the store alone?")
		if errors.Is(err, errNobody) {
			return fmt.Errorf("%s was not changed: %w", c.Name, err)
		}
		if err != nil {
			return err
		}
	}
	if err := store.Set(ctx, c.Name, value); err != nil {
		return err
	}
	if before == secret.Other {
		a.say("Replaced %s (%s).", c.Name, a.where(stack))
		if c.Yes {
			a.say("%s", keepsOld(c.Name))
		}
		return nil
	}
	a.say("Set %s (%s).", c.Name, a.where(stack))
	return nil
}

// keepsOld says what a new value in the store does not do.
func keepsOld(names ...string) string {
	if len(names) == 1 {
		return fmt.Sprintf("Containers and data made with the old value keep it;\n`minibot secret rotate %s` changes it everywhere.", names[0])
	}
	return "Containers and data made with the old values keep them;\n`minibot secret rotate NAME` changes one everywhere."
}
