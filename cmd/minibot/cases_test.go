package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// duty is how one command ends in all the ordinary bad cases. None of its calls has a terminal
// or an engine, so that one that needs neither is done.
type duty struct {
	call  string // with all that it needs
	stdin string
	spec  string // what it needs in the spec beside worldSpec
	ends  ends
	// says is in what it says when it is done. One that cannot be done here has in instead: the
	// script in testdata/scripts/engine, or the test, that does it on an engine or a terminal.
	says, in string
	wrong    string // a call with a mistake other than an unknown flag
	// asks is a call with a question that only a person can answer; asksIn is the script of one
	// that asks only after it has seen the engine.
	asks, asksIn string
	// reports are the predicaments in which it fails and still prints what it found out, some with --json alone.
	reports []string
	// program says that another program's words are on its standard output.
	program bool
}

// ends are the exit codes where something is missing or wrong.
type ends struct{ noEngine, noSpec, badSyntax, badWord int }

var (
	anywhere = ends{}
	onSpec   = ends{noSpec: exitError, badSyntax: exitError, badWord: exitError}
	onEngine = ends{exitError, exitError, exitError, exitError}
)

// duties have a row for every command.
var duties = []duty{
	{call: "init --none -f begun.hcl", ends: anywhere, says: "begun.hcl", wrong: "init --service nothing", asks: "init -f begun.hcl"},
	{call: "fmt", ends: ends{noSpec: exitError, badSyntax: exitError}, says: "is formatted|changed", wrong: "fmt one two"},
	{call: "validate", ends: onSpec, says: "valid", wrong: "validate this", reports: []string{"--json bad syntax", "--json bad word"}},
	{call: "render", ends: onSpec, says: "image: redis:7", wrong: "render -o one --check two"},
	{call: "lock", ends: onEngine, in: "lock_test.go", wrong: "lock --update=perhaps"},
	{call: "outdated", ends: onEngine, in: "lock_test.go", wrong: "outdated --secret-store nowhere"},
	{call: "plan", ends: onEngine, in: "lifecycle", wrong: "plan this"},
	{call: "apply -y", ends: onEngine, in: "lifecycle", wrong: "apply --remove-strays some.plan", asksIn: "lifecycle"},
	{call: "verify", ends: onEngine, in: "lifecycle", wrong: "verify --only nothing", reports: []string{"no engine"}},
	{call: "explain net.publish.loopback", ends: anywhere, says: "loopback", wrong: "explain nothing"},
	{call: "status", ends: onEngine, in: "status", wrong: "status this"},
	{call: "logs", ends: onEngine, in: "logs", wrong: "logs -n some"},
	{call: "tunnel --print", spec: `remote "ssh" { destination = "me@mini.local" }` + "\n", ends: onSpec, says: "me@mini.local", wrong: "tunnel --print=perhaps"},
	{call: "history", ends: onSpec, says: "Nothing was done yet|entries", wrong: "history -n 0"},
	{call: "schedule install", ends: onSpec, says: "box", wrong: "schedule install --keep 0"},
	{call: "schedule status", ends: onSpec, says: "box", wrong: "schedule status this"},
	{call: "schedule remove", ends: onSpec, says: "box", wrong: "schedule remove this"},
	{call: "schedule run", ends: onEngine, in: "canary_test.go", wrong: "schedule run --keep 0", reports: []string{"no engine"}},
	{call: "secret set -y KEY", stdin: "another", ends: onSpec, says: "Replaced KEY", wrong: "secret set", asks: "secret set KEY"},
	{call: "secret generate", ends: onSpec, says: "Generated MADE", wrong: "secret generate KEY MADE"},
	{call: "secret list", ends: onSpec, says: "KEY", wrong: "secret list KEY"},
	{call: "secret check --secret-store env", ends: onSpec, says: "2 secrets present", wrong: "secret check KEY"},
	{call: "secret show KEY", ends: ends{exitUsage, exitUsage, exitUsage, exitUsage}, in: "terminal_linux_test.go", wrong: "secret show", asks: "secret show KEY"},
	{call: "secret where", ends: onSpec, says: "file", wrong: "secret where KEY"},
	{call: "secret import -", stdin: "KEY=kept\n", ends: onSpec, says: "KEY", wrong: "secret import one two"},
	{call: "secret export --secret-store env --to file KEY", ends: onSpec, says: "KEY", wrong: "secret export --to nowhere"},
	{call: "secret rotate MADE -y", ends: onEngine, in: "depends-restart", wrong: "secret rotate", asksIn: "depends-restart"},
	{call: "secret rm -y KEY", ends: onSpec, says: "Removed KEY", wrong: "secret rm", asks: "secret rm KEY"},
	{call: "run --only KEY -- echo handed over", ends: onSpec, says: "handed over", wrong: "run echo", program: true},
	{call: "destroy -y", ends: onEngine, in: "lifecycle", wrong: "destroy this", asksIn: "history"},
	{call: "doctor", ends: onEngine, in: "doctor", wrong: "doctor this", reports: []string{"no engine", "no spec", "bad syntax", "bad word"}},
	{call: "help exit-codes", ends: anywhere, says: "130", wrong: "help nothing"},
	{call: "completion bash", ends: anywhere, says: "__complete", wrong: "completion tcsh"},
	{call: "version", ends: anywhere, says: "dev", wrong: "version this"},
	{call: "__complete fish pl", ends: anywhere, says: "plan", program: true},
	{call: "__man pages", ends: anywhere, wrong: "__man"},
}

// predicament is what is missing or wrong when a command is called.
type predicament struct {
	name string
	call func(duty) string // "" where it has none
	want func(duty) int
	spec string // what stands after a right one
	hint string // what a failure says to do
}

var predicaments = []predicament{
	{name: "no engine", call: good, want: func(d duty) int { return d.ends.noEngine }, hint: `DOCKER_HOST or --context|Start the engine|reports/box/|"report": `},
	{name: "no spec", call: good, want: func(d duty) int { return d.ends.noSpec }, hint: "minibot init"},
	{name: "bad syntax", call: good, want: func(d duty) int { return d.ends.badSyntax }, spec: "name =\n", hint: `minibot\.hcl`},
	{name: "bad word", call: good, want: func(d duty) int { return d.ends.badWord }, spec: "colour = 1\n", hint: `minibot\.hcl`},
	{name: "unknown flag", call: misflagged, want: always(exitUsage)},
	{name: "wrong argument", call: func(d duty) string { return d.wrong }, want: always(exitUsage)},
	{name: "no terminal", call: func(d duty) string { return d.asks }, want: always(exitUsage)},
}

func good(d duty) string { return d.call }

func always(code int) func(duty) int { return func(duty) int { return code } }

// misflagged is the call with a flag that no command has, where it would be the command's own.
func misflagged(d duty) string {
	name := d.command().Path()
	if d.command().Passthrough {
		return "" // it takes every word
	}
	return name + " --no-such-flag" + strings.TrimPrefix(d.call, name)
}

// command is the one that is called.
func (d duty) command() *kong.Node {
	traced, err := kong.Trace(newParser(&commands{}), strings.Fields(d.call))
	if err != nil || traced.Selected() == nil {
		panic(fmt.Sprintf("minibot %s: %v", d.call, err))
	}
	return traced.Selected()
}

// Every command ends as it should where something is wrong or missing: with the exit code that is documented, nothing
// but results on standard output, a word about what to do, and nothing changed.
func TestEveryCommand(t *testing.T) {
	var calls [][]string
	begin := furnished(t)
	for _, d := range duties {
		calls = append(calls, strings.Fields(d.call))
		t.Run(strings.ReplaceAll(d.command().Path(), " ", "-"), func(t *testing.T) {
			t.Parallel()
			d.whole(t)
			for _, p := range predicaments {
				for _, flags := range []string{"", "--json "} {
					if p.call(d) != "" {
						t.Run(flags+p.name, func(t *testing.T) { d.holds(t, begin, p, flags) })
					}
				}
			}
		})
	}
	for _, path := range withoutCall(t, calls) {
		t.Errorf("no row in duties calls `minibot %s`: add one, and say how it ends where something is wrong", path)
	}
}

// whole makes sure that the row leaves nothing out: what cannot be seen here is seen elsewhere.
func (d duty) whole(t *testing.T) {
	node := d.command()
	if (d.in == "") != (d.ends.noEngine == exitDone) {
		t.Error("what needs an engine or a terminal says where it has one, and nothing else does")
	}
	if d.wrong == "" && !node.Passthrough {
		t.Error("no call is wrong")
	}
	yes := slices.ContainsFunc(node.Flags, func(flag *kong.Flag) bool { return flag.Name == "yes" })
	if yes && d.asks == "" && d.asksIn == "" {
		t.Error("it has --yes, and no call asks")
	}
	seenIn(t, d.in, exitDone, node.Path())
	seenIn(t, d.asksIn, exitUsage, node.Path())
}

// seenIn makes sure that a test, or a script on an engine, calls a command; the script with that exit code.
func seenIn(t *testing.T, file string, code int, path string) {
	if file == "" {
		return
	}
	text := `"` + strings.ReplaceAll(path, " ", `", "`) + `"`
	if !strings.HasSuffix(file, ".go") {
		file = filepath.Join("testdata", "scripts", "engine", file+".txtar")
		text = fmt.Sprintf("\ncode %d minibot %s", code, path)
	}
	if content, err := os.ReadFile(file); err != nil || !strings.Contains(string(content), text) {
		t.Errorf("%s has no call %q (%v)", file, text, err)
	}
}

// holds calls minibot once, and judges what comes of it.
func (d duty) holds(t *testing.T, begin files, p predicament, flags string) {
	begin = maps.Clone(begin)
	if begin[specFile] += d.spec + p.spec; p.name == "no spec" {
		delete(begin, specFile)
	}
	w := newWorld(t, begin)
	got := w.minibot(flags+p.call(d), d.stdin)
	if want := p.want(d); got.code != want {
		t.Errorf("exit code %d, want %d", got.code, want)
	}
	if !slices.ContainsFunc(exitCodes, func(known exitCode) bool { return known.Code == got.code }) {
		t.Errorf("exit code %d is not documented", got.code)
	}
	if fellOver.MatchString(got.stdout + got.stderr) {
		t.Error("it fell over")
	}
	if flags != "" && !d.program && !isJSON(got.stdout) {
		t.Error("standard output is no JSON")
	}
	switch {
	case got.code != exitDone:
		got.failed(t, p.hint, slices.Contains(d.reports, p.name) || slices.Contains(d.reports, flags+p.name))
		if diff := cmp.Diff(begin, w.now()); diff != "" {
			t.Errorf("files have changed (-before +after):\n%s", diff)
		}
	case p.name == "no engine" && !regexp.MustCompile(d.says).MatchString(got.stdout+got.stderr):
		t.Errorf("it does not say %q", d.says)
	}
	if t.Failed() {
		t.Logf("minibot %s%s\nstdout: %s\nstderr: %s", flags, p.call(d), got.stdout, got.stderr)
	}
}

var (
	// fellOver is how Go says that a program is broken.
	fellOver = regexp.MustCompile(`(?m)^(panic|fatal error|runtime error|goroutine \d+|\s*\S+\.go:\d+)`)
	// usageHint is what to do about a mistake on the command line, and about a question with nobody to answer it.
	usageHint = `Run "minibot [a-z_ ]+ --help"|Add -y|Say it with a flag`
)

// failed judges a failure: it says what to do, and has no results unless it is one that reports.
func (got aftermath) failed(t *testing.T, hint string, reports bool) {
	if got.code == exitUsage {
		hint = usageHint
	}
	if !regexp.MustCompile(hint).MatchString(got.stdout + got.stderr) {
		t.Errorf("it does not say what to do: no %s", hint)
	}
	switch {
	case reports && got.stdout == "":
		t.Error("it prints no report")
	case !reports && got.stdout != "":
		t.Error("standard output has more than results")
	case !reports && got.stderr == "":
		t.Error("standard error does not say why")
	}
}
