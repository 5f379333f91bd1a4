package engine

import (
	"net/http"
	"time"

	"github.com/docker/docker/client"
)

// traced has a client tell tell of every request, one line each, when its answer begins: method,
// path with query, status and duration. Neither a header nor a body is ever told: they hold
// registry logins and secrets.
func traced(api *client.Client, tell func(format string, args ...any)) error {
	traced := api.HTTPClient() // a copy
	traced.Transport = &tracer{traced.Transport, tell}
	return client.WithHTTPClient(traced)(api)
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
