package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Answer is one of the engine's, to a question by GET or HEAD.
type Answer struct {
	Request string            `json:"request"` // method, path and query
	Status  int               `json:"status,omitempty"`
	Header  map[string]string `json:"header,omitempty"`
	// Body is what it answered, reduced; Text what is not JSON.
	Body  json.RawMessage `json:"body,omitempty"`
	Text  string          `json:"text,omitempty"`
	Error *Failure        `json:"error,omitempty"` // there was no answer
}

// headers are those that the engine's client reads.
var headers = []string{"Api-Version", "Builder-Version", "Content-Type", "Docker-Experimental", "Ostype", "Swarm"}

func requestName(request *http.Request) string {
	return request.Method + " " + request.URL.RequestURI()
}

// isObservation tells whether a request is of those by which the engine is observed. What runs in a container, and what it
// uses, is kept as a call.
func isObservation(request *http.Request) bool {
	path := request.URL.Path
	return (request.Method == http.MethodGet || request.Method == http.MethodHead) && !strings.HasSuffix(path, "/stats") && !strings.HasSuffix(path, "/top")
}

// transportRecorder carries requests to the engine and keeps its answers.
type transportRecorder struct {
	next    http.RoundTripper
	reduce  func(request string, body []byte) []byte
	mu      sync.Mutex
	answers map[string]Answer
}

func (r *transportRecorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.next.RoundTrip(request)
	if !isObservation(request) {
		return response, err
	}
	answer := Answer{Request: requestName(request), Error: failure(err)}
	if err == nil {
		body, failed := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if failed != nil {
			return nil, failed
		}
		response.Body = io.NopCloser(bytes.NewReader(body))
		answer.Status, answer.Header = response.StatusCode, map[string]string{}
		for _, header := range headers {
			if value := response.Header.Get(header); value != "" {
				answer.Header[header] = value
			}
		}
		if reduced := r.reduce(answer.Request, body); json.Valid(reduced) {
			answer.Body = reduced
		} else {
			answer.Text = string(reduced)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[answer.Request] = answer
	return response, err
}

// all lists the answers by their requests.
func (r *transportRecorder) all() []Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Answer
	for answer := range sorted(r.answers) {
		all = append(all, answer)
	}
	return all
}

// transport answers requests in the engine's place.
type transport map[string]Answer

func (e Engine) transport() transport {
	t := transport{}
	for _, answer := range e.Answers {
		t[answer.Request] = answer
	}
	return t
}

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, ok := t[requestName(request)]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrMissing, requestName(request))
	}
	if answer.Error != nil {
		return nil, answer.Error.Err()
	}
	body := string(answer.Body) + answer.Text
	response := &http.Response{
		StatusCode: answer.Status, Status: fmt.Sprint(answer.Status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: request,
	}
	for name, value := range answer.Header {
		response.Header.Set(name, value)
	}
	return response, nil
}
