package rotate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"minibot/internal/secret"
)

// Login is somebody whom a service lets in by the secret. An Account is one.
type Login interface {
	// String is the service's name; every error begins with it.
	String() string
	// Live reports whether the service can change the password while it runs. Others read it
	// from a file at their start.
	Live() bool
	// Accepts reports whether the service takes the password. Where that could not be learned
	// it is an error.
	Accepts(ctx context.Context, password secret.Value) (bool, error)
	// Change replaces the password of a Live service.
	Change(ctx context.Context, old, new secret.Value) error
}

// String is the service's name.
func (a Account) String() string { return a.Service }

// Job is the rotation of one secret: it keeps the old and the new value in the store,
// changes the services, proves the change, stores the new value, has the containers made
// anew, and only then forgets the old one. So the password in force is at every instant one
// that the store holds.
type Job struct {
	Name   string
	Store  secret.Store
	Logins []Login
	// Propose returns the new value. It is called only when a rotation begins.
	Propose func(ctx context.Context) (secret.Value, error)
	// Given returns the values that running containers hold, in case the store's was changed
	// and the services were not told.
	Given func(ctx context.Context) ([]secret.Value, error)
	// Renew makes every container anew that holds another value than the store, and returns
	// when they work.
	Renew func(ctx context.Context) error
	// Tell hears what has been done, in words for people.
	Tell func(text string)
}

// ErrNothingChanged says that a rotation failed before it changed anything, and is forgotten.
var ErrNothingChanged = errors.New("nothing was changed")

// UnfinishedError says that a rotation stopped on its way. Both values are in the store.
type UnfinishedError struct {
	Name string
	Err  error
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("the rotation of %s is not finished: %v", e.Name, e.Err)
}

// Unwrap returns Err.
func (e *UnfinishedError) Unwrap() error { return e.Err }

// patience bounds what is done after an interrupt or a failure, to find out how things stand.
const patience = 10 * time.Second

// Run rotates the secret, or goes on with a rotation that was begun. Errors: of the store
// (see secret.Store), ErrNothingChanged, *UnfinishedError.
func (j Job) Run(ctx context.Context) error {
	r, err := secret.FindRotation(ctx, j.Store, j.Name)
	switch {
	case err == nil:
		j.Tell("going on with a rotation that was interrupted")
		err = j.revive(ctx, r)
	case errors.Is(err, secret.ErrNotFound):
		if r, err = j.begin(ctx); err != nil {
			return err
		}
	default:
		return err
	}
	if err == nil {
		err = j.finish(ctx, r)
	}
	if err != nil && !errors.Is(err, ErrNothingChanged) {
		return &UnfinishedError{j.Name, err}
	}
	return err
}

// revive brings back services that do not answer: a rotation may have been stopped between
// a container and its successor.
func (j Job) revive(ctx context.Context, r secret.Rotation) error {
	if _, err := j.refuses(ctx, r.New); err == nil {
		return nil
	}
	return j.Renew(ctx)
}

// begin finds the value in force, decides on the new one, and keeps both.
func (j Job) begin(ctx context.Context) (secret.Rotation, error) {
	current, err := j.Store.Get(ctx, j.Name)
	if err != nil {
		return secret.Rotation{}, err
	}
	force, err := j.inForce(ctx, current)
	if err != nil {
		return secret.Rotation{}, fmt.Errorf("%w; %w", err, ErrNothingChanged)
	}
	r := secret.Rotation{Old: force, New: current}
	if force.Equal(current) {
		if r.New, err = j.Propose(ctx); err != nil {
			return secret.Rotation{}, err
		}
		if r.New.Equal(current) {
			return secret.Rotation{}, fmt.Errorf("%s has that value already; %w", j.Name, ErrNothingChanged)
		}
	} else {
		j.Tell("the services have an older value than the store, and take over the store's")
	}
	err = secret.BeginRotation(ctx, j.Store, j.Name, r)
	if errors.Is(err, secret.ErrReadOnly) && r.New.Equal(current) {
		return r, nil // the new value is safe already, and the old one in the containers
	}
	if err != nil {
		return secret.Rotation{}, fmt.Errorf("%w; %w", err, ErrNothingChanged)
	}
	j.Tell("kept the old and the new value in the store")
	return r, nil
}

// inForce is the value that all services accept: the store's, or one that the containers
// were given before the store's was changed.
func (j Job) inForce(ctx context.Context, current secret.Value) (secret.Value, error) {
	refused, err := j.refuses(ctx, current)
	if err != nil || refused == nil {
		return current, err
	}
	given, err := j.Given(ctx)
	if err != nil {
		return secret.Value{}, err
	}
	for _, value := range given {
		if value.Equal(current) {
			continue
		}
		if by, err := j.refuses(ctx, value); err != nil || by == nil {
			return value, err
		}
	}
	return secret.Value{}, fmt.Errorf("%s accepts neither the value of %s in the store nor the one that its container was given", refused, j.Name)
}

// refuses returns the first service that refuses a password; nil if all accept it.
func (j Job) refuses(ctx context.Context, password secret.Value) (Login, error) {
	for _, login := range j.Logins {
		accepted, err := login.Accepts(ctx, password)
		if err != nil {
			return nil, err
		}
		if !accepted {
			return login, nil
		}
	}
	return nil, nil
}

// finish brings everything to the new value, whatever of it has been done before.
func (j Job) finish(ctx context.Context, r secret.Rotation) error {
	current, err := j.Store.Get(ctx, j.Name)
	if err != nil {
		return err
	}
	if err := j.change(ctx, r); err != nil {
		return j.forget(ctx, r, err)
	}
	if !current.Equal(r.New) {
		if err := j.Store.Set(ctx, j.Name, r.New); err != nil {
			return err
		}
		j.Tell("stored the new value")
	}
	if err := j.Renew(ctx); err != nil {
		return err
	}
	for _, login := range j.Logins {
		if err := j.prove(ctx, login, r); err != nil {
			return err
		}
	}
	err = secret.EndRotation(ctx, j.Store, j.Name)
	if errors.Is(err, secret.ErrReadOnly) {
		return nil // then none was kept
	}
	return err
}

// change has the services that can take over the new value while they run.
func (j Job) change(ctx context.Context, r secret.Rotation) error {
	for _, login := range j.Logins {
		if !login.Live() {
			continue
		}
		accepted, err := login.Accepts(ctx, r.New)
		if err != nil {
			return err
		}
		if !accepted {
			if err := login.Change(ctx, r.Old, r.New); err != nil {
				return err
			}
			j.Tell(login.String() + " has the new password")
		}
		if err := j.prove(ctx, login, r); err != nil {
			return err
		}
	}
	return nil
}

// prove makes sure that a service takes the new value and refuses the old one.
func (j Job) prove(ctx context.Context, login Login, r secret.Rotation) error {
	accepted, err := login.Accepts(ctx, r.New)
	if err != nil {
		return err
	}
	if !accepted {
		return fmt.Errorf("%s refuses the new password", login)
	}
	accepted, err = login.Accepts(ctx, r.Old)
	if err != nil {
		return err
	}
	if accepted {
		return fmt.Errorf("%s still accepts the old password", login)
	}
	j.Tell(login.String() + " accepts the new password and refuses the old one")
	return nil
}

// forget ends a rotation that failed before any service took the new value over. If that
// cannot be made sure of, both values stay in the store.
func (j Job) forget(ctx context.Context, r secret.Rotation, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if by, err := j.refuses(ctx, r.Old); err != nil || by != nil {
		return cause
	}
	if err := secret.EndRotation(ctx, j.Store, j.Name); err != nil && !errors.Is(err, secret.ErrReadOnly) {
		return errors.Join(cause, err)
	}
	return fmt.Errorf("%w; %w", cause, ErrNothingChanged)
}
