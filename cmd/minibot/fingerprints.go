package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"minibot/internal/plan"
	"minibot/internal/secret"
)

// compareSecrets finds the containers that were given a value which is no longer the
// store's, and the rotations that were begun and not ended. An error says why that could
// not be learned in full; what was learned counts all the same.
func compareSecrets(ctx context.Context, loaded *loaded, live *plan.Live) error {
	if len(loaded.stack.Secrets) == 0 {
		return nil
	}
	given := slices.ContainsFunc(live.Containers, func(c plan.Container) bool { return c.Project == loaded.stack.Name && len(c.Secrets) > 0 })
	store, err := loaded.store()
	if err == nil {
		live.Store.Rotating, err = secret.Rotations(ctx, store, secretNames(loaded.stack))
	}
	if err != nil || !given {
		if !given {
			return nil // nobody has anything: apply says what is wrong, should it need the store
		}
		return err
	}
	key, err := secret.LoadKey(ctx, store, false)
	if errors.Is(err, secret.ErrNotFound) {
		return errors.New("the key of their fingerprints is not in the store")
	}
	if err != nil {
		return err
	}
	var unknown []error
	for i := range live.Containers {
		container := &live.Containers[i]
		if container.Project != loaded.stack.Name {
			continue
		}
		for _, name := range sortedKeys(container.Secrets) {
			switch state, err := compareSecret(ctx, loaded, store, key, *container, name); {
			case err != nil:
				unknown = append(unknown, err)
			case state == secret.Changed:
				container.Changed = append(container.Changed, name)
			case state == secret.Unknown:
				unknown = append(unknown, fmt.Errorf("%s was given its secrets under another key", container.Name))
			}
		}
	}
	if len(unknown) > 0 {
		return unknown[0] // one of them tells enough
	}
	return nil
}

// compareSecret says what the fingerprint of one secret means today. One that the spec no
// longer has is none of the store's business.
func compareSecret(ctx context.Context, loaded *loaded, store secret.Store, key secret.Key, container plan.Container, name string) (secret.State, error) {
	if loaded.stack.Secret(name) == nil {
		return secret.Current, nil
	}
	value, err := store.Get(ctx, name)
	if err != nil {
		return secret.Unknown, err
	}
	return key.CompareDelivered(container.Secrets[name][0], loaded.stack.Name, container.Service, name, value), nil
}

// masker hides all values of the stack's secrets, and those of begun rotations, in text that
// services wrote.
func (l *loaded) masker(ctx context.Context) (secret.Masker, error) {
	var values []secret.Value
	for _, name := range secretNames(l.stack) {
		store, err := l.store()
		if err != nil {
			return secret.Masker{}, err
		}
		value, err := store.Get(ctx, name)
		if err == nil {
			values = append(values, value)
		} else if !errors.Is(err, secret.ErrNotFound) {
			return secret.Masker{}, err
		}
		rotation, err := secret.FindRotation(ctx, store, name)
		if err == nil {
			values = append(values, rotation.Old, rotation.New)
		} else if !errors.Is(err, secret.ErrNotFound) {
			return secret.Masker{}, err
		}
	}
	return secret.NewMasker(values...), nil
}
