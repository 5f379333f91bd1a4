package testbed

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// Call is one request that a Proxy has received.
//
// A write is a call that may change what the engine holds or runs: every method but GET, HEAD and OPTIONS. POST
// /exec/ID/start is one, for it starts a program, and so is an attach, which carries input; POST
// /containers/ID/wait, which only waits, is not. A Go client sends a read again by itself if the connection it had
// kept was cut, and never a write.
type Call struct {
	N      int    // 1 for the first call
	Write  int    // 1 for the first write; 0 if it is not one
	Method string // GET, …
	Path   string // without the API version: /containers/create
	Query  string // as it was sent: name=redis
}

// Verdict is what a Proxy does with a call.
type Verdict int

const (
	// Pass passes it on, and the answer back.
	Pass Verdict = iota
	// Fail500 answers with status 500 and an error message such as Docker's. The engine hears nothing.
	Fail500
	// FailAfter500 passes it on, waits for the end of the answer, and answers with status 500 instead.
	FailAfter500
	// Cut closes the client's connection. The engine hears nothing.
	Cut
	// CutAfter passes it on, waits for the end of the answer, and closes the client's connection instead.
	CutAfter
	// CutEarly closes the client's connection as soon as the engine has the whole call, which goes on without it.
	CutEarly
	// Hang neither passes it on nor answers, until the client goes away or the proxy closes.
	Hang
)

var apiVersion = regexp.MustCompile(`^/v\d+\.\d+/`)

func newCall(r *http.Request) Call {
	return Call{Method: r.Method, Path: apiVersion.ReplaceAllString(r.URL.Path, "/"), Query: r.URL.RawQuery}
}

func (c Call) String() string { return c.Method + " " + c.Path }

func (c Call) writes() bool {
	switch c.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return !strings.HasPrefix(c.Path, "/containers/") || !strings.HasSuffix(c.Path, "/wait")
}

// endless tells whether the answer may have no end, so that nobody can wait for it.
func (c Call) endless() bool {
	return c.Path == "/events" || c.Method == http.MethodGet && strings.HasPrefix(c.Path, "/containers/") &&
		(strings.HasSuffix(c.Path, "/logs") || strings.HasSuffix(c.Path, "/stats"))
}

// answer500 answers as the engine does when something in it fails.
func answer500(w http.ResponseWriter, c Call, what string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusInternalServerError)
	message := fmt.Sprintf("a fault for the test: %s fails, %s", c, what)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}
