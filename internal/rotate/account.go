// Package rotate replaces a secret that services in use have for a password. An [Account] changes it in one service that
// runs: ALTER ROLE in PostgreSQL, ACL SETUSER in Redis, updateUser in MongoDB. A [Job] does that for all who share the
// secret, such that the password in force is at every instant one that the store holds.
//
// It may not choose a value or know a container or a stack: its caller proposes the one and renews the other. It asks by
// package probe, and changes by the session of the very login that proved the old password right, never in a
// service that lets strangers in. No secret, and no text that a server sent after it had seen one, stands in an error.
package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"minibot/internal/probe"
	"minibot/internal/secret"
)

// Timeout bounds each call, however long its context would let it run.
const Timeout = 10 * time.Second

// ErrRefused means the service does not let the account in with the old password. Nothing was changed.
var ErrRefused = errors.New("the service refuses the old password")

// Account is a login of a running service whose password is a secret.
type Account struct {
	// Service is the name of the service in the spec; errors begin with it.
	Service string
	// Kind is that of the spec's auth block: postgres, redis, mongo or openclaw.
	Kind string
	// Addr is host:port.
	Addr string
	// User is empty where the protocol needs none. For redis that means the default user, whose password is
	// requirepass.
	User string
	// Database is postgres' alone.
	Database string
}

// Live reports whether this kind of service can change its password while it runs. OpenClaw and others take theirs from
// a file when they start.
func (a Account) Live() bool { return doors[a.Kind].change != nil }

// Accepts reports whether the service lets the account in with the password (true) or refuses it (false). It first asks
// as a stranger and then tries the password at most once, since services count wrong ones.
//
// Anything else is an error, never false: a service that is not reachable, starting ([probe.ErrStarting]), full
// ([probe.ErrBusy]), has locked this address out ([probe.ErrRateLimited]), or lets strangers in.
func (a Account) Accepts(ctx context.Context, password secret.Value) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	accepted, err := a.accepts(ctx, password)
	if err != nil {
		return false, fmt.Errorf("%s: %w", a.Service, err)
	}
	return accepted, nil
}

func (a Account) accepts(ctx context.Context, password secret.Value) (bool, error) {
	if password.IsZero() {
		return false, probe.ErrNoSecret
	}
	if err := a.asks(ctx); err != nil {
		return false, err
	}
	return judge(doors[a.Kind].login(ctx, a, password))
}

// Change replaces the password in the running service. Sessions that are open go on. It lasts as long as the service's
// data does; Redis has it in memory alone, and reads its file again when it starts.
//
// [ErrRefused] means the old password is not accepted and nothing was changed. After any other error either of the two
// may be in force, since the answer to the change can be lost: ask [Account.Accepts], and call again if it is the old.
func (a Account) Change(ctx context.Context, old, new secret.Value) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	if err := a.change(ctx, old, new); err != nil {
		return fmt.Errorf("%s: %w", a.Service, err)
	}
	return nil
}

func (a Account) change(ctx context.Context, old, new secret.Value) error {
	switch {
	case old.IsZero(), new.IsZero():
		return probe.ErrNoSecret
	case old.Equal(new):
		return errors.New("the new password is the old one")
	}
	if door, known := doors[a.Kind]; known && door.change == nil {
		return fmt.Errorf("%s takes its password when it starts, and cannot change it while it runs", a.Kind)
	}
	if err := a.asks(ctx); err != nil {
		return err
	}
	accepted, err := judge(doors[a.Kind].change(ctx, a, old, new))
	if err == nil && !accepted {
		return ErrRefused
	}
	return err
}

// door is how one kind of service is asked.
type door struct {
	stranger func(context.Context, Account) (probe.Answer, error)
	login    func(context.Context, Account, secret.Value) (probe.Answer, error)
	// change logs in with the old password and, if that is accepted, sets the new one; its answer is that to the
	// login. nil: the service cannot.
	change func(ctx context.Context, a Account, old, new secret.Value) (probe.Answer, error)
	// weak says that a server which keeps strangers out by weak means does ask for a password.
	weak bool
}

var doors = map[string]door{
	"postgres": {
		stranger: func(ctx context.Context, a Account) (probe.Answer, error) {
			return probe.Postgres(ctx, a.Addr, a.User, a.Database)
		},
		login: func(ctx context.Context, a Account, password secret.Value) (probe.Answer, error) {
			return probe.PostgresLogin(ctx, a.Addr, a.User, a.Database, password)
		},
		change: changePostgres,
		weak:   true, // MD5; to a server that wants it in clear text the login does not tell it
	},
	"redis": {
		stranger: func(ctx context.Context, a Account) (probe.Answer, error) { return probe.Redis(ctx, a.Addr) },
		login: func(ctx context.Context, a Account, password secret.Value) (probe.Answer, error) {
			return probe.RedisLogin(ctx, a.Addr, a.User, password)
		},
		change: changeRedis,
	},
	"mongo": {
		stranger: func(ctx context.Context, a Account) (probe.Answer, error) { return probe.Mongo(ctx, a.Addr) },
		login: func(ctx context.Context, a Account, password secret.Value) (probe.Answer, error) {
			return probe.MongoLogin(ctx, a.Addr, a.User, password)
		},
		change: changeMongo,
	},
	"openclaw": {
		stranger: func(ctx context.Context, a Account) (probe.Answer, error) { return probe.OpenClaw(ctx, a.Addr) },
		login: func(ctx context.Context, a Account, password secret.Value) (probe.Answer, error) {
			return probe.OpenClawLogin(ctx, a.Addr, password)
		},
	},
}

// asks returns an error unless the service asks a stranger for the password: one that does not would take any.
func (a Account) asks(ctx context.Context) error {
	door, known := doors[a.Kind]
	if !known {
		return fmt.Errorf("%q is no kind of service that has a password", a.Kind)
	}
	answer, err := door.stranger(ctx, a)
	switch {
	case err != nil:
		return err
	case answer.State == probe.Refuses, answer.State == probe.Weak && door.weak:
		return nil
	}
	return fmt.Errorf("it does not ask for a password: %s", answer.Detail)
}

// judge makes a yes or a no of the answer to a login.
func judge(answer probe.Answer, err error) (bool, error) {
	switch {
	case err != nil:
		return false, err
	case slices.Contains([]probe.State{probe.Accepts, probe.Rejects}, answer.State):
		return answer.State == probe.Accepts, nil
	}
	return false, fmt.Errorf("it does not ask for the password: %s", answer.Detail)
}
