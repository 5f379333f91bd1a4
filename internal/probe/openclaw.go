package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"minibot/internal/secret"
)

// The two doors of an OpenClaw gateway that tell whether it asks for the password, without doing anything: an
// invocation that names no tool, and the settings of its control page. facts/network-security.md §3.4.
const (
	openClawInvoke = "/tools/invoke"
	openClawConfig = "/__openclaw/control-ui-config.json"
)

// OpenClaw posts an empty invocation without credentials to the gateway at addr (host:port) and, if that door
// is not there, asks for the control page's settings. A request without credentials never counts towards the
// gateway's lockout. `GET /` and the health paths answer everybody and prove nothing; neither does a WebSocket
// handshake without credentials.
//
// Errors: [ErrRateLimited], [ErrUnknownReply], the context's, the network's.
func OpenClaw(ctx context.Context, addr string) (Answer, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	door, status, err := knockOpenClaw(ctx, addr, nil)
	switch {
	case err != nil:
		return Answer{}, fmt.Errorf("openclaw: %w", err)
	case status == http.StatusUnauthorized:
		return Answer{Refuses, fmt.Sprintf("401 to %s: asks for the password", door)}, nil
	}
	return Answer{Open, fmt.Sprintf("%d to %s: lets a stranger in", status, door)}, nil
}

// OpenClawLogin sends the same with the password as bearer: the gateway checks the password and then finds that
// there is nothing to invoke. A wrong password counts towards a lockout of the whole host (ten in a minute, five
// minutes), and an open gateway takes any password, so call it once and only after [OpenClaw] said [Refuses].
//
// Errors: as [OpenClaw], [ErrNoSecret].
func OpenClawLogin(ctx context.Context, addr string, password secret.Value) (Answer, error) {
	if len(password.Reveal()) == 0 {
		return Answer{}, fmt.Errorf("openclaw login: %w", ErrNoSecret)
	}
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	door, status, err := knockOpenClaw(ctx, addr, http.Header{"Authorization": {"Bearer " + string(password.Reveal())}})
	switch {
	case err != nil:
		return Answer{}, fmt.Errorf("openclaw login: %w", err)
	case status == http.StatusUnauthorized:
		return Answer{Rejects, fmt.Sprintf("401 to %s: the password is wrong", door)}, nil
	case door == openClawInvoke && status != http.StatusBadRequest:
		return Answer{}, fmt.Errorf("openclaw login: %w: status %d to POST %s", ErrUnknownReply, status, door)
	}
	return Answer{Accepts, fmt.Sprintf("%d to %s: authenticated, nothing invoked", status, door)}, nil
}

// knockOpenClaw climbs the ladder of doors. It returns the first that exists, and its status: 401, or one that
// only those are given who passed.
func knockOpenClaw(ctx context.Context, addr string, credentials http.Header) (door string, status int, err error) {
	header := credentials.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	reply, err := HTTP(ctx, Request{http.MethodPost, "http://" + addr + openClawInvoke, header, []byte("{}")})
	if err != nil {
		return "", 0, err
	}
	switch {
	case reply.Status == http.StatusUnauthorized,
		reply.Status == http.StatusBadRequest && saysInvalidRequest(reply.Body),
		reply.Status/100 == 2 && json.Valid(reply.Body):
		return openClawInvoke, reply.Status, nil
	case reply.Status == http.StatusTooManyRequests:
		return "", 0, lockedOut(reply)
	case reply.Status != http.StatusNotFound && reply.Status != http.StatusMethodNotAllowed:
		return "", 0, fmt.Errorf("%w: status %d to POST %s", ErrUnknownReply, reply.Status, openClawInvoke)
	}

	reply, err = HTTP(ctx, Request{http.MethodGet, "http://" + addr + openClawConfig, credentials, nil})
	if err != nil {
		return "", 0, err
	}
	switch {
	case reply.Status == http.StatusUnauthorized,
		reply.Status == http.StatusOK && json.Valid(reply.Body): // any unknown path is 200 too, with the HTML page
		return openClawConfig, reply.Status, nil
	case reply.Status == http.StatusTooManyRequests:
		return "", 0, lockedOut(reply)
	}
	return "", 0, fmt.Errorf("%w: status %d to GET %s", ErrUnknownReply, reply.Status, openClawConfig)
}

// saysInvalidRequest recognises the gateway's own 400 among those of any other server, a TLS one say. The
// message has changed between versions ("requires body.tool", "requires name"), the type has not.
func saysInvalidRequest(body []byte) bool {
	var reply struct {
		Error struct{ Type string }
	}
	return json.Unmarshal(body, &reply) == nil && reply.Error.Type == "invalid_request"
}

// lockedOut explains a 429. Behind a published port all clients of this host have one address, so the guesser
// is on this machine or has come through it.
func lockedOut(reply Response) error {
	wait := ""
	if after, err := strconv.ParseUint(reply.Header.Get("Retry-After"), 10, 16); err == nil {
		wait = fmt.Sprintf("; it asks to wait %d s", after)
	}
	return fmt.Errorf("%w: somebody has guessed passwords from this host, or through a port published on it%s", ErrRateLimited, wait)
}
