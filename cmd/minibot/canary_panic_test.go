package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"minibot/internal/engine"
	"minibot/internal/secret"
)

// envPanic makes TestPanics the child of TestCanary. It says where minibot is to panic.
const envPanic = "MINIBOT_CANARY_PANIC"

// panics runs minibot in a process that panics when it is about to write a text; with no
// text, when it holds everything that it can hold of a secret, and shows all that. The
// process may leave a core dump, if minibot lets it.
func (l *lab) panics(at string, args ...string) {
	l.Helper()
	said := l.run(call{
		via:   []string{"/bin/sh", "-c", `ulimit -c unlimited 2>/dev/null; exec "$@"`, "sh", os.Args[0], "-test.run=^TestPanics$"},
		args:  args,
		stdin: l.values["EMBED"],
		env:   []string{envPanic + "=at:" + at, "GOTRACEBACK=crash", "TMPDIR=" + l.path("input")},
		want:  -1,
	})
	if !strings.Contains(said, "panic: on purpose") || !strings.Contains(said, "goroutine ") {
		l.Errorf("minibot %s did not panic at %q:\n%s", strings.Join(args, " "), at, said)
	}
	if cores, _ := filepath.Glob(l.path("world/here/core*")); len(cores) > 0 {
		l.Errorf("a core dump: %s", cores)
	}
}

func TestPanics(t *testing.T) {
	at, child := strings.CutPrefix(os.Getenv(envPanic), "at:")
	switch {
	case !child:
		return
	case at == "":
		holdAll(t)
	}
	os.Exit(run(flag.Args()[1:], os.Stdin, os.Stdout, &fuse{os.Stderr, at}))
}

// fuse panics when a text is written.
type fuse struct {
	io.Writer
	at string
}

func (f *fuse) Write(text []byte) (int, error) {
	if strings.Contains(string(text), f.at) {
		panic("on purpose")
	}
	return f.Writer.Write(text)
}

// holdAll panics with all that a command may have in its hands, as a careless hand would
// print it.
func holdAll(t *testing.T) {
	if err := secret.Harden(); err != nil {
		t.Fatal(err)
	}
	a := newApp(Globals{File: "minibot.hcl"}, os.Stdin, os.Stdout, os.Stderr)
	loaded, err := a.load()
	if err != nil {
		t.Fatal(err)
	}
	store, err := loaded.store()
	if err != nil {
		t.Fatal(err)
	}
	values, _, err := secret.Resolve(t.Context(), store, wanted(secretNames(loaded.stack)))
	if err != nil {
		t.Fatal(err)
	}
	one, _ := values.Get("WHOLE")
	key, err := secret.LoadKey(t.Context(), store, true)
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := a.endpoint()
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Connect(t.Context(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	masker, err := loaded.masker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rotation := secret.Rotation{Old: one, New: one}
	secrets := engine.Secrets{Values: values, Key: key, Mask: loaded.masker}
	held := []any{store, values, one, &one, key, masker, rotation, secrets, e.Stack(loaded.project, secrets), loaded, *loaded, moved{value: one}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p"} {
		for _, thing := range held {
			fmt.Fprintf(os.Stderr, verb+"\n", thing)
		}
	}
	panic("on purpose")
}
