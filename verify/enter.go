package verify

import (
	"context"
	"errors"
	"strings"

	"minibot/internal/probe"
	"minibot/internal/secret"
)

// accepts makes a check that the password of the spec opens the door. The secret leaves
// minibot only for a running container of the service, and only when that has just turned
// a stranger away; and only once, since services count wrong passwords.
func accepts(kind string) func(context.Context, Subject) []Result {
	return perDoor(kind, theDoors|theEngine, func(ctx context.Context, s Subject, p pair, door Door) Result {
		return s.enter(ctx, p, door)
	})
}

// enter tries the password of the spec at a door, once in each report.
func (s Subject) enter(ctx context.Context, p pair, door Door) Result {
	return s.entries.get(door, func() Result {
		if why := s.elsewhere(p, door); why != "" {
			return skip("not tried: %s, so somebody else may answer at %s", why, door.Addr)
		}
		switch heard := s.ask(ctx, door); {
		case heard.err != nil:
			return unlearned("not tried: ", door, heard.err)
		case verdict(door, heard).Status == Pass: // it asks
		default:
			return fail("it asks for no password, so that any is as good as that of the spec").remedy("Make it ask for one first.")
		}
		password, why := s.password(ctx, p)
		if why.Status != "" {
			return why
		}
		return s.login(ctx, p, door, password)
	})
}

// entered reports whether the password of the spec was accepted at a door; else the result says why there is nothing
// to look at.
func (s Subject) entered(ctx context.Context, p pair, door Door) (bool, Result) {
	see := "auth." + strings.Replace(door.Kind, "postgres", "pg", 1) + ".accepts-spec"
	switch before := s.enter(ctx, p, door); before.Status {
	case Pass:
		return true, Result{}
	case Error:
		return false, unknown("not looked at: %s", before.Evidence).remedy("See %s.", see)
	}
	return false, skip("not looked at: see %s", see)
}

// password is what the spec says that opens the service's door. If it cannot be read, the result says why.
func (s Subject) password(ctx context.Context, p pair) (secret.Value, Result) {
	name := p.spec.Auth.Password.Secrets()[0]
	password, err := s.secret(ctx, name)
	if err != nil {
		return secret.Value{}, unknown("not tried: %v", err).remedy("Unlock the store, or set the secret: minibot secret set %s", name)
	}
	return password, Result{}
}

// login sends a password, and says what came of it.
func (s Subject) login(ctx context.Context, p pair, door Door, password secret.Value) Result {
	answer, err := s.Prober.Login(ctx, door, password)
	switch {
	case errors.Is(err, probe.ErrClearText):
		return skip("not tried: %v", probe.ErrClearText)
	case err != nil:
		return unlearned("", door, err)
	case answer.State == probe.Accepts:
		return pass("%s", answer.Detail)
	case answer.State == probe.Rejects:
		return fail("secret %s: %s", p.spec.Auth.Password.Secrets()[0], answer.Detail)
	}
	return unknown("the server did not ask for the password: %s", answer.Detail)
}

// unlearned is the result of a probe that brought an error.
func unlearned(prefix string, door Door, err error) Result {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), door.Kind), " login")
	return unknown("%s%s", prefix, strings.TrimPrefix(text, ": ")).remedy("%s", hint(err))
}

// secret reads the value of a secret.
func (s Subject) secret(ctx context.Context, name string) (secret.Value, error) {
	if s.Secret == nil {
		return secret.Value{}, errors.New("there is no store of secrets")
	}
	return s.Secret(ctx, name)
}

// hint says what to do about a probe that learned nothing.
func hint(err error) string {
	switch {
	case errors.Is(err, probe.ErrStarting):
		return "Verify again in a moment."
	case errors.Is(err, probe.ErrBusy):
		return "Close connections to it, then verify again."
	case errors.Is(err, probe.ErrRateLimited):
		return "Find out who guesses passwords from this machine; the lock opens after five minutes."
	case errors.Is(err, probe.ErrUnknownReply):
		return "See what listens on the port: it does not speak as this service does."
	case errors.Is(err, probe.ErrNoSecret):
		return "Set the secret: minibot secret set NAME."
	}
	return "See that the service runs and publishes its port."
}
