package lookout

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestWords(t *testing.T) {
	for line, want := range map[string][]string{
		"mail me@home":                  {"mail", "me@home"},
		`sh -c 'jq . | mail "me"' x`:    {"sh", "-c", `jq . | mail "me"`, "x"},
		`say "it's \"so\"" a\ b $HOME`:  {"say", `it's "so"`, "a b", "$HOME"},
		"echo `id` $(id)":               {"echo", "`id`", "$(id)"},
		"jq . | mail me":                nil,
		"jq . > file":                   nil,
		"a && b":                        nil,
		"a; b":                          nil,
		`say "it`:                       nil,
		"":                              nil,
		"  ":                            nil,
		`""`:                            nil,
		"'/Applications/A B.app/x' 'y'": {"/Applications/A B.app/x", "y"},
	} {
		got, err := Words(line)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%s: %q (%v), want %q", line, got, err, want)
		}
	}
}

// A program is told on its standard input, and sees none of minibot's secrets.
func TestTell(t *testing.T) {
	t.Setenv("MINIBOT_SECRET_A", "c4nary")
	t.Setenv("MINIBOT_AGE_KEY", "c4nary")
	t.Setenv("OTHER", "seen")
	var out bytes.Buffer
	if err := Tell(t.Context(), []string{"sh", "-c", "cat; env; echo to stderr >&2"}, []byte(`{"a":1}`), &out); err != nil {
		t.Fatal(err)
	}
	said := out.String()
	if !strings.HasPrefix(said, `{"a":1}`) || !strings.Contains(said, "OTHER=seen") || !strings.Contains(said, "to stderr") || strings.Contains(said, "c4nary") {
		t.Errorf("it said:\n%s", said)
	}
	if err := Tell(t.Context(), []string{"sh", "-c", "exit 3"}, nil, &out); err == nil || err.Error() != "sh: exit status 3" {
		t.Errorf("%v", err)
	}
	// One that does not read what it is told is no error.
	if err := Tell(t.Context(), []string{"true"}, bytes.Repeat([]byte("x"), 1<<20), &out); err != nil {
		t.Error(err)
	}
}

// The end of the context ends the program and its children.
func TestTellEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- Tell(ctx, []string{"sh", "-c", "sleep 1000 & echo $!; wait"}, nil, write) }()
	said := make([]byte, 20)
	n, err := read.Read(said)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(said[:n])))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	for deadline := time.Now().Add(10 * time.Second); syscall.Kill(child, 0) == nil && !zombie(child); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("its child lives on")
		}
	}
}

// zombie reports whether a process has ended, and nobody has asked how.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, state, _ := strings.Cut(string(stat), ") ")
	return err == nil && strings.HasPrefix(state, "Z")
}

// The text of a notification is an argument, and never a part of the script.
func TestDesktop(t *testing.T) {
	found := func(name string) (string, error) { return "/bin/" + name, nil }
	title, text := "minibot: box", `-x "; do shell script "id" <b>`
	for system, want := range map[string][]string{
		"darwin": {"/bin/osascript", "-e", "on run argv", "-e", "display notification (item 2 of argv) with title (item 1 of argv)", "-e", "end run", title, text},
		"linux":  {"/bin/notify-send", "--app-name=minibot", "--", title, "-x &#34;; do shell script &#34;id&#34; &lt;b&gt;"},
	} {
		command, err := desktop(system, found)
		if err != nil {
			t.Fatal(err)
		}
		if got := command(title, text); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", system, got, want)
		}
		for range 2 { // a second one is not appended to the first
			if got := command(title, "text"); got[len(got)-1] != "text" || len(got) != len(want) {
				t.Errorf("%s: %q", system, got)
			}
		}
		if _, err := desktop(system, func(string) (string, error) { return "", errors.New("no") }); err == nil || !strings.Contains(err.Error(), "there is no ") {
			t.Errorf("%s: %v", system, err)
		}
	}
}
