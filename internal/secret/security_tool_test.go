package secret

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestToolShowsNothingToOtherProcesses(t *testing.T) {
	ctx := context.Background()
	t.Setenv("MINIBOT_TEST_CANARY", canary) // in our environment, not to be handed down
	t.Setenv("HOME", t.TempDir())
	dir := newFakeSecurity(t)
	s := newToolStore(dir)
	if err := s.Set(ctx, "TOKEN", NewValue([]byte(canary))); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, "TOKEN", canary)
	wantNames(t, s, "TOKEN")
	if err := s.Delete(ctx, "TOKEN"); err != nil {
		t.Fatal(err)
	}

	calls := fakeCallsOf(t, dir)
	if len(calls) != 4 {
		t.Errorf("%d runs, want 4", len(calls))
	}
	for _, call := range calls {
		seen := strings.Join(append(call.Args, call.Env...), "\n")
		mustNotShow(t, "the child", seen)
		if strings.Contains(seen, base64.StdEncoding.EncodeToString([]byte(canary))) {
			t.Error("base64 shows")
		}
		if diff := cmp.Diff([]string{filepath.Join(dir, "security"), "-i"}, call.Args); diff != "" {
			t.Errorf("arguments (-want +got):\n%s", diff)
		}
		for _, pair := range call.Env {
			switch name, _, _ := strings.Cut(pair, "="); name {
			case "PATH", "LC_ALL", "HOME", "USER", "LOGNAME":
			default:
				t.Errorf("environment has %s", pair)
			}
		}
	}
}

func TestToolFillsEveryAttribute(t *testing.T) {
	dir := newFakeSecurity(t)
	if err := newToolStore(dir).Set(context.Background(), "TOKEN", NewValue([]byte("value"))); err != nil {
		t.Fatal(err)
	}
	want := []fakeItem{{"minibot.test", "TOKEN", "minibot test TOKEN", "minibot secret", hex.EncodeToString([]byte("value"))}}
	if diff := cmp.Diff(want, readFakeItems(dir)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

func TestToolLeavesForeignItemsAlone(t *testing.T) {
	ctx := context.Background()
	dir := newFakeSecurity(t)
	foreign := []fakeItem{{"com.apple.assistant", "TOKEN", "Siri", "", "00"}, {"minibot.other", "TOKEN", "l", "d", "6f74686572"}}
	writeFakeItems(dir, foreign)
	s := newToolStore(dir)
	wantNames(t, s)
	if _, err := s.Get(ctx, "TOKEN"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if err := s.Delete(ctx, "TOKEN"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Delete: %v", err)
	}
	if err := s.Set(ctx, "TOKEN", NewValue([]byte("ours"))); err != nil {
		t.Error(err)
	}
	wantValue(t, s, "TOKEN", "ours")
	if diff := cmp.Diff(foreign, readFakeItems(dir)[:2]); diff != "" {
		t.Errorf("foreign items (-want +got):\n%s", diff)
	}
}

func TestToolErrors(t *testing.T) {
	for code, want := range map[int]error{
		44: ErrNotFound, 36: ErrLocked, 51: ErrDenied, 128: ErrDenied, 53: ErrUnavailable, 50: ErrUnavailable, 37: ErrUnavailable,
		45: nil, 1: nil, 2: nil, 255: nil,
	} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			dir := newFakeSecurity(t)
			s := newToolStore(dir)
			setFakeMode(t, dir, strconv.Itoa(code))
			for what, err := range everyCall(context.Background(), s, "TOKEN") {
				e := new(Error)
				if !errors.As(err, &e) || e.Kind != want || e.Name != "TOKEN" || want != nil && e.Remedy == "" {
					t.Errorf("%s: %#v", what, err)
				}
			}
			if _, err := s.List(context.Background()); err == nil || want != nil && !errors.Is(err, want) {
				t.Errorf("List: %v", err)
			}
		})
	}
}

func TestToolHangs(t *testing.T) {
	dir := newFakeSecurity(t)
	setFakeMode(t, dir, "hang")
	s := guarded{"keychain", &toolStore{stack: "test", program: filepath.Join(dir, "security"), wait: 10 * time.Millisecond}}

	t.Run("our limit is a locked store", func(t *testing.T) {
		_, err := s.Get(context.Background(), "TOKEN")
		if !errors.Is(err, ErrLocked) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "screen") {
			t.Error(err)
		}
	})
	t.Run("the caller's limit is the caller's", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		_, err := s.Get(ctx, "TOKEN")
		if anyKind(err) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestToolIsMissing(t *testing.T) {
	_, err := newToolStore(t.TempDir()).Get(context.Background(), "TOKEN")
	if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestToolLimits(t *testing.T) {
	ctx := context.Background()
	dir := newFakeSecurity(t)
	s := newToolStore(dir)
	for _, c := range []struct {
		name string
		size int
	}{{"TOKEN", toolMaxValue + 1}, {strings.Repeat("N", 200), toolMaxValue}} {
		err := s.Set(ctx, c.name, NewValue(bytes.Repeat([]byte("v"), c.size)))
		if err == nil || anyKind(err) {
			t.Errorf("%d bytes as %s: %v", c.size, c.name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, fakeCalls)); err == nil {
		t.Error("the program was started")
	}
	if err := s.Set(ctx, strings.Repeat("N", 60), NewValue(bytes.Repeat([]byte("v"), toolMaxValue))); err != nil {
		t.Error(err)
	}
}

// TestFakeHasTheTraps shows that the fake would catch a store that forgets one of the rules.
func TestFakeHasTheTraps(t *testing.T) {
	dir := newFakeSecurity(t)
	raw := func(commands string) (string, int) {
		cmd := exec.Command(filepath.Join(dir, "security"), "-i")
		cmd.Stdin = strings.NewReader(commands)
		out, err := cmd.Output()
		if exit := new(exec.ExitError); errors.As(err, &exit) {
			return string(out), exit.ExitCode()
		}
		return string(out), 0
	}
	raw("add-generic-password -s s -a a -X deadbeef\nadd-generic-password -s s -a b -X 6465616462656566\n")
	binary, _ := raw("find-generic-password -s s -a a -w\n")
	text, _ := raw("find-generic-password -s s -a b -w\n")
	if !strings.HasSuffix(binary, "\ndeadbeef\n") || !strings.HasSuffix(text, "\ndeadbeef\n") {
		t.Error("-w is not ambiguous")
	}
	if _, code := raw("find-generic-password -s s -a nobody"); code != 0 {
		t.Error("a last line without newline was run")
	}
	if _, code := raw(`find-generic-password -s "" -a ""` + "\n"); code != 0 {
		t.Error("empty conditions do not match everything")
	}
	if _, code := raw("add-generic-password -s s -a c -X " + strings.Repeat("61", 2100) + "\n"); code != 1 {
		t.Errorf("the rest of a long line was not run as a command: %d", code)
	}
	if _, code := raw("add-generic-password -s s -a a -X 00\n"); code != 45 {
		t.Errorf("adding twice: %d", code)
	}
}

func TestParsePassword(t *testing.T) {
	for in, want := range map[string]string{
		"password: \"a\"b\"\n":                     `a"b`,
		"password: \"0x41\"\n":                     "0x41",
		"password: 0x6BC3A4  \"k\\303\\244\"\n":    "kä",
		"password: 0x00\n":                         "\x00",
		"security: note\npassword: \"x\"\nafter\n": "x",
		"password: \n":                             "",
		"password: 0xZZ\n":                         "error",
		"password: 0x6B6\n":                        "error",
		"password: \"\n":                           "error",
		"password: x\n":                            "error",
		"security: password: \"x\"\n":              "error",
		"":                                         "error",
		"find-generic-password: returned -25300\nnote:": "error",
	} {
		value, ok := parsePassword([]byte(in))
		got := string(value.Reveal())
		if !ok {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzParsePassword(f *testing.F) {
	for _, text := range nasty {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		parsePassword(b) // any output: no panic
		value, ok := parsePassword(fmt.Appendf(nil, "security: x\npassword: %s\n", fakePrint(b)))
		if !ok || !bytes.Equal(value.Reveal(), b) {
			t.Errorf("%q came back as %q, %v", b, value.Reveal(), ok)
		}
	})
}

func TestParseDump(t *testing.T) {
	dump := `security> keychain: "/Users/ada/Library/Keychains/login.keychain-db"
version: 512
class: "inet"
attributes:
    "acct"<blob>="WEB"
    "svce"<blob>="minibot.test"
keychain: "/Users/ada/Library/Keychains/login.keychain-db"
version: 512
class: "genp"
attributes:
    0x00000007 <blob>="minibot test B"
    "acct"<blob>="B"
    "mdat"<timedate>=0x32303236303130323033303430355A00  "20260102030405Z\000"
    "svce"<blob>="minibot.test"
class: "genp"
attributes:
    "acct"<blob>=0x6BC3A4  "k\303\244"
    "svce"<blob>="minibot.test"
class: "genp"
attributes:
    "acct"<blob>="OTHER"
    "svce"<blob>="minibot.test2"
class: "genp"
attributes:
    "acct"<blob>=<NULL>
    "svce"<blob>="minibot.test"
class: "genp"
attributes:
    "acct"<blob>="A"
    "mdat"<timedate>=<NULL>
    "svce"<blob>="minibot.test"
`
	want := []Item{{"B", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, {Name: "A"}}
	if diff := cmp.Diff(want, parseDump([]byte(dump), "minibot.test")); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

func FuzzParseDump(f *testing.F) {
	f.Add("class: \"genp\"\n    \"acct\"<blob>=\"A\"\n    \"svce\"<blob>=\"s\"\n")
	f.Fuzz(func(t *testing.T, dump string) {
		for _, item := range parseDump([]byte(dump), "s") {
			if item.Name == "" {
				t.Error("an item without a name")
			}
		}
	})
}

func fakeCallsOf(t *testing.T, dir string) []fakeCall {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, fakeCalls))
	if err != nil {
		t.Fatal(err)
	}
	var calls []fakeCall
	for line := range bytes.Lines(text) {
		var call fakeCall
		if err := json.Unmarshal(line, &call); err != nil {
			t.Fatal(err)
		}
		calls = append(calls, call)
	}
	return calls
}
