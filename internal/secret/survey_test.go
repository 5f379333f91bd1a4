package secret

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// surveyed returns the findings by kind.
func surveyed(t *testing.T, options ...Options) map[string]Finding {
	t.Helper()
	findings, err := Survey(context.Background(), "test", options...)
	if err != nil {
		t.Fatal(err)
	}
	byKind := map[string]Finding{}
	for _, f := range findings {
		byKind[f.Kind] = f
	}
	return byKind
}

func TestSurveyListsEveryKind(t *testing.T) {
	t.Setenv("MINIBOT_SECRETS_DIR", t.TempDir())
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	findings, err := Survey(context.Background(), "test")
	if err != nil {
		t.Fatal(err)
	}
	var got, want, auto []string
	for _, kind := range Kinds() {
		want = append(want, kind.Name)
	}
	for _, f := range findings {
		got = append(got, f.Kind)
		if f.Auto {
			auto = append(auto, f.Kind)
		}
		if f.Doc == "" || !f.Available && (f.Problem == "" || f.Remedy == "") || f.Available && f.Where == "" {
			t.Errorf("%+v", f)
		}
		if strings.Contains(f.Problem, f.Remedy) && f.Remedy != "" {
			t.Errorf("%s says the remedy twice: %+v", f.Kind, f)
		}
	}
	if diff := cmp.Diff(want[1:], got); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{autoKind(runtime.GOOS)}, auto); diff != "" {
		t.Errorf("auto (-want +got):\n%s", diff)
	}
}

func TestSurveyOfTheFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("MINIBOT_SECRETS_DIR", dir)
	before := treeOf(t, dir)
	if f := surveyed(t)["file"]; !f.Available || f.Problem != "" || f.Where != filepath.Join(dir, "test", "secrets.age") {
		t.Errorf("no vault yet: %+v", f)
	}
	if diff := cmp.Diff(before, treeOf(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	s := mustOpen(t, "file")
	if err := s.Set(context.Background(), "TOKEN", NewValue([]byte(canary))); err != nil {
		t.Fatal(err)
	}
	if f := surveyed(t)["file"]; !f.Available || f.Problem != "" {
		t.Errorf("with a vault: %+v", f)
	}
	key := filepath.Join(dir, "test", keyFile)
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if f := surveyed(t)["file"]; !f.Available || !strings.Contains(f.Problem, "access denied") || !strings.Contains(f.Remedy, "chmod 600") {
		t.Errorf("open key: %+v", f)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if f := surveyed(t)["file"]; !f.Available || !strings.Contains(f.Problem, "locked") {
		t.Errorf("no key: %+v", f)
	}
}

func TestSurveyRunsAndTakesNothing(t *testing.T) {
	t.Setenv("MINIBOT_SECRETS_DIR", t.TempDir())
	t.Setenv("MINIBOT_SECRET_TOKEN", canary)
	mark := filepath.Join(t.TempDir(), "ran")
	script := filepath.Join(t.TempDir(), "manager")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntouch '"+mark+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	f := surveyed(t, Options{Command: []string{script, "{name}"}})
	if _, err := os.Stat(mark); !errors.Is(err, os.ErrNotExist) {
		t.Error("the program was run")
	}
	if os.Getenv("MINIBOT_SECRET_TOKEN") != canary {
		t.Error("the variable was taken")
	}
	if !f["exec"].Available || f["exec"].Problem != "" || !strings.Contains(f["exec"].Where, script) || !f["env"].Available {
		t.Errorf("%+v", f)
	}
	for _, c := range []struct {
		options Options
		problem string
	}{
		{Options{}, "not available (no command)"},
		{Options{Commands: map[string][]string{"A": {"minibot-has-no-such-program"}}}, "there is no program minibot-has-no-such-program"},
	} {
		if f := surveyed(t, c.options)["exec"]; f.Available || !strings.Contains(f.Problem, c.problem) || f.Remedy == "" {
			t.Errorf("%+v, want %s", f, c.problem)
		}
	}
}

func TestSurveyEnds(t *testing.T) {
	if f, err := Survey(context.Background(), "Not A Stack"); err == nil || f != nil {
		t.Errorf("%v, %v", f, err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if f, err := Survey(cancelled, "test"); !errors.Is(err, context.Canceled) || f != nil {
		t.Errorf("%v, %v", f, err)
	}
}
