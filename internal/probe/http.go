package probe

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// Request is one HTTP request of a probe that the spec defines. Method is GET if empty. The URL must be
// absolute, http or https; a certificate must be one the machine trusts.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Response is what came back: the status code, the header and up to 64 KiB of the body. Truncated says that
// there was more.
type Response struct {
	Status    int
	Header    http.Header
	Body      []byte
	Truncated bool
}

// HTTP sends one request as it stands, on a connection of its own, and returns the reply, whatever its status:
// which one is right, the spec says. It follows no redirect, keeps no cookie, uses no proxy of the environment
// and asks for no compression. Errors quote neither the request nor the reply, where secrets may stand:
// [ErrUnknownReply], the context's, the network's.
//
// The exchange is by hand, since [http.Transport] logs what a server says unasked.
func HTTP(ctx context.Context, request Request) (Response, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	req, err := newRequest(ctx, request)
	if err != nil {
		return Response{}, fmt.Errorf("http: %w", err)
	}
	response, err := exchange(ctx, req)
	if err != nil {
		return Response{}, fmt.Errorf("http: %w", failedExchange(ctx, err))
	}
	return response, nil
}

// newRequest makes the request and checks it, without quoting it.
func newRequest(ctx context.Context, request Request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, request.Method, request.URL, bytes.NewReader(request.Body))
	if err != nil {
		return nil, errors.New("the method or the URL is not one")
	}
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" || req.URL.Hostname() == "" {
		return nil, errors.New("the URL is not an absolute http or https URL")
	}
	if request.Header != nil {
		req.Header = request.Header.Clone()
		if host := req.Header.Get("Host"); host != "" {
			req.Host = host
		}
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "minibot-verify")
	}
	req.Close = true
	return req, nil
}

// exchange dials, writes the request and reads the response.
func exchange(ctx context.Context, req *http.Request) (Response, error) {
	port := req.URL.Port()
	if port == "" {
		port = req.URL.Scheme // a service name that net knows
	}
	conn, err := dial(ctx, net.JoinHostPort(req.URL.Hostname(), port))
	if err != nil {
		return Response{}, err
	}
	defer conn.Close()
	var stream io.ReadWriter = conn
	if req.URL.Scheme == "https" {
		secure := tls.Client(conn, &tls.Config{ServerName: req.URL.Hostname(), NextProtos: []string{"http/1.1"}})
		if err := secure.HandshakeContext(ctx); err != nil {
			return Response{}, err
		}
		stream = secure
	}
	if err := req.Write(stream); err != nil {
		return Response{}, err
	}

	limited := &io.LimitedReader{R: stream, N: replyLimit} // the header first
	reader := bufio.NewReader(limited)
	const patience = 5 // interim responses
	for range patience {
		resp, err := http.ReadResponse(reader, req) //nolint:bodyclose // the connection is closed, and with it the body
		if err != nil && limited.N == 0 {
			return Response{}, fmt.Errorf("%w: more than %d bytes of header", ErrUnknownReply, replyLimit)
		}
		if err != nil {
			return Response{}, err
		}
		if resp.StatusCode/100 == 1 && resp.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		limited.N = 16 * replyLimit // chunks have a frame
		return readBody(resp)
	}
	return Response{}, fmt.Errorf("%w: %d interim responses", ErrUnknownReply, patience)
}

// readBody reads as much of the body as is kept.
func readBody(resp *http.Response) (Response, error) {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return Response{Status: resp.StatusCode, Header: resp.Header}, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, replyLimit+1))
	if err != nil {
		return Response{}, err
	}
	response := Response{Status: resp.StatusCode, Header: resp.Header, Body: body}
	if len(body) > replyLimit {
		response.Body, response.Truncated = body[:replyLimit], true
	}
	return response, nil
}

// failedExchange keeps of an error what the network or the certificate says. The rest may quote what the server
// sent, which may be the request with its secret.
func failedExchange(ctx context.Context, err error) error {
	var network *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case context.Cause(ctx) != nil:
		return timely(ctx, err)
	case errors.Is(err, ErrUnknownReply):
		return err
	case errors.As(err, &network):
		return network
	case errors.As(err, &certificate):
		return certificate
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the server hung up: %w", io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("%w: not HTTP", ErrUnknownReply)
}
