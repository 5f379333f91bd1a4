package probe

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func newReader(r io.Reader) *bufio.Reader { return bufio.NewReader(r) }

const (
	invalidRequest = `{"ok":false,"error":{"type":"invalid_request","message":"tools.invoke requires name"}}`
	unauthorized   = `{"error":{"type":"unauthorized"}}`
	controlPage    = "<!doctype html><title>OpenClaw Control</title>"
)

// door is what a gateway answers at one place; an empty door is the control page, as at any unknown path.
type door struct {
	status int
	body   string
}

// gateway answers POST /tools/invoke and GET of the settings, and records what it was asked.
func gateway(t testing.TB, invoke, config door) (addr string, requests *record[string]) {
	requests = new(record[string])
	return web(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests.add(strings.Join(strings.Fields(r.Method+" "+r.URL.Path+" "+string(body)+" "+r.Header.Get("Authorization")), " "))
		answer := door{http.StatusOK, controlPage}
		switch r.Method + " " + r.URL.Path {
		case "POST /tools/invoke":
			answer = invoke
		case "GET /__openclaw/control-ui-config.json":
			answer = config
		}
		if answer.status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "300")
		}
		if answer.status/100 == 3 {
			w.Header().Set("Location", "/")
		}
		w.WriteHeader(answer.status)
		io.WriteString(w, answer.body)
	}), requests
}

func TestOpenClaw(t *testing.T) {
	none := door{http.StatusNotFound, "Not Found"}
	for name, test := range map[string]struct {
		invoke, config door
		want           State
		login          State // with the password; by default an error
		err            error
		asks           int // requests; 1 by default
	}{
		"asks":                   {invoke: door{401, unauthorized}, want: Refuses, login: Rejects},
		"authenticated, or open": {invoke: door{400, invalidRequest}, want: Open, login: Accepts},
		"an older version's 400": {invoke: door{400, strings.Replace(invalidRequest, "name", "body.tool", 1)}, want: Open, login: Accepts},
		"invokes":                {invoke: door{200, `{"ok":true}`}, want: Open},
		"another server's 400":   {invoke: door{400, "Client sent an HTTP request to an HTTPS server.\n"}, err: ErrUnknownReply},
		"another JSON 400":       {invoke: door{400, `{"error":"bad"}`}, err: ErrUnknownReply},
		"page for everything":    {invoke: door{200, controlPage}, err: ErrUnknownReply},
		"forbidden":              {invoke: door{403, `{"error":{"type":"forbidden"}}`}, err: ErrUnknownReply},
		"redirect":               {invoke: door{302, ""}, err: ErrUnknownReply},
		"broken":                 {invoke: door{500, ""}, err: ErrUnknownReply},
		"starting":               {invoke: door{503, ""}, err: ErrUnknownReply},
		"huge 400":               {invoke: door{400, strings.Replace(invalidRequest, "name", strings.Repeat("x", replyLimit), 1)}, err: ErrUnknownReply},
		"locked out":             {invoke: door{429, ""}, err: ErrRateLimited},
		"404, asks":              {invoke: none, config: door{401, ""}, want: Refuses, login: Rejects, asks: 2},
		"405, asks":              {invoke: door{405, ""}, config: door{401, ""}, want: Refuses, login: Rejects, asks: 2},
		"404, open":              {invoke: none, config: door{200, `{"basePath":"/"}`}, want: Open, login: Accepts, asks: 2},
		"404, page":              {invoke: none, config: door{200, controlPage}, err: ErrUnknownReply, asks: 2},
		"404, locked out":        {invoke: none, config: door{429, ""}, err: ErrRateLimited, asks: 2},
		"404 twice":              {invoke: none, config: none, err: ErrUnknownReply, asks: 2},
	} {
		t.Run(name, func(t *testing.T) {
			asked := []string{"POST /tools/invoke {}", "GET /__openclaw/control-ui-config.json"}[:max(test.asks, 1)]

			addr, requests := gateway(t, test.invoke, test.config)
			answer, err := OpenClaw(t.Context(), addr)
			if test.err != nil {
				expectError(t, answer, err, test.err)
			} else {
				expect(t, answer, err, test.want)
			}
			if diff := cmp.Diff(asked, requests.all()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}

			addr, requests = gateway(t, test.invoke, test.config)
			answer, err = OpenClawLogin(t.Context(), addr, password(thePassword))
			if test.login == "" {
				expectError(t, answer, err, test.err)
			} else {
				expect(t, answer, err, test.login)
			}
			for i := range asked {
				asked[i] += " Bearer " + thePassword
			}
			if diff := cmp.Diff(asked, requests.all()); diff != "" {
				t.Errorf("requests of the login (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpenClawSaysHowLongTheLockoutIs(t *testing.T) {
	addr, _ := gateway(t, door{429, ""}, door{})
	_, err := OpenClaw(t.Context(), addr)
	if err == nil || !strings.Contains(err.Error(), "guessed passwords") || !strings.Contains(err.Error(), "300 s") {
		t.Errorf("error %v", err)
	}
}
