package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"minibot/internal/testbed"
)

// bench is one run.
type bench struct {
	engine                     *testbed.Engine
	dir                        string
	minibot, compose, compose5 string // paths; compose5 may be ""
	results                    results
}

// Who does something. Wait is docker compose with --wait, which like minibot looks whether what it started stays up.
const (
	toolMinibot  = "minibot"
	toolCompose  = "compose v2.40.3"
	toolWait     = "compose v2.40.3 --wait"
	toolCompose5 = "compose v5"
	toolFloor    = "bare client"
)

func (b *bench) tools() []string {
	tools := []string{toolMinibot, toolCompose, toolWait}
	if b.compose5 != "" {
		tools = append(tools, toolCompose5)
	}
	return append(tools, toolFloor)
}

// What is done.
const (
	opVersion = "version"
	opPlan    = "plan, no change"
	opApply   = "apply, no change"
	opCold    = "apply, cold"
	opLimit   = "apply, a limit changed"
	opSetting = "apply, a variable changed"
)

// argv is the command with which a tool does something, or nil if it has none.
func (b *bench) argv(tool, op string, s stack, variant string) []string {
	up := func(program string, flags ...string) []string {
		return append([]string{program, "--progress", "plain", "-f", s.compose(variant), "up", "-d"}, flags...)
	}
	program := b.compose
	if tool == toolCompose5 {
		program = b.compose5
	}
	switch {
	case tool == toolFloor:
		return nil
	case tool == toolMinibot && op == opVersion:
		return []string{b.minibot, "version"}
	case tool == toolMinibot && op == opPlan:
		return []string{b.minibot, "-f", s.spec(variant), "plan"}
	case tool == toolMinibot:
		return []string{b.minibot, "-f", s.spec(variant), "apply", "--yes"}
	case tool == toolWait && (op == opVersion || op == opPlan):
		return nil
	case tool == toolWait:
		return up(program, "--wait")
	case op == opVersion:
		return []string{program, "version"}
	case op == opPlan:
		return up(program, "--dry-run")
	}
	return up(program)
}

// measure makes the stack of n services, does all there is to do with it, and removes it.
func (b *bench) measure(ctx context.Context, n, rounds, cold int) error {
	s, err := b.write(ctx, n)
	if err != nil {
		return err
	}
	b.say("%d services: counting calls", n)
	if err := b.count(ctx, s); err != nil {
		return err
	}
	if cold > 0 {
		b.say("%d services: cold starts", n)
		if err := b.cold(ctx, s, max(1, cold*20/max(20, n))); err != nil {
			return err
		}
	}
	b.say("%d services: no change", n)
	if err := b.unchanged(ctx, s, rounds); err != nil {
		return err
	}
	b.say("%d services: one changed", n)
	if err := b.changed(ctx, s, max(1, rounds/3)); err != nil {
		return err
	}
	return b.remove(ctx)
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}

// sample does something once and notes it.
func (b *bench) sample(ctx context.Context, tool, op string, s stack, variant string) error {
	argv := b.argv(tool, op, s, variant)
	if argv == nil {
		return nil
	}
	_, one, err := b.execAt(ctx, b.engine.Host, argv...)
	if err != nil {
		return err
	}
	b.results.of(s.n, op, tool).add(one)
	return nil
}

// inspection is a call that shows a whole container.
var inspection = regexp.MustCompile(`^GET /containers/[^/]+/json$`)

// count runs each program through a proxy, uncounted by the clock. It leaves the stack as minibot makes it, and
// holds that it is what both tools want: all else would be no comparison.
func (b *bench) count(ctx context.Context, s stack) error {
	tools := slices.DeleteFunc(b.tools(), func(tool string) bool { return tool == toolFloor })
	slices.Reverse(tools) // minibot last
	for _, op := range []string{opCold, opApply, opPlan} {
		for _, tool := range tools {
			argv := b.argv(tool, op, s, plain)
			if argv == nil || tool == toolWait {
				continue
			}
			if op == opCold {
				if err := b.remove(ctx); err != nil {
					return err
				}
			}
			proxy, err := testbed.NewProxy(b.engine.Host, nil)
			if err != nil {
				return err
			}
			said, _, err := b.execAt(ctx, proxy.Host(), argv...)
			r := b.results.of(s.n, op, tool)
			r.calls, r.inFlight = len(proxy.Calls()), proxy.MaxInFlight()
			inspected := map[string]bool{}
			for _, call := range proxy.Calls() {
				if inspection.MatchString(call.String()) {
					inspected[call.Path] = true
				}
			}
			r.inspected = len(inspected)
			if err := errors.Join(err, proxy.Close()); err != nil {
				return err
			}
			if op != opCold && tool != toolMinibot && strings.Contains(said, "Recreate") {
				return fmt.Errorf("%s would change what minibot made:\n%s", tool, said)
			}
		}
	}
	if _, err := b.exec(ctx, b.minibot, "-f", s.spec(plain), "plan", "--detailed-exitcode"); err != nil {
		return fmt.Errorf("minibot would change what it made: %w", err)
	}
	return nil
}

// cold makes the whole stack from nothing but the image. It ends with minibot's.
func (b *bench) cold(ctx context.Context, s stack, rounds int) error {
	d, err := b.define(ctx)
	if err != nil {
		return err
	}
	tools := b.tools()
	slices.Reverse(tools)
	for range rounds {
		for _, tool := range tools {
			if err := b.remove(ctx); err != nil {
				return err
			}
			if tool != toolFloor {
				if err := b.sample(ctx, tool, opCold, s, plain); err != nil {
					return err
				}
				continue
			}
			begun := time.Now()
			if err := d.make(ctx, b.engine.Client); err != nil {
				return err
			}
			b.results.of(s.n, opCold, tool).add(sample{wall: time.Since(begun)})
		}
	}
	return nil
}

// unchanged does what changes nothing.
func (b *bench) unchanged(ctx context.Context, s stack, rounds int) error {
	for range rounds {
		for _, op := range []string{opVersion, opPlan, opApply} {
			for _, tool := range b.tools() {
				if err := b.sample(ctx, tool, op, s, plain); err != nil {
					return err
				}
			}
		}
		begun := time.Now()
		if err := b.look(ctx); err != nil {
			return err
		}
		b.results.of(s.n, opPlan, toolFloor).add(sample{wall: time.Since(begun)})
	}
	return nil
}

// changed changes one service there and back. Minibot goes first, on containers of its own; what compose makes anew
// compose made before.
func (b *bench) changed(ctx context.Context, s stack, rounds int) error {
	for range rounds {
		for _, tool := range b.tools() {
			for op, variant := range map[string]string{opLimit: otherLimit, opSetting: otherSetting} {
				for _, to := range []string{variant, plain} {
					before, err := b.lives(ctx)
					if err != nil {
						return err
					}
					if err := b.sample(ctx, tool, op, s, to); err != nil {
						return err
					}
					after, err := b.lives(ctx)
					if err != nil {
						return err
					}
					maps.DeleteFunc(after, func(name, life string) bool { return before[name] == life })
					if r := b.results.of(s.n, op, tool); tool != toolFloor {
						r.restarts = max(r.restarts, len(after))
					}
				}
			}
		}
		// Minibot leaves what compose made as it is, and would replace it for a changed limit.
		if err := b.removeService(ctx, s.n-1); err != nil {
			return err
		}
		if _, err := b.exec(ctx, b.minibot, "-f", s.spec(plain), "apply", "--yes"); err != nil {
			return err
		}
	}
	return nil
}
