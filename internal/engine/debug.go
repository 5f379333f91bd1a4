package engine

import (
	"net/http"
	"time"

	"github.com/docker/docker/client"
)

// wrapped puts something around what carries a client's requests; nil is nothing.
func wrapped(api *client.Client, wrap func(http.RoundTripper) http.RoundTripper) error {
	if wrap == nil {
		return nil
	}
	http := api.HTTPClient() // a copy
	http.Transport = wrap(http.Transport)
	return client.WithHTTPClient(http)(api)
}

// tracing tells tell of every request, one line each, when its answer begins: method, path with query, status and
// duration. Neither a header nor a body is ever told: they hold registry logins and secrets.
func tracing(tell func(format string, args ...any)) func(http.RoundTripper) http.RoundTripper {
	if tell == nil {
		return nil
	}
	return func(next http.RoundTripper) http.RoundTripper { return &tracer{next, tell} }
}

type tracer struct {
	next http.RoundTripper
	tell func(format string, args ...any)
}

func (t *tracer) RoundTrip(request *http.Request) (*http.Response, error) {
	begun := time.Now()
	response, err := t.next.RoundTrip(request)
	took := time.Since(begun).Round(10 * time.Microsecond)
	if err != nil {
		t.tell("%s %s: %v (%s)", request.Method, request.URL.RequestURI(), plainly(err), took)
		return nil, err
	}
	t.tell("%s %s: %d (%s)", request.Method, request.URL.RequestURI(), response.StatusCode, took)
	return response, nil
}
