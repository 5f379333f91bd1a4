package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"minibot/internal/engine"
)

func TestExamineClock(t *testing.T) {
	for name, c := range map[string]struct {
		vitals engine.Vitals
		ok     bool
		found  string
	}{
		"agrees":      {engine.Vitals{Ahead: time.Second, Within: time.Millisecond}, true, "agrees"},
		"behind":      {engine.Vitals{Ahead: -7 * time.Minute, Within: time.Millisecond}, false, "7m0s behind"},
		"ahead":       {engine.Vitals{Ahead: 8 * time.Second, Within: time.Millisecond}, false, "8s ahead of"},
		"slow answer": {engine.Vitals{Ahead: 8 * time.Second, Within: 9 * time.Second}, true, "agrees"},
		"not told":    {engine.Vitals{}, false, "does not tell"},
	} {
		if got := examineClock(c.vitals); got.OK != c.ok || !strings.Contains(got.Found, c.found) || !got.OK && !got.Skipped && got.Remedy == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestExamineDisk(t *testing.T) {
	local := engine.Endpoint{Host: "unix:///run/docker.sock"}
	if got := examineDisk(local, engine.Vitals{DataRoot: t.TempDir()}); !strings.Contains(got.Found, " are free in ") {
		t.Errorf("%+v", got)
	}
	if got := examineDisk(local, engine.Vitals{DataRoot: "/proc"}); got.OK || got.Skipped || got.Remedy == "" {
		t.Errorf("nothing is free there: %+v", got)
	}
	for name, got := range map[string]condition{
		"in a virtual machine": examineDisk(local, engine.Vitals{DataRoot: filepath.Join(t.TempDir(), "none")}),
		"elsewhere":            examineDisk(engine.Endpoint{Host: "ssh://mini"}, engine.Vitals{DataRoot: "/"}),
	} {
		if got.OK || !got.Skipped {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestExamineState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	t.Setenv("MINIBOT_STATE_DIR", dir)
	want := func(ok bool, found string) {
		t.Helper()
		if got := examineState(); got.OK != ok || !strings.Contains(got.Found, found) {
			t.Errorf("%+v", got)
		}
	}
	want(true, "is made when it is needed")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	want(true, dir)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	want(false, "others may write")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want(false, "is no folder")
}
