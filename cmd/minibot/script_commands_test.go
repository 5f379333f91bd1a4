package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/rogpeppe/go-internal/testscript"

	"minibot/internal/plan"
	"minibot/internal/testbed"
)

// scriptCommands are what scripts can say beyond testscript's own words.
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"code":      code,
		"edit":      edit,
		"until":     until,
		"listen":    listen,
		"ids":       ids,
		"replaced":  replaced,
		"restarted": restarted,
		"untouched": untouched,
		"since":     since,
		"found":     found,
	}
}

// code N PROGRAM ARGS… runs a program that must end with the exit code N.
func code(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// edit FILE OLD NEW replaces the only OLD in a file.
func edit(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if n := strings.Count(text, args[1]); n != 1 {
		ts.Fatalf("%q stands %d times in %s, want once", args[1], n, args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}

// until PATTERN PROGRAM ARGS… runs a program again and again until it prints the pattern.
func until(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("never printed %s (%v)", args[0], err)
		}
	}
}

// listen PORT holds a port of 127.0.0.1 until the script ends.
func listen(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", args[0]))
	ts.Check(err)
	ts.Defer(func() { listener.Close() })
}

type (
	engineKey struct{}
	seenKey   struct{}
	// seen is a container at one moment.
	seen struct{ id, started string }
)

// look lists the containers of the script's stack by their names.
func look(ts *testscript.TestScript) map[string]seen {
	engine, ctx := ts.Value(engineKey{}).(*testbed.Engine), context.Background()
	list, err := engine.Client.ContainerList(ctx, container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", plan.LabelProject+"="+ts.Getenv("STACK"))),
	})
	ts.Check(err)
	all := map[string]seen{}
	for _, c := range list {
		inspected, err := engine.Client.ContainerInspect(ctx, c.ID)
		ts.Check(err)
		name := strings.TrimPrefix(inspected.Name, "/"+ts.Getenv("STACK")+"-")
		all[name] = seen{c.ID, inspected.State.StartedAt}
	}
	return all
}

// ids remembers the containers of the stack: which they are, and since when they run.
func ids(ts *testscript.TestScript, _ bool, _ []string) {
	remembered := ts.Value(seenKey{}).(map[string]seen)
	clear(remembered)
	maps.Copy(remembered, look(ts))
}

// replaced SERVICE… says that since ids these were made anew (or made, or removed), that no
// other was touched, and remembers how it is now. restarted does so for containers that are
// the same and were started again; untouched for none.
func replaced(ts *testscript.TestScript, _ bool, args []string)  { each(ts, "replaced", args) }
func restarted(ts *testscript.TestScript, _ bool, args []string) { each(ts, "restarted", args) }
func untouched(ts *testscript.TestScript, _ bool, _ []string)    { each(ts, "", nil) }

func each(ts *testscript.TestScript, what string, names []string) {
	var want []string
	for _, name := range names {
		want = append(want, what+" "+name)
	}
	since(ts, false, want)
}

// since 'replaced SERVICE' 'restarted SERVICE'… says both in one.
func since(ts *testscript.TestScript, _ bool, want []string) {
	var got []string
	before, now := ts.Value(seenKey{}).(map[string]seen), look(ts)
	for name := range maps.Keys(now) {
		if _, ok := before[name]; !ok {
			before[name] = seen{}
		}
	}
	for name, was := range before {
		switch is := now[name]; {
		case is.id != was.id:
			got = append(got, "replaced "+name)
		case is.started != was.started:
			got = append(got, "restarted "+name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		ts.Fatalf("since ids: %q, want %q", got, want)
	}
	ids(ts, false, nil)
}

// interrupt [-KILL] PATTERN PROGRAM ARGS… is a program of its own: it runs another one, sends
// it SIGINT when it has written a line with the pattern to standard error, and ends as it does.
func interrupt() {
	args, signal := os.Args[1:], os.Interrupt
	if args[0] == "-KILL" {
		args, signal = args[1:], os.Kill
	}
	pattern := regexp.MustCompile(args[0])
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "interrupt:", err)
		os.Exit(1)
	}
	sent := false
	for lines := bufio.NewReader(stderr); ; {
		line, err := lines.ReadString('\n')
		_, _ = io.WriteString(os.Stderr, line)
		if !sent && pattern.MatchString(line) {
			sent = cmd.Process.Signal(signal) == nil
		}
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case !sent:
		fmt.Fprintf(os.Stderr, "interrupt: never saw %s (%v)\n", args[0], err)
		os.Exit(1)
	case errors.As(err, &exit):
		os.Exit(max(exit.ExitCode(), 0)) // -1 for one that was killed
	}
}
