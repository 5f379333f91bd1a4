package engine

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
)

// A connection that is eager asks for the containers once, at first, and learns the version from the answer; an
// engine that wants a version in every path is asked for it.
func TestEager(t *testing.T) {
	for name, c := range map[string]struct {
		strict bool
		want   []string
	}{
		"as engines are":         {false, []string{"GET /containers/json?all=1", "GET /v1.43/containers/json?all=1"}},
		"only versioned answers": {true, []string{"GET /containers/json?all=1", "HEAD /_ping?", "GET /v1.43/containers/json?all=1", "GET /v1.43/containers/json?all=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				asked = append(asked, fmt.Sprintf("%s %s?%s", r.Method, r.URL.Path, r.URL.RawQuery))
				mu.Unlock()
				w.Header().Set("Api-Version", "1.43")
				if c.strict && r.URL.Path == "/containers/json" {
					w.WriteHeader(http.StatusBadRequest)
				}
				io.WriteString(w, `[{"Id": "one"}]`)
			}))
			defer server.Close()
			e, err := ConnectEager(t.Context(), Endpoint{Host: "tcp://" + server.Listener.Addr().String()})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			for range 2 { // the second answer is a fresh one
				if all, err := e.api.ContainerList(t.Context(), container.ListOptions{All: true}); err != nil || len(all) != 1 || all[0].ID != "one" {
					t.Errorf("%v, %v", all, err)
				}
			}
			if !slices.Equal(asked, c.want) {
				t.Errorf("it asked %q", asked)
			}
		})
	}
}
