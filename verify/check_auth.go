package verify

import (
	"context"
	"slices"

	"minibot/internal/probe"
)

var authChecks = []Check{
	{
		ID: "auth.pg.required", Severity: Critical, Must: true,
		Claim:   "PostgreSQL asks every user for a password.",
		Why:     "With trust in pg_hba.conf anybody who reaches the port is a superuser.",
		How:     "Start-up messages without a password, as several users and for several databases and for replication; the server's first answer tells. No login fails by it; where PostgreSQL has no rule for replication, it notes that in its log.",
		Applies: `services with auth "postgres" and a TCP bind, where the engine is on this machine, or behind ssh`, Attribute: "auth",
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
		Applies: `services with auth "postgres" and a TCP bind, where the engine is on this machine, or behind ssh`, Attribute: "auth",
		Remedy: "Set password_encryption to scram-sha-256, set the passwords anew (minibot secret rotate NAME), and write scram-sha-256 for md5 and password in pg_hba.conf.",
		run:    perDoor("postgres", theDoors, scram),
	},
	{
		ID: "auth.pg.accepts-spec", Severity: High, Must: true,
		Claim:   "PostgreSQL accepts the password of the spec.",
		Why:     "A data volume keeps the password of its first start, so that the one in the store may be worth nothing.",
		How:     "One login with the password of the spec, at the published port, and only if it is this stack's container that answers there and it has just turned a stranger away.",
		Applies: `services with auth "postgres" and a TCP bind, where the engine is on this machine, or behind ssh`, Attribute: "auth",
		Remedy: "The data volume keeps the password of its first start: set it (ALTER ROLE … PASSWORD), or put the old one into the secret store.",
		run:    accepts("postgres"),
	},
	{
		ID: "auth.pg.local-trust", Severity: Medium,
		Claim:   "PostgreSQL trusts nobody, inside its own container neither.",
		Why:     "The image lets everybody in who comes from the container itself, so that a shell in it, or a container that shares its network, needs no password.",
		How:     "After the login with the spec's password the server is asked for the rules that it goes by (pg_hba_file_rules). Rules for its own socket and for loopback are less bad than others.",
		Applies: `services with auth "postgres" that have accepted the spec's password`, Attribute: "auth",
		Remedy: "Set POSTGRES_INITDB_ARGS = \"--auth-local=scram-sha-256 --auth-host=scram-sha-256\" before the first start; in data that is there already, write scram-sha-256 for trust in pg_hba.conf and reload.",
		run:    perDoor("postgres", theDoors|theEngine, localTrust),
	},
	{
		ID: "auth.redis.required", Severity: Critical, Must: true,
		Claim:   "Redis answers nobody without the password.",
		Why:     "An open Redis gives its data away, and lets strangers write files.",
		How:     "PING without a password at the published port. Anything but a refusal fails, the refusal by protected mode included.",
		Applies: `services with auth "redis" and a TCP bind, where the engine is on this machine, or behind ssh`, Attribute: "auth",
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
		Applies: `services with auth "redis" and a TCP bind, where the engine is on this machine, or behind ssh`, Attribute: "auth",
		Remedy: "The password has changed since the container was made: run minibot apply.",
		run:    accepts("redis"),
	},
	{
		ID: "auth.mongo.required", Severity: Critical, Must: true,
		Claim:   "MongoDB answers nobody without the password.",
		Why:     "An open MongoDB gives its data away; such servers are found and emptied within hours.",
		How:     "A listDatabases command without a login at the published port; only error 13 is a refusal.",
		Applies: `services with auth "mongo" and a TCP bind, where the engine is on this machine, or behind ssh`, Attribute: "auth",
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
		Applies: `services with auth "mongo" and a TCP bind, where the engine is on this machine, or behind ssh`, Attribute: "auth",
		Remedy: "The data volume keeps the users of its first start: create or update the user there, or put the old password into the secret store.",
		run:    accepts("mongo"),
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
	return perDoor(kind, theDoors, func(ctx context.Context, s Subject, p pair, door Door) Result {
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
