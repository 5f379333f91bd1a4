package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"

	"github.com/coder/websocket"
)

// WebSocket opens one at a path of the server at addr (host:port), sends a message unless it is empty, and reads up to 16
// messages until expect matches one, which it reports. Without expect the handshake is enough. A server that ends the
// talk has not said what was expected; with an error nothing was learned.
//
// Errors: [ErrUnknownReply], [ErrRateLimited], the context's, the network's. They quote nothing that the server sent.
func WebSocket(ctx context.Context, addr, path, send string, expect *regexp.Regexp) (bool, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	conn, err := openWebSocket(ctx, addr, path, replyLimit)
	if err != nil {
		return false, fmt.Errorf("ws: %w", err)
	}
	defer conn.CloseNow()
	over := context.AfterFunc(ctx, func() { conn.CloseNow() })
	defer over()
	if send != "" {
		if err := conn.Write(ctx, websocket.MessageText, []byte(send)); err != nil {
			return false, fmt.Errorf("ws: %w", socketFailure(ctx, err))
		}
	}
	const patience = 16 // messages
	said := expect == nil
	for n := 0; !said && n < patience; n++ {
		_, message, err := conn.Read(ctx)
		var closed websocket.CloseError
		switch {
		case errors.As(err, &closed) && context.Cause(ctx) == nil:
			return false, nil
		case err != nil:
			return false, fmt.Errorf("ws: %w", socketFailure(ctx, err))
		}
		said = expect.Match(message)
	}
	_ = conn.Close(websocket.StatusNormalClosure, "")
	return said, nil
}

// openWebSocket dials addr (host:port), asks for a WebSocket at a path and hands it on. The caller closes it with
// CloseNow. Messages up to limit bytes are read. No Origin is sent, as none is by programs that are no browsers.
//
// Errors: [ErrRateLimited] and [ErrUnknownReply] where the server answers with another status, the context's, the
// network's.
func openWebSocket(ctx context.Context, addr, path string, limit int64) (*websocket.Conn, error) {
	client := &http.Client{
		Transport:     &http.Transport{DialContext: dialerOf(ctx), DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	conn, response, err := websocket.Dial(ctx, "ws://"+addr+path, &websocket.DialOptions{
		HTTPClient: client, HTTPHeader: http.Header{"User-Agent": {"minibot-verify"}},
	})
	var network *net.OpError
	switch {
	case err == nil:
		conn.SetReadLimit(limit)
		return conn, nil
	case context.Cause(ctx) != nil:
		return nil, timely(ctx, err)
	case errors.As(err, &network):
		return nil, network
	case response == nil:
		return nil, fmt.Errorf("%w: not HTTP", ErrUnknownReply)
	case response.StatusCode == http.StatusTooManyRequests:
		return nil, lockedOut(Response{Header: response.Header})
	}
	return nil, fmt.Errorf("%w: status %d to a WebSocket handshake", ErrUnknownReply, response.StatusCode)
}

// socketFailure keeps of an error on an open WebSocket what may be shown: never what the server sent.
func socketFailure(ctx context.Context, err error) error {
	var closed websocket.CloseError
	switch {
	case context.Cause(ctx) != nil:
		return timely(ctx, err)
	case errors.As(err, &closed):
		return fmt.Errorf("%w: closed with code %d", ErrUnknownReply, closed.Code)
	}
	return errors.New("the connection broke off")
}
