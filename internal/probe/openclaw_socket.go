package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/coder/websocket"

	"minibot/internal/secret"
)

// OpenClawSocket connects to the gateway's WebSocket at addr (host:port) without credentials, and without a device,
// which would leave a request for pairing behind. Refuses says only that it did not let a stranger in: a gateway that
// asks nobody for a password refuses in the same words (facts/network-security.md §3.4), so ask [OpenClaw] first. Such
// attempts do not count towards the gateway's lockout.
//
// Errors: [ErrStarting], [ErrRateLimited], [ErrUnknownReply], the context's, the network's.
func OpenClawSocket(ctx context.Context, addr string) (Answer, error) {
	code, err := connectOpenClaw(ctx, addr, nil)
	switch {
	case err != nil:
		return Answer{}, fmt.Errorf("openclaw: %w", err)
	case code == "":
		return Answer{Open, "hello-ok: lets a stranger in"}, nil
	case slices.Contains([]string{"DEVICE_IDENTITY_REQUIRED", "AUTH_PASSWORD_MISSING", "AUTH_TOKEN_MISSING", "AUTH_REQUIRED"}, code):
		return Answer{Refuses, code + ": does not let a stranger in"}, nil
	}
	return Answer{}, fmt.Errorf("openclaw: %w: %s to connect", ErrUnknownReply, clean(code))
}

// OpenClawSocketLogin does the same with the password. A wrong one counts towards a lockout of the whole host, so call
// it once, and only for a password that [OpenClawLogin] has found right.
//
// Errors: as [OpenClawSocket], [ErrNoSecret].
func OpenClawSocketLogin(ctx context.Context, addr string, password secret.Value) (Answer, error) {
	if len(password.Reveal()) == 0 {
		return Answer{}, fmt.Errorf("openclaw login: %w", ErrNoSecret)
	}
	code, err := connectOpenClaw(ctx, addr, map[string]string{"password": string(password.Reveal())})
	switch {
	case err != nil:
		return Answer{}, fmt.Errorf("openclaw login: %w", err)
	case code == "":
		return Answer{Accepts, "hello-ok: the password is accepted"}, nil
	case code == "AUTH_PASSWORD_MISMATCH":
		return Answer{Rejects, "AUTH_PASSWORD_MISMATCH: the password is wrong"}, nil
	}
	return Answer{}, fmt.Errorf("openclaw login: %w to connect", ErrUnknownReply) // the code is the server's, after it saw the password
}

// openClawProtocols are the versions of the gateway's protocol that this package speaks.
const openClawOldest, openClawNewest = 3, 4

// connectOpenClaw sends the first request of a session, and returns the code by which it was refused; "" is hello-ok.
func connectOpenClaw(ctx context.Context, addr string, credentials map[string]string) (code string, err error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	const most = 1 << 20 // bytes: hello-ok lists all that the gateway can do
	conn, err := openWebSocket(ctx, addr, "/", most)
	if err != nil {
		return "", err
	}
	defer conn.CloseNow()
	over := context.AfterFunc(ctx, func() { conn.CloseNow() }) // Close has a patience of its own
	defer over()
	params := map[string]any{
		"minProtocol": openClawOldest, "maxProtocol": openClawNewest, "role": "operator", "scopes": []string{}, "caps": []string{},
		"client": map[string]string{"id": "cli", "version": "0", "platform": "linux", "mode": "probe"},
	}
	if credentials != nil {
		params["auth"] = credentials
	}
	request, err := json.Marshal(map[string]any{"type": "req", "id": "1", "method": "connect", "params": params})
	if err != nil {
		return "", err
	}
	if err := conn.Write(ctx, websocket.MessageText, request); err != nil {
		return "", socketFailure(ctx, err)
	}
	code, err = openClawReply(ctx, conn)
	if err == nil {
		_ = conn.Close(websocket.StatusNormalClosure, "") // or the gateway's log tells of a connection broken off
	}
	return code, err
}

// openClawReply reads up to the answer to request 1. Events, such as the challenge for devices, come before it.
func openClawReply(ctx context.Context, conn *websocket.Conn) (code string, err error) {
	const patience = 16 // messages
	for range patience {
		_, message, err := conn.Read(ctx)
		if err != nil {
			return "", socketFailure(ctx, err)
		}
		var reply struct {
			Type, ID string
			OK       bool
			Payload  struct{ Type string }
			Error    struct {
				Code    string
				Details struct{ Code string }
			}
		}
		if err := json.Unmarshal(message, &reply); err != nil {
			return "", fmt.Errorf("%w: not JSON", ErrUnknownReply)
		}
		switch refusal := reply.Error.Details.Code; {
		case reply.Type != "res" || reply.ID != "1":
		case reply.OK && reply.Payload.Type == "hello-ok":
			return "", nil
		case reply.OK:
			return "", fmt.Errorf("%w: no hello-ok", ErrUnknownReply)
		case refusal == "AUTH_RATE_LIMITED":
			return "", lockedOut(Response{})
		case reply.Error.Code == "UNAVAILABLE": // "gateway starting; retry shortly", while it is live already
			return "", ErrStarting
		case refusal != "":
			return refusal, nil
		case reply.Error.Code != "":
			return reply.Error.Code, nil
		default:
			return "", fmt.Errorf("%w: a refusal without a code", ErrUnknownReply)
		}
	}
	return "", fmt.Errorf("%w: %d messages and no answer", ErrUnknownReply, patience)
}
