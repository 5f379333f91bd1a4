package secret

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// execOf is a store in which TOKEN is what the fake prints with these arguments.
func execOf(t testing.TB, args ...string) *execStore {
	t.Helper()
	return &execStore{options: Options{Commands: map[string][]string{"TOKEN": append([]string{newFakeVault(t)}, args...)}}, wait: time.Minute}
}

func TestExecTakesWhatIsPrinted(t *testing.T) {
	s := execOf(t)
	argv := s.options.Commands["TOKEN"]
	for what, text := range nasty {
		for _, ending := range []string{"\n", "\r\n"} {
			s.options.Commands["TOKEN"] = append(argv[:1:1], "bytes", hex.EncodeToString([]byte(text+ending)))
			value, err := s.Get(context.Background(), "TOKEN")
			if err != nil || !bytes.Equal(value.Reveal(), []byte(text)) {
				t.Errorf("%s: got %q, %v", what, value.Reveal(), err)
			}
		}
	}
}

func TestExecSaysWhatWentWrong(t *testing.T) {
	const secret = "s3cret-of-the-vault"
	long := strings.Repeat("ä", execShown)
	for name, c := range map[string]struct {
		args []string
		kind error
		want string
	}{
		"nothing printed":      {[]string{"fail", "0", "", "note"}, ErrNotFound, "not found (VAULT printed nothing); set TOKEN with"},
		"one newline":          {[]string{"fail", "0", "\n", ""}, ErrNotFound, "printed nothing"},
		"status":               {[]string{"fail", "3", "", ""}, nil, "exec store: TOKEN: VAULT failed: exit status 3"},
		"the first line":       {[]string{"fail", "1", "", "\n  \n[ERROR] no item \"x\"\nmore\n"}, nil, "VAULT failed: exit status 1: [ERROR] no item \"x\""},
		"not stdout":           {[]string{"fail", "1", secret, "broken"}, nil, "VAULT failed: exit status 1: broken"},
		"stdout on stderr":     {[]string{"fail", "1", secret + "\nuser: ada-lovelace", "got '" + secret + "' of ada-lovelace, user: ada-lovelace"}, nil, "exit status 1: got '***' of ada-lovelace, ***"},
		"stdout in base64":     {[]string{"fail", "1", "abc\ndefg", "got " + base64.StdEncoding.EncodeToString([]byte("abc\ndefg"))}, nil, "exit status 1: got ***"},
		"escapes and tabs":     {[]string{"fail", "1", "", "\x1b[31mred\x07\tflag\r\n"}, nil, "exit status 1: [31mred flag"},
		"a long line":          {[]string{"fail", "1", "", long + "and more"}, nil, "exit status 1: " + long + "…"},
		"stderr without end":   {[]string{"fail", "1", "", strings.Repeat("a\n", 60_000)}, nil, "exit status 1: a"},
		"the largest value":    {[]string{"flood", strconv.Itoa(MaxValue)}, errors.New("none"), ""},
		"one byte more":        {[]string{"flood", strconv.Itoa(MaxValue + 1)}, nil, "VAULT printed more than 65536 bytes"},
		"far too much":         {[]string{"flood", "10000000"}, nil, "VAULT printed more than 65536 bytes"},
		"a line and a newline": {[]string{"bytes", hex.EncodeToString([]byte("a\n\n"))}, errors.New("none"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := execOf(t, c.args...)
			_, err := s.Get(context.Background(), "TOKEN")
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			exact := c.kind == nil
			if c.args[0] == "fail" && c.kind == nil {
				c.kind, c.want = ErrUnavailable, strings.Replace(c.want, "TOKEN: VAULT", "TOKEN: not available (VAULT", 1)+")"
			}
			e := new(Error)
			if !errors.As(err, &e) || e.Kind != c.kind || e.Cause != nil || e.Name != "TOKEN" {
				t.Fatalf("got %#v", err)
			}
			got := strings.ReplaceAll(err.Error(), s.options.Commands["TOKEN"][0], "VAULT")
			if !strings.Contains(got, c.want) || strings.Contains(got, secret) || strings.Contains(got, "more\n") {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if exact && !strings.HasSuffix(got, c.want) {
				t.Errorf("%q says more than %q", got, c.want)
			}
		})
	}
}

func TestExecProgramCannotRun(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte{1, 2, 3}, 0o700); err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]error{
		"minibot-has-no-such-program": ErrUnavailable,
		filepath.Join(dir, "nothing"): ErrUnavailable,
		garbage:                       ErrUnavailable,
		plain:                         ErrDenied,
	} {
		s := &execStore{options: Options{Commands: map[string][]string{"TOKEN": {program}}}, wait: time.Minute}
		for what, err := range map[string]error{"Get": second(s.Get(context.Background(), "TOKEN")), "List": second(s.List(context.Background()))} {
			if !errors.Is(err, want) || errors.Is(err, ErrNotFound) {
				t.Errorf("%s %s: %v, want %v", what, program, err, want)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestExecReadOnly(t *testing.T) {
	s, err := Open("exec", "test", execOf(t, "get", seeded).options)
	if err != nil {
		t.Fatal(err)
	}
	wants := []Want{{Name: "OTHER", Generate: true}}
	_, _, err = Resolve(context.Background(), s, wants)
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "secret OTHER is not set (its store is read-only); give OTHER a command") {
		t.Error(err)
	}
}

func TestExecMinibotsOwnKey(t *testing.T) {
	ctx := context.Background()
	program := newFakeVault(t)
	template := Options{Command: []string{program, "fail", "1", "", "{name}"}}
	s, err := Open("exec", "test", template)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(ctx, s, false); !errors.Is(err, ErrNotFound) {
		t.Errorf("the template was asked for it: %v", err)
	}
	if _, err := LoadKey(ctx, s, true); !errors.Is(err, ErrReadOnly) {
		t.Error(err)
	}
	template.Commands = map[string][]string{"_label_key": {program, "bytes", hex.EncodeToString([]byte(strings.Repeat("A", 43) + "=\n"))}}
	if s, err = Open("exec", "test", template); err != nil {
		t.Fatal(err)
	}
	if key, err := LoadKey(ctx, s, false); err != nil || key.IsZero() {
		t.Error(err)
	}
	wantNames(t, s)
}

func TestExecListAsksForKnownNames(t *testing.T) {
	program := newFakeVault(t)
	options := Options{
		Command:  []string{program, "get", "{name}"},
		Commands: map[string][]string{"OWN": {program, "get", seeded}, "GONE": {program, "get", "GONE"}},
		Names:    []string{seeded, "OWN", "ABSENT", seeded},
	}
	s, err := Open("exec", "test", options)
	if err != nil {
		t.Fatal(err)
	}
	wantNames(t, s, "OWN", seeded)
	options.Commands["GONE"] = []string{program, "fail", "1", "", "locked"}
	if items, err := s.List(context.Background()); err == nil || items != nil || !strings.Contains(err.Error(), "GONE") {
		t.Errorf("a program that failed looks like one without the secret: %v, %v", items, err)
	}
	wantNames(t, mustOpen(t, "exec"))
}

func TestExecSeesASmallEnvironment(t *testing.T) {
	for name, text := range map[string]string{
		"MINIBOT_SECRET_TOKEN": canary, "MINIBOT_AGE_KEY": canary, "MINIBOT_TEST_CANARY": canary, "AWS_SECRET_ACCESS_KEY": canary,
		"OP_SERVICE_ACCOUNT_TOKEN": "op", "OPENAI_API_KEY": canary, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/b", "VAULT_ADDR": "v", "GPG_TTY": "/dev/pts/1",
	} {
		t.Setenv(name, text)
	}
	s := execOf(t, "environ")
	s.options.Pass = []string{"VAULT_ADDR", "MINIBOT_SECRET_TOKEN", "MINIBOT_AGE_KEY"}
	value, err := s.Get(context.Background(), "TOKEN")
	if err != nil {
		t.Fatal(err)
	}
	mustNotShow(t, "the child", string(value.Reveal()))
	for _, want := range []string{"OP_SERVICE_ACCOUNT_TOKEN=op", "DBUS_SESSION_BUS_ADDRESS=unix:path=/b", "VAULT_ADDR=v", "GPG_TTY=/dev/pts/1", "PATH=" + os.Getenv("PATH")} {
		if !strings.Contains("\n"+string(value.Reveal())+"\n", "\n"+want+"\n") {
			t.Errorf("the child does not see %s", want)
		}
	}
}

func TestExecSessions(t *testing.T) {
	ours, err := unix.Getsid(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, attended := range []bool{true, false} {
		s := execOf(t, "session")
		s.attended = attended
		value, err := s.Get(context.Background(), "TOKEN")
		if err != nil {
			t.Fatal(err)
		}
		var pid, group, session int
		fmt.Sscan(string(value.Reveal()), &pid, &group, &session)
		if group != pid || attended != (session == ours) || attended == (session == pid) {
			t.Errorf("attended %v: pid %d, group %d, session %d, ours %d", attended, pid, group, session, ours)
		}
	}
}

func TestExecHangs(t *testing.T) {
	t.Run("our limit is a locked store", func(t *testing.T) {
		s := execOf(t, "hang")
		s.wait = 10 * time.Millisecond
		_, err := s.Get(context.Background(), "TOKEN")
		if !errors.Is(err, ErrLocked) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer within 10ms") {
			t.Error(err)
		}
	})
	for _, attended := range []bool{true, false} {
		t.Run(fmt.Sprintf("its children end with it, attended %v", attended), func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			fifo := newFIFO(t)
			s := execOf(t, "child", fifo)
			s.attended = attended
			failed := make(chan error, 1)
			go func() { failed <- second(s.Get(ctx, "TOKEN")) }()

			runs := waitFIFO(t, fifo)
			cancel()
			if err := <-failed; anyKind(err) || !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if rest, err := io.ReadAll(runs); err != nil || len(rest) > 0 { // ends when nobody holds the FIFO
				t.Errorf("%q, %v", rest, err)
				unix.Kill(runs.pid, unix.SIGKILL)
			}
		})
	}
	t.Run("a helper that stays does not count", func(t *testing.T) {
		fifo := newFIFO(t)
		s := execOf(t, "leave", fifo)
		got := make(chan error, 1)
		go func() {
			value, err := s.Get(context.Background(), "TOKEN")
			if err == nil && string(value.Reveal()) != "value" {
				err = fmt.Errorf("got %q", value.Reveal())
			}
			got <- err
		}()
		runs := waitFIFO(t, fifo)
		if err := <-got; err != nil {
			t.Error(err)
		}
		if err := unix.Kill(runs.pid, unix.SIGKILL); err != nil {
			t.Error(err)
		}
		io.ReadAll(runs)
	})
}

func newFIFO(t *testing.T) string {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	return fifo
}

// announced is a process that holds a FIFO open.
type announced struct {
	io.Reader
	pid int
}

// waitFIFO waits until the process runs.
func waitFIFO(t *testing.T, fifo string) announced {
	t.Helper()
	f, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(f)
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid < 2 {
		t.Fatalf("pid %q", line)
	}
	return announced{r, pid}
}

func TestExecOptions(t *testing.T) {
	for name, c := range map[string]struct {
		options Options
		want    string
	}{
		"nothing":             {Options{}, ""},
		"a template":          {Options{Command: []string{"pass", "show", "minibot/{name}"}}, ""},
		"a command":           {Options{Commands: map[string][]string{"A": {"op"}, "_label_key": {"op"}}}, ""},
		"no place":            {Options{Command: []string{"pass", "show"}}, "the command has no argument with {name}, so every secret would get the same value"},
		"place in program":    {Options{Command: []string{"{name}"}}, "no argument with {name}"},
		"no program":          {Options{Command: []string{"", "{name}"}}, "the command names no program"},
		"NUL":                 {Options{Command: []string{"a", "{name}\x00"}}, "the command has a NUL"},
		"no program for one":  {Options{Commands: map[string][]string{"A": nil}}, "the command of A names no program"},
		"bad name":            {Options{Commands: map[string][]string{"a-b": {"op"}}}, `a command for secret name "a-b"`},
		"bad name to ask for": {Options{Names: []string{""}}, "secret name is empty"},
	} {
		_, err := Open("exec", "test", c.options)
		_, also := Describe("exec", "test", c.options)
		if c.want == "" && (err != nil || also != nil) {
			t.Errorf("%s: %v, %v", name, err, also)
		}
		if c.want != "" && (err == nil || anyKind(err) || !strings.Contains(err.Error(), c.want) || also == nil) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	o := Options{Command: []string{"{name}", "--{name}={name}", "{name}", "x"}, Commands: map[string][]string{"A": {"op", "{name}"}}}
	got, _ := o.argv("B")
	if diff := cmp.Diff([]string{"{name}", "--B=B", "B", "x"}, got); diff != "" {
		t.Errorf("template (-want +got):\n%s", diff)
	}
	got, _ = o.argv("A")
	if diff := cmp.Diff([]string{"op", "{name}"}, got); diff != "" {
		t.Errorf("own command (-want +got):\n%s", diff)
	}
	if o.Command[1] != "--{name}={name}" {
		t.Error("the template itself was changed")
	}
	text, err := Describe("exec", "test", Options{Command: []string{"pass", "show", "{name}"}, Commands: map[string][]string{"B": {"op"}, "A": {"op"}}})
	if want := "exec: output of `pass show {name}`, commands of their own for A, B"; err != nil || text != want {
		t.Errorf("%s, %v", text, err)
	}
}

// TestLimitsHoldInACopy: os/exec copies with io.Copy, which would pass by Write if the buffer had ReadFrom.
func TestLimitsHoldInACopy(t *testing.T) {
	l := limited{most: 10}
	if _, err := io.Copy(&l, strings.NewReader(strings.Repeat("x", 11))); err == nil || !l.over || l.buf.Len() > 10 {
		t.Errorf("%v, %d bytes", err, l.buf.Len())
	}
	h := head{most: 10}
	if n, err := io.Copy(&h, strings.NewReader(strings.Repeat("x", 11))); err != nil || n != 11 || h.buf.Len() != 10 {
		t.Errorf("%v, %d bytes", err, h.buf.Len())
	}
}

func BenchmarkExecSixGets(b *testing.B) {
	program := newFakeVault(b)
	s, err := Open("exec", "test", Options{Command: []string{program, "get", "{name}"}})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for range 6 {
			if _, err := s.Get(context.Background(), seeded); err != nil {
				b.Fatal(err)
			}
		}
	}
}
