package verify

import (
	"context"
	"errors"
	"slices"
	"strings"

	"minibot/internal/probe"
	"minibot/internal/secret"
)

var authChecks = []Check{
	{
		ID: "auth.pg.required", Severity: Critical, Must: true,
		Claim:   "PostgreSQL asks every user for a password.",
		Why:     "With trust in pg_hba.conf anybody who reaches the port is a superuser.",
		How:     "Start-up messages without a password, as several users and for several databases and for replication; the server's first answer tells. No login fails by it.",
		Applies: `services with auth "postgres" and a TCP bind, where the engine is on this machine`, Attribute: "auth",
		Remedy: "Take POSTGRES_HOST_AUTH_METHOD=trust out of the spec, and the trust lines out of pg_hba.conf in the data volume.",
		run:    required("postgres"),
	},
	{
		ID: "auth.pg.required.peer", Severity: Critical,
		Claim:   "PostgreSQL asks every user for a password at the door that its neighbours use, too.",
		Why:     "A rule of pg_hba.conf for the container network alone (samenet, trust) opens the database to every container beside it, and nobody else sees that.",
		How:     fromBeside + " Start-up messages without a password, as several users and for several databases and for replication.",
		Applies: `services with auth "postgres" and a TCP bind, that share a network with another service`, Attribute: "auth",
		Remedy: "Take the trust lines out of pg_hba.conf in the data volume.",
		needs:  theEngine, run: requiredBeside("postgres"),
	},
	{
		ID: "auth.pg.scram", Severity: Medium,
		Claim:   "PostgreSQL asks for the password by SCRAM, not by MD5 or in clear text.",
		Why:     "MD5 passwords are guessed fast, and a password in clear text is read by whoever stands in the server's place.",
		How:     "The same answers to strangers as auth.pg.required.",
		Applies: `services with auth "postgres" and a TCP bind, where the engine is on this machine`, Attribute: "auth",
		Remedy: "Set password_encryption to scram-sha-256, set the passwords anew (minibot secret rotate NAME), and write scram-sha-256 for md5 and password in pg_hba.conf.",
		run:    perDoor("postgres", thisMachine, scram),
	},
	{
		ID: "auth.pg.accepts-spec", Severity: High, Must: true,
		Claim:   "PostgreSQL accepts the password of the spec.",
		Why:     "A data volume keeps the password of its first start, so that the one in the store may be worth nothing.",
		How:     "One login with the password of the spec, at the published port, and only if it is this stack's container that answers there and it has just turned a stranger away.",
		Applies: `services with auth "postgres" and a TCP bind, where the engine is on this machine`, Attribute: "auth",
		Remedy: "The data volume keeps the password of its first start: set it (ALTER ROLE … PASSWORD), or put the old one into the secret store.",
		run:    accepts("postgres"),
	},
	{
		ID: "auth.redis.required", Severity: Critical, Must: true,
		Claim:   "Redis answers nobody without the password.",
		Why:     "An open Redis gives its data away, and lets strangers write files.",
		How:     "PING without a password at the published port. Anything but a refusal fails, the refusal by protected mode included.",
		Applies: `services with auth "redis" and a TCP bind, where the engine is on this machine`, Attribute: "auth",
		Remedy: "Set requirepass by a file block, as minibot.hcl.example does, and run minibot apply.",
		run:    required("redis"),
	},
	{
		ID: "auth.redis.required.peer", Severity: Critical,
		Claim:   "Redis answers no neighbour without the password.",
		Why:     "An open Redis gives its data to every container beside it.",
		How:     fromBeside + " PING without a password.",
		Applies: `services with auth "redis" and a TCP bind, that share a network with another service`, Attribute: "auth",
		Remedy: "Set requirepass by a file block, as minibot.hcl.example does, and run minibot apply.",
		needs:  theEngine, run: requiredBeside("redis"),
	},
	{
		ID: "auth.redis.accepts-spec", Severity: High, Must: true,
		Claim:   "Redis accepts the password of the spec.",
		Why:     "A password that changed in the store is worth nothing until the container is made anew.",
		How:     "One login with the password of the spec, at the published port, and only if it is this stack's container that answers there and it has just turned a stranger away.",
		Applies: `services with auth "redis" and a TCP bind, where the engine is on this machine`, Attribute: "auth",
		Remedy: "The password has changed since the container was made: run minibot apply.",
		run:    accepts("redis"),
	},
	{
		ID: "auth.mongo.required", Severity: Critical, Must: true,
		Claim:   "MongoDB answers nobody without the password.",
		Why:     "An open MongoDB gives its data away; such servers are found and emptied within hours.",
		How:     "A listDatabases command without a login at the published port; only error 13 is a refusal.",
		Applies: `services with auth "mongo" and a TCP bind, where the engine is on this machine`, Attribute: "auth",
		Remedy: "Set MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD_FILE, or add --auth to its command.",
		run:    required("mongo"),
	},
	{
		ID: "auth.mongo.required.peer", Severity: Critical,
		Claim:   "MongoDB answers no neighbour without the password.",
		Why:     "An open MongoDB gives its data to every container beside it.",
		How:     fromBeside + " A listDatabases command without a login; only error 13 is a refusal.",
		Applies: `services with auth "mongo" and a TCP bind, that share a network with another service`, Attribute: "auth",
		Remedy: "Set MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD_FILE, or add --auth to its command.",
		needs:  theEngine, run: requiredBeside("mongo"),
	},
	{
		ID: "auth.mongo.accepts-spec", Severity: High, Must: true,
		Claim:   "MongoDB accepts the password of the spec.",
		Why:     "A data volume keeps the users of its first start, so that the password in the store may be worth nothing.",
		How:     "One login with the password of the spec, at the published port, and only if it is this stack's container that answers there and it has just turned a stranger away.",
		Applies: `services with auth "mongo" and a TCP bind, where the engine is on this machine`, Attribute: "auth",
		Remedy: "The data volume keeps the users of its first start: create or update the user there, or put the old password into the secret store.",
		run:    accepts("mongo"),
	},
	{
		ID: "auth.openclaw.required", Severity: Critical, Must: true,
		Claim:   "The OpenClaw gateway does nothing for one without the password.",
		Why:     "Whoever commands the gateway commands its agents, and their keys.",
		How:     "An empty POST to /tools/invoke without a password: 401 is a refusal, 400 means that it would have obeyed. It does not count against the limit of wrong passwords.",
		Applies: `services with auth "openclaw" and a TCP bind, where the engine is on this machine`, Attribute: "auth",
		Remedy: "Set gateway.auth.mode to \"password\" in its configuration and run minibot apply.",
		run:    required("openclaw"),
	},
	{
		ID: "auth.openclaw.accepts-spec", Severity: High, Must: true,
		Claim:   "The OpenClaw gateway accepts the password of the spec.",
		Why:     "A password that changed in the store is worth nothing until the container is made anew.",
		How:     "One login with the password of the spec, at the published port, and only if it is this stack's container that answers there and it has just turned a stranger away.",
		Applies: `services with auth "openclaw" and a TCP bind, where the engine is on this machine`, Attribute: "auth",
		Remedy: "The password has changed since the container was made: run minibot apply.",
		run:    accepts("openclaw"),
	},
}

// guarded lists the services whose auth block is of one kind.
func (s Subject) guarded(kind string) []pair {
	return slices.DeleteFunc(s.pairs(), func(p pair) bool { return p.spec.Auth == nil || p.spec.Auth.Kind != kind })
}

// perDoor makes a check out of one that tries the door of a guarded service.
func perDoor(kind string, what needs, try func(context.Context, Subject, pair, Door) Result) func(context.Context, Subject) []Result {
	return func(ctx context.Context, s Subject) []Result {
		return sideBySide(s.guarded(kind), func(p pair) Result {
			door, there := DoorOf(p.spec)
			blocked, result := s.lacks(what)
			switch {
			case blocked:
			case there:
				result = try(ctx, s, p, door)
			default:
				result = skip("it binds no TCP port to knock at")
			}
			return result.of(p.spec.Name, "")
		})
	}
}

// required makes a check that a stranger is turned away. It is tried even where the engine
// says that the service is not behind the door: what answers instead may be open. If nothing
// does, another check has said why.
func required(kind string) func(context.Context, Subject) []Result {
	return perDoor(kind, thisMachine, func(ctx context.Context, s Subject, p pair, door Door) Result {
		heard := s.ask(ctx, door)
		why := s.elsewhere(p, door)
		switch {
		case heard.err != nil && why != "":
			return skip("%s, and nothing answers at %s", why, door.Addr)
		case heard.err != nil:
			return unlearned("", door, heard.err)
		case heard.worst().State == probe.Refuses && why != "":
			return skip("%s, so it is not its answer that %s gives: %s", why, door.Addr, heard.worst().Detail)
		}
		return verdict(door, heard)
	})
}

// verdict says what it is worth that a stranger was told something.
func verdict(door Door, heard asked) Result {
	answer := heard.worst()
	switch {
	case answer.State == probe.Refuses, answer.State == probe.Weak && door.Kind == "postgres": // MD5 asks, too
		return pass("%s", answer.Detail)
	case answer.State == probe.Open:
		return fail("%s", answer.Detail)
	case answer.State == probe.Weak:
		return fail("%s", answer.Detail).as(High)
	}
	return unknown("the answer to a stranger was %q: %s", answer.State, answer.Detail)
}

// scram looks at how PostgreSQL asks, where it does.
func scram(ctx context.Context, s Subject, p pair, door Door) Result {
	heard := s.ask(ctx, door)
	weak := slices.IndexFunc(heard.answers, func(a probe.Answer) bool { return a.State == probe.Weak })
	switch why := s.elsewhere(p, door); {
	case why != "":
		return skip("%s", why)
	case heard.err != nil:
		return unlearned("", door, heard.err)
	case weak >= 0:
		return fail("%s", heard.answers[weak].Detail)
	case heard.worst().State != probe.Refuses:
		return skip("it lets a stranger in: see auth.pg.required")
	}
	return pass("%s", heard.worst().Detail)
}

// accepts makes a check that the password of the spec opens the door. The secret leaves
// minibot only for a running container of the service, and only when that has just turned
// a stranger away; and only once, since services count wrong passwords.
func accepts(kind string) func(context.Context, Subject) []Result {
	return perDoor(kind, thisMachine|theEngine, func(ctx context.Context, s Subject, p pair, door Door) Result {
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
		name := p.spec.Auth.Password.Secrets()[0]
		password, err := s.secret(ctx, name)
		if err != nil {
			return unknown("not tried: %v", err).remedy("Unlock the store, or set the secret: minibot secret set %s", name)
		}
		answer, err := s.Prober.Login(ctx, door, password)
		switch {
		case errors.Is(err, probe.ErrClearText):
			return skip("not tried: %v", probe.ErrClearText)
		case err != nil:
			return unlearned("", door, err)
		case answer.State == probe.Accepts:
			return pass("%s", answer.Detail)
		case answer.State == probe.Rejects:
			return fail("secret %s: %s", name, answer.Detail)
		}
		return unknown("the server did not ask for the password: %s", answer.Detail)
	})
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
