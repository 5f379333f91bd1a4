package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"archive/tar"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	ggcr "github.com/google/go-containerregistry/pkg/registry"

	"minibot/internal/testbed"
)

// hub is an image registry on the machine of a private engine, which trusts its loopback
// without TLS. It speaks the protocol by go-containerregistry; logins and faults are its own.
type hub struct {
	engine *testbed.Private
	host   string
	base   string // the image that all others are made from

	mu             sync.Mutex
	user, password string                                                            // who may enter; everybody if empty
	meddle         func(w http.ResponseWriter, r *http.Request, images http.Handler) // deals with a request
	asked          []string
}

func newHub(t *testing.T, engine *testbed.Private, base string) *hub {
	t.Helper()
	h := &hub{engine: engine, base: base}
	var listener net.Listener
	if err := engine.Inside(func() (err error) {
		listener, err = net.Listen("tcp", "127.0.0.1:0")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	h.host = listener.Addr().String()
	images := ggcr.New(ggcr.Logger(stdlog.New(io.Discard, "", 0)))
	server := &httptest.Server{Listener: listener, Config: &http.Server{
		ErrorLog: stdlog.New(io.Discard, "", 0), // the engine tries TLS first
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !h.enters(w, r) {
				return
			}
			h.mu.Lock()
			h.asked = append(h.asked, r.Method+" "+r.URL.Path)
			meddle := h.meddle
			h.mu.Unlock()
			if meddle == nil {
				images.ServeHTTP(w, r)
			} else {
				meddle(w, r, images)
			}
		}),
	}}
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return h
}

// enters asks for a login, as a registry with an htpasswd file does.
func (h *hub) enters(w http.ResponseWriter, r *http.Request) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	user, password, _ := r.BasicAuth()
	if h.user == "" || user == h.user && password == h.password {
		return true
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="hub"`)
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
	return false
}

// opens lets in whoever has this login; everybody if it is empty.
func (h *hub) opens(user, password string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.user, h.password = user, password
}

// meddles has every download of a blob dealt with by f, which may pass it on.
func (h *hub) meddles(f func(w http.ResponseWriter, r *http.Request, name string, images http.Handler)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.meddle = func(w http.ResponseWriter, r *http.Request, images http.Handler) {
		if name, _, isBlob := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/blobs/"); isBlob && r.Method == http.MethodGet && f != nil {
			f(w, r, name, images)
			return
		}
		images.ServeHTTP(w, r)
	}
}

// slow answers as a slow network does, until it is told to go on as it can.
type slow struct {
	http.ResponseWriter
	on <-chan struct{}
}

func (s slow) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		var some int
		some, err = s.ResponseWriter.Write(p[:min(len(p), 32<<10)])
		n, p = n+some, p[some:]
		_ = http.NewResponseController(s.ResponseWriter).Flush()
		select {
		case <-s.on:
		case <-time.After(50 * time.Millisecond):
		}
	}
	return n, err
}

// downloads is how many blobs of an image were asked for so far.
func (h *hub) downloads(name string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, asked := range h.asked {
		if strings.HasPrefix(asked, "GET /v2/"+name+"/blobs/") {
			n++
		}
	}
	return n
}

// ref is how an image is named that the hub has.
func (h *hub) ref(name string) string { return h.host + "/" + name }

// push puts an image into the hub that differs from the base, and from all others, by some bytes
// that cannot be compressed. The engine keeps no tag of it. Its ID is returned.
func (h *hub) push(t *testing.T, name, tag string, size int) (id string) {
	t.Helper()
	ctx, client := t.Context(), h.engine.Client
	made, err := client.ContainerCreate(ctx, &container.Config{Image: h.base}, &container.HostConfig{NetworkMode: "none", Tmpfs: map[string]string{"/data": ""}}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.ContainerRemove(ctx, made.ID, container.RemoveOptions{Force: true}) }()
	var archive bytes.Buffer
	w, noise := tar.NewWriter(&archive), make([]byte, size)
	_, _ = rand.Read(noise)
	_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "noise", Mode: 0o644, Size: int64(size)})
	_, _ = w.Write(noise)
	_ = w.Close()
	if err := client.CopyToContainer(ctx, made.ID, "/", &archive, container.CopyToContainerOptions{}); err != nil {
		t.Fatal(err)
	}
	aside := "made-" + strings.ToLower(rand.Text()[:8])
	committed, err := client.ContainerCommit(ctx, made.ID, container.CommitOptions{Reference: h.ref(aside + ":1")})
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	login, err := registry.EncodeAuthConfig(registry.AuthConfig{Username: h.user, Password: h.password})
	h.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	stream, err := client.ImagePush(ctx, h.ref(aside+":1"), image.PushOptions{RegistryAuth: login})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if said, err := io.ReadAll(stream); err != nil || bytes.Contains(said, []byte("errorDetail")) {
		t.Fatalf("push: %v\n%s", err, said)
	}
	h.request(t, "PUT", name, tag, manifestType, h.request(t, "GET", aside, "1", manifestType, nil))
	if _, err := client.ImageRemove(ctx, h.ref(aside+":1"), image.RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	return committed.ID
}

const manifestType, listType = "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json"

// onlyFor makes a tag of an image that is there for one kind of processor alone.
func (h *hub) onlyFor(t *testing.T, name, tag, of, architecture string) {
	t.Helper()
	manifest := h.request(t, "GET", name, of, manifestType, nil)
	index, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": listType,
		"manifests": []any{map[string]any{
			"mediaType": manifestType, "size": len(manifest),
			"digest":   fmt.Sprintf("sha256:%x", sha256.Sum256(manifest)),
			"platform": map[string]string{"os": "linux", "architecture": architecture},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.request(t, "PUT", name, tag, listType, index)
}

func (h *hub) request(t *testing.T, method, name, tag, kind string, body []byte) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+h.host+"/v2/"+name+"/manifests/"+tag, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", kind)
	request.Header.Set("Content-Type", kind)
	h.mu.Lock()
	request.SetBasicAuth(h.user, h.password)
	h.mu.Unlock()
	client := &http.Client{Transport: &http.Transport{DialContext: h.engine.Dial, DisableKeepAlives: true}, Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s:%s: %s, %v\n%s", method, name, tag, response.Status, err, answer)
	}
	return answer
}
