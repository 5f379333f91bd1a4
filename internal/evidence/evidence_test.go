package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"minibot/internal/host"
	"minibot/internal/probe"
	"minibot/internal/secret"
)

// Every error that a probe can be told apart by has a name in a bundle.
func TestKindsAreComplete(t *testing.T) {
	names := map[string]bool{}
	for _, dir := range []string{"../probe", "../secret"} {
		paths, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(paths) == 0 {
			t.Fatal(dir, err)
		}
		for _, path := range paths {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for name, object := range file.Scope.Objects {
				if strings.HasPrefix(name, "Err") && object.Kind == ast.Var && !strings.HasSuffix(path, "_test.go") {
					names[filepath.Base(dir)+"."+name] = true
				}
			}
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "failure.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if pkg, ok := s.X.(*ast.Ident); ok {
				delete(names, pkg.Name+"."+s.Sel.Name)
			}
		}
		return true
	})
	for _, known := range []string{"secret.ErrReadOnly", "secret.ErrUnmarkable"} { // no look at a machine ends so
		delete(names, known)
	}
	if len(names) > 0 {
		t.Errorf("kinds lacks %v", names)
	}
}

func TestFailure(t *testing.T) {
	for name, err := range map[string]error{
		"nothing": nil, "plain": errors.New("no"), "refused": &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "busy": errors.Join(errors.New("pg"), probe.ErrBusy),
		"late": context.DeadlineExceeded, "locked": &secret.Error{Store: "keychain", Name: "X", Kind: secret.ErrLocked}, "no file": &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist},
		"no name": &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true},
	} {
		encoded, failed := json.Marshal(failure(err))
		if failed != nil {
			t.Fatal(failed)
		}
		var f *Failure
		if err := json.Unmarshal(encoded, &f); err != nil {
			t.Fatal(err)
		}
		again := f.Err()
		if (err == nil) != (again == nil) || err != nil && err.Error() != again.Error() {
			t.Errorf("%s: %v, again %v", name, err, again)
		}
		for kind, target := range kinds {
			if errors.Is(err, target) != errors.Is(again, target) {
				t.Errorf("%s is %s: %v, again %v", name, kind, errors.Is(err, target), errors.Is(again, target))
			}
		}
		var before, after *net.DNSError
		if errors.As(err, &before) != errors.As(again, &after) {
			t.Errorf("%s: a name's error: %v, again %v", name, before, after)
		}
	}
}

func TestTape(t *testing.T) {
	tape := newTape(nil)
	answers := []error{errors.New("not yet"), nil, nil}
	for i, err := range answers {
		got, failed := record(tape, name("ask", "x"), func() (int, error) { return i, err })
		if got != i || failed != err {
			t.Errorf("recorded %d, %v", got, failed)
		}
	}
	again := newTape(tape.all())
	for i, want := range []struct {
		n    int
		fail bool
	}{{0, true}, {1, false}, {2, false}, {2, false}} {
		if got, err := replay[int](again, name("ask", "x")); got != want.n || (err != nil) != want.fail {
			t.Errorf("%d: %d, %v", i, got, err)
		}
	}
	if _, err := replay[int](again, name("ask", "y")); !errors.Is(err, ErrMissing) {
		t.Errorf("what nobody asked: %v", err)
	}
}

// A machine that is replayed tells what it told.
func TestMachine(t *testing.T) {
	const table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	link := func(to string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink} }
	real := host.Machine{
		GOOS: "linux", Home: "home/ada",
		Files: fstest.MapFS{
			"proc/net/tcp": {Data: []byte(table + "   0: 0100007F:1538 00000000:0000 0A 0:0 0:0 0 0 0 2001\n   1: 0100007F:A000 0100007F:0035 01 0:0 0:0 0 0 0 4002\n")},
			"proc/net/udp": {Data: []byte(table)}, "proc/900/comm": {Data: []byte("docker-proxy\n")}, "proc/900/fd/4": link("socket:[2001]"), "proc/900/fd/5": link("/home/ada/diary.txt"), "proc/900/fd/6": link("socket:[4002]"),
			"proc/77/comm": {Data: []byte("ssh\n")}, "proc/77/cmdline": {Data: []byte("ssh\x00-R\x008080:localhost:5432\x00ada@secret.example.org\x00")},
			"proc/88/comm": {Data: []byte("diary\n")}, "proc/88/fd/3": link("/home/ada/other.txt"),
			"usr/bin/getent": {}, "usr/bin/stat": {}, "etc/docker/daemon.json": {Data: []byte(`{"iptables": false, "http-proxy": "http://ada:pw@proxy"}`)},
		},
		Run: func(_ context.Context, argv ...string) ([]byte, error) {
			switch argv[0] {
			case "/usr/bin/stat":
				return []byte("660 root docker\n"), nil
			case "/usr/bin/getent":
				return []byte("docker:x:105:ada,bob\n"), nil
			}
			return []byte("half"), &host.ExitError{Program: argv[0], Status: 3, Stderr: "broken\nmore"}
		},
		Interfaces: func() ([]host.Interface, error) {
			return []host.Interface{{Name: "eth0", Up: true, Addrs: []net.Addr{&net.IPNet{IP: net.IPv4(10, 0, 0, 5), Mask: net.CIDRMask(24, 32)}}}}, nil
		},
	}
	look := func(m host.Machine) string {
		var said []any
		listeners, err := m.Listeners(t.Context())
		owned, err2 := m.Owners(t.Context(), listeners)
		tunnels, err3 := m.Tunnels(t.Context(), []uint16{5432})
		daemon, err4 := m.Daemon()
		socket, err5 := m.Socket(t.Context(), "/run/docker.sock")
		addrs, err6 := m.Addresses(nil)
		_, err7 := m.Run(t.Context(), "/bin/false", "x")
		_, err8 := m.Tailscale(t.Context())
		said = append(said, owned, tunnels, daemon, socket.Mode, len(socket.Members), addrs)
		for _, err := range []error{err, err2, err3, err4, err5, err6, err7, err8} {
			if err != nil {
				said = append(said, err.Error(), errors.Is(err, host.ErrNotInstalled))
			}
		}
		text, _ := json.Marshal(said)
		return string(text)
	}
	var recorder machineRecorder
	before := look(recorder.machine(real))
	encoded, err := json.Marshal(recorder.seen(real))
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range []string{"diary", "ada@", "bob", "proxy\"", "pw@", "4002"} {
		if strings.Contains(string(encoded), private) {
			t.Errorf("%q is in the evidence: %s", private, encoded)
		}
	}
	var kept Machine
	if err := json.Unmarshal(encoded, &kept); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, look(kept.Host())); diff != "" || !strings.Contains(before, "docker-proxy") || !strings.Contains(before, "5432 on another machine") {
		t.Errorf("(-recorded +replayed):\n%s", diff)
	}
	if _, err := kept.Host().Run(t.Context(), "/bin/true"); !errors.Is(err, ErrMissing) {
		t.Errorf("a command that nobody ran: %v", err)
	}
	if _, err := fs.ReadFile(kept.Host().Files, "no/such"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that was not there: %v", err)
	}
}

func TestTransport(t *testing.T) {
	const foreign = `{"Name":"/db","Config":{"Env":["TOKEN=hunter2","PATH=/bin"],"Cmd":["serve","--key=hunter3"],"Labels":{"com.docker.compose.project":"other","note":"hunter4"}},"HostConfig":{"Memory":9007199254740993}}`
	const own = `{"Name":"/web","Config":{"Env":["MODE=fast"],"Cmd":["serve"],"Labels":{"com.docker.compose.project":"box"}}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.51")
		switch r.URL.Path {
		case "/v1/containers/1/json":
			io.WriteString(w, foreign)
		case "/v1/containers/2/json":
			io.WriteString(w, own)
		case "/v1/info":
			io.WriteString(w, `{"ID":"x","Name":"adas-machine","HttpProxy":"http://ada:hunter5@proxy","MemTotal":5}`)
		case "/_ping":
			io.WriteString(w, "OK")
		default:
			w.WriteHeader(404)
			io.WriteString(w, `{"message":"no such thing"}`)
		}
	}))
	defer server.Close()
	recorder := transportRecorder{next: http.DefaultTransport, reduce: reducer{project: "box"}.reduce, answers: map[string]Answer{}}
	paths := []string{"/_ping", "/v1/containers/1/json", "/v1/containers/2/json", "/v1/info", "/v1/nothing?x=%7B%7D"}
	get := func(t http.RoundTripper, path string) (int, string, string, error) {
		response, err := (&http.Client{Transport: t}).Get(server.URL + path)
		if err != nil {
			return 0, "", "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return response.StatusCode, response.Header.Get("Api-Version"), string(body), err
	}
	for _, path := range paths {
		get(&recorder, path)
	}
	answers := recorder.all()
	encoded, _ := json.Marshal(answers)
	for _, private := range []string{"hunter", "adas"} {
		if strings.Contains(string(encoded), private) {
			t.Errorf("%s is in the evidence: %s", private, encoded)
		}
	}
	again := Engine{Answers: answers}.transport()
	for _, path := range paths {
		status, header, body, _ := get(http.DefaultTransport, path)
		s, h, b, err := get(again, path)
		if err != nil || s != status || h != header || strings.Contains(path, "/2/") && len(b) != len(body) {
			t.Errorf("%s: %d %q %q, again %d %q %q, %v", path, status, header, body, s, h, b, err)
		}
	}
	if _, _, body, _ := get(again, "/v1/containers/1/json"); !strings.Contains(body, `"TOKEN="`) || !strings.Contains(body, "9007199254740993") || !strings.Contains(body, `"other"`) {
		t.Errorf("reduced to %s", body)
	}
	if _, _, _, err := get(again, "/v1/other"); !errors.Is(err, ErrMissing) {
		t.Errorf("what nobody asked: %v", err)
	}
}

// A secret of this stack in a container of somebody else is kept, to be marked; what stands beside it is not.
func TestScrub(t *testing.T) {
	marker, err := secret.NewMarker(map[string]secret.Value{"DB": secret.NewValue([]byte("hunter2-and-more"))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := reducer{project: "box", marker: marker}
	const foreign = `{"Config":{"Env":["A=own business","B=x hunter2-and-more"],"Cmd":["--key","hunter2-and-more"],"Labels":{"com.docker.compose.project":"other","note":"own business"}},"Args":["own business"]}`
	got := string(marker.Mark(r.reduce("GET /v1.41/containers/1/json", []byte(foreign))))
	if strings.Contains(got, "own business") || strings.Contains(got, "hunter2") || strings.Count(got, "<secret DB>") != 2 || !strings.Contains(got, `"other"`) {
		t.Errorf("%s", got)
	}
}

func TestReduceReport(t *testing.T) {
	got := reduceReport(`{"ts":1,"summary":{"critical":1},"findings":[{"checkId":"a.b","severity":"critical","title":"T","detail":"/home/ada/x","remediation":"R"}],"deep":{"ada":1}}`)
	if strings.Contains(got, "ada") || !strings.Contains(got, `"checkId":"a.b"`) || !strings.Contains(got, `"critical":1`) {
		t.Errorf("%s", got)
	}
	if got := reduceReport("ada's words"); got != "" {
		t.Errorf("%q", got)
	}
}

func TestDecode(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "no file of minibot verify --collect", `[`: "evidence", `{"format_version": 99, "minibot": "9.9"}`: "of a newer minibot (9.9)",
	} {
		if _, err := Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Decode([]byte(`{"format_version": 1}`)); err != nil {
		t.Error(err)
	}
}

// A store that does not tell a secret could not have it kept out.
func TestCollectNeedsSecrets(t *testing.T) {
	locked := func(context.Context, string) (secret.Value, error) {
		return secret.Value{}, &secret.Error{Store: "keychain", Name: "X", Kind: secret.ErrLocked}
	}
	if _, err := Collect(t.Context(), "box", []string{"X"}, locked); !errors.Is(err, secret.ErrLocked) {
		t.Errorf("locked: %v", err)
	}
	short := func(context.Context, string) (secret.Value, error) { return secret.NewValue([]byte("abc")), nil }
	if _, err := Collect(t.Context(), "box", []string{"X"}, short); !errors.Is(err, secret.ErrUnmarkable) {
		t.Errorf("short: %v", err)
	}
	missing := func(context.Context, string) (secret.Value, error) {
		return secret.Value{}, &secret.Error{Store: "file", Name: "X", Kind: secret.ErrNotFound}
	}
	if _, err := Collect(t.Context(), "box", []string{"X"}, missing); err != nil {
		t.Errorf("missing: %v", err)
	}
}
