package verify

import (
	"context"

	"minibot/internal/probe"
	"minibot/internal/secret"
)

var openclawChecks = []Check{
	{
		ID: "auth.openclaw.required", Severity: Critical, Must: true,
		Claim:   "The OpenClaw gateway does nothing for one without the password.",
		Why:     "Whoever commands the gateway commands its agents, and their keys.",
		How:     "An empty POST to /tools/invoke without a password: 401 is a refusal, 400 means that it would have obeyed. It does not count against the limit of wrong passwords.",
		Applies: `services with auth "openclaw" and a TCP bind, where the engine is on this machine, or behind ssh`, Attribute: "auth",
		Remedy: "Set gateway.auth.mode to \"password\" in its configuration and run minibot apply.",
		run:    required("openclaw"),
	},
	{
		ID: "auth.openclaw.accepts-spec", Severity: High, Must: true,
		Claim:   "The OpenClaw gateway accepts the password of the spec.",
		Why:     "A password that changed in the store is worth nothing until the container is made anew.",
		How:     "One login with the password of the spec, at the published port, and only if it is this stack's container that answers there and it has just turned a stranger away.",
		Applies: `services with auth "openclaw" and a TCP bind, where the engine is on this machine, or behind ssh`, Attribute: "auth",
		Remedy: "The password has changed since the container was made: run minibot apply.",
		run:    accepts("openclaw"),
	},
	{
		ID: "auth.openclaw.ws", Severity: Critical, Must: true,
		Claim:   "The OpenClaw gateway's WebSocket opens for the password of the spec and not without.",
		Why:     "Agents are commanded over the WebSocket, which checks passwords by a way of its own.",
		How:     "One connect without credentials must get no hello-ok. Then, and only if the password was accepted over HTTP just before, one with it must. Neither has a device, which would ask to be paired. No wrong password is sent.",
		Applies: `services with auth "openclaw" and a TCP bind, where the engine is on this machine, or behind ssh`, Attribute: "auth",
		Remedy: "Set gateway.auth.mode to \"password\" in its configuration and run minibot apply.",
		run:    perDoor("openclaw", theDoors|theEngine, socketOpens),
	},
	{
		ID: "auth.openclaw.wrong-rejected", Severity: High,
		Claim:   "The OpenClaw gateway turns a wrong password away.",
		Why:     "That it refuses who has none does not say that it compares.",
		How:     "Only with --active-auth: one connect with a password made up for it, and after it one with the right one. Ten wrong ones in a minute would lock everybody on this machine out for five.",
		Applies: `services with auth "openclaw" and a TCP bind, where the engine is on this machine or behind ssh, with --active-auth`, Attribute: "auth",
		Remedy: "Set gateway.auth.mode to \"password\" in its configuration and run minibot apply.",
		run:    perDoor("openclaw", theDoors|theEngine, wrongRejected),
	},
	{
		ID: "auth.openclaw.audit", Severity: High,
		Claim:   "OpenClaw's own audit of its security finds nothing that is critical or worth a warning.",
		Why:     "It knows its settings best: what its agents may run and read, and who may talk to them.",
		How:     "Runs openclaw security audit --json in the container, which takes 10 seconds and more; leave it out with --skip auth.openclaw.audit. Each of its findings is a result with an id of its own below this one: critical counts as high, a warning as medium.",
		Applies: `running services with auth "openclaw" whose image has the program`, Attribute: "auth",
		Remedy:   "Do as the finding says, in the configuration of the gateway, and run minibot apply.",
		Findings: true, needs: theEngine, run: audit,
	},
}

// socketOpens sends the password over the WebSocket only if it was accepted before: a wrong one would count twice.
func socketOpens(ctx context.Context, s Subject, p pair, door Door) Result {
	if why := s.elsewhere(p, door); why != "" {
		return skip("not tried: %s, so somebody else may answer at %s", why, door.Addr)
	}
	socket := door
	socket.Socket = true
	stranger := s.ask(ctx, socket)
	switch {
	case stranger.err != nil:
		return unlearned("", door, stranger.err)
	case stranger.worst().State != probe.Refuses:
		return verdict(socket, stranger)
	}
	if entered, why := s.entered(ctx, p, door); !entered {
		return why
	}
	password, why := s.password(ctx, p)
	if why.Status != "" {
		return why
	}
	result := s.login(ctx, p, socket, password)
	if result.Status == Pass {
		return pass("without the password %s; with it %s", stranger.worst().Detail, result.Evidence)
	}
	return result.as(High)
}

// wrongRejected sends a wrong password, once, and then the right one.
func wrongRejected(ctx context.Context, s Subject, p pair, door Door) Result {
	socket := door
	socket.Socket = true
	if !s.ActiveAuth {
		return skip("not tried without --active-auth")
	}
	if entered, why := s.entered(ctx, p, door); !entered {
		return why
	}
	made, err := secret.Generate()
	if err != nil {
		return unknown("%v", err)
	}
	answer, err := s.Prober.Login(ctx, socket, made)
	switch {
	case err != nil:
		return unlearned("", door, err)
	case answer.State != probe.Rejects:
		return fail("a password that was made up: %s", answer.Detail)
	}
	password, why := s.password(ctx, p)
	if why.Status != "" {
		return why
	}
	if right := s.login(ctx, p, socket, password); right.Status != Pass {
		return right
	}
	return pass("%s", answer.Detail)
}
