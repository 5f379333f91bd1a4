package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// On a terminal init asks for what the flags do not say, and again where it does not take the answer.
func TestInitAsks(t *testing.T) {
	dir := t.TempDir()
	begin := func(args ...string) *session { return sit(t, dir, append([]string{"init"}, args...)...) }
	written := func(file string, want bool) {
		t.Helper()
		if _, err := os.Stat(filepath.Join(dir, file)); errors.Is(err, fs.ErrNotExist) == want {
			t.Errorf("%s: %v, want it written: %v", file, err, want)
		}
	}
	const name, which = "Name of the stack [minibot]: ", "none [all]: "

	s := begin()
	s.expect(name)
	s.say("My Box")
	s.expect("A stack's name has lower-case letters")
	s.expect(name)
	s.say("box")
	s.expect("3  mongo     mongo:8 on 127.0.0.1:27017, memory 1G, CPUs 1")
	s.expect(which)
	s.say("2, mysql")
	s.expect(`There is no "mysql"; write some of postgres, redis, mongo, openclaw, or all, or none.`)
	s.expect(which)
	s.say("openclaw 2")
	s.expect(`Wrote minibot.hcl: the stack "box" with 2 services.`)
	s.end(exitDone)
	written("minibot.hcl", true)
	s = sit(t, dir, "validate")
	s.expect(`stack "box" with 2 services.`)
	s.end(exitDone)

	// A file that is there is said before anything is asked.
	s = begin()
	s.expect("minibot.hcl is there already")
	s.end(exitError)

	// Enter takes what is offered; the name may come by a flag. Who has a compose file is told of it.
	if err := os.WriteFile(filepath.Join(dir, "compose.yml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s = begin("-f", "all.hcl", "--name", "other")
	s.expect("minibot init --from compose.yml")
	s.expect(which)
	s.say("")
	s.expect(`the stack "other" with 4 services.`)
	s.expect("minibot secret set TELEGRAM_BOT_TOKEN -f all.hcl")
	s.end(exitDone)
	s = begin("-f", "none.hcl")
	s.expect(name)
	s.say("")
	s.expect(which)
	s.say("none")
	s.expect(`the stack "minibot" with 1 service.`)
	s.end(exitDone)

	// Interrupted, or ended, at each question.
	for _, key := range []struct {
		press string
		code  int
		shown string
	}{{interruptKey, exitInterrupted, "Interrupted."}, {"\x04", exitError, "no answer; nothing was written"}} {
		s = begin("-f", "new.hcl")
		s.expect(name)
		s.press(key.press)
		s.expect(key.shown)
		s.end(key.code)
		s = begin("-f", "new.hcl")
		s.expect(name)
		s.say("")
		s.expect(which)
		s.press(key.press)
		s.expect(key.shown)
		s.end(key.code)
		written("new.hcl", false)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*.hcl*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
