package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"minibot/internal/testbed"
	"minibot/verify"
)

// An engine that is gone, shuts minibot out, or stops answering in the middle, at whichever call, makes errors of
// the checks that need it, within their deadline, and of no other; and minibot ends with exit code 1.
func TestEngineGone(t *testing.T) {
	m := newMachine(t)
	x := m.box(t, 0)

	calls, err := testbed.NewProxy(m.Host, nil)
	x.must(err)
	defer calls.Close()
	x.at(calls.Host()).verify()
	needed := len(calls.Calls())
	if needed < 8 {
		t.Fatalf("verify asks the engine %d times: the proxy is not in between", needed)
	}

	var all sync.WaitGroup
	for n := 1; n <= needed; n++ {
		for name, fault := range map[string]struct {
			verdict testbed.Verdict
			said    string
		}{
			"hangs": {testbed.Hang, "did not answer within 10s"}, "fails": {testbed.Fail500, ""}, "breaks off": {testbed.Cut, ""},
		} {
			all.Go(func() {
				t.Run(fmt.Sprintf("%s at call %d", name, n), func(t *testing.T) {
					x := x.in(t)
					proxy, err := testbed.NewProxy(m.Host, func(c testbed.Call) testbed.Verdict {
						if c.N == n {
							return fault.verdict
						}
						return testbed.Pass
					})
					x.must(err)
					defer proxy.Close()
					x = x.at(proxy.Host())
					report, code := x.report()
					if code == exitDone {
						x.known(report) // the client asked again, or in another way, and learned all
						return
					}
					x.blind(report, code, fault.said)
				})
			})
		}
	}
	all.Wait()

	t.Run("no socket", func(t *testing.T) {
		x := x.in(t).at("unix://" + filepath.Join(x.dir, "none.sock"))
		report, code := x.report()
		x.blind(report, code, "none.sock")
	})
	t.Run("no permission", func(t *testing.T) {
		x := x.in(t).at(calls.Host())
		x.must(os.Chmod(strings.TrimPrefix(calls.Host(), "unix://"), 0))
		x.wrap = []string{"setpriv", "--bounding-set=-dac_override,-dac_read_search"} // a root that has to ask like others
		report, code := x.report()
		x.blind(report, code, "permission denied")
	})
}

// at is the same stack, of which minibot asks an engine elsewhere.
func (x *target) at(host string) *target {
	other := *x
	other.host = host
	return &other
}

// blind fails the test unless a report says of checks that need the engine that they could not look, and of every other
// one the same as ever. If the engine was not observed at all, that is every one that needs it, and the report says why.
func (x *target) blind(report verify.Report, code int, said string) {
	x.Helper()
	if code != exitError {
		x.Errorf("exit code %d, want %d", code, exitError)
	}
	x.known(report)
	errors := map[string]bool{}
	named := false
	for _, r := range report.Results {
		if r.Status == verify.Error {
			errors[r.Check] = true
			named = named || r.Check == "stack.engine.reachable" && strings.Contains(r.Evidence, said)
		}
	}
	if len(errors) == 0 {
		x.Error("no check is an error")
	}
	if !errors["stack.engine.reachable"] {
		return // it was asked about one container then
	}
	if !named {
		x.Errorf("stack.engine.reachable does not say %q: %s", said, line(report.Results[0]))
	}
	for _, id := range []string{"stack.engine.reachable", "stack.service.running", "net.publish.loopback", "limit.memory", "hard.privileged"} {
		if !errors[id] {
			x.Errorf("%s is no error; these are: %s", id, strings.Join(slices.Sorted(maps.Keys(errors)), " "))
		}
	}
}

// known fails the test if a report says anything else than ever, but for errors.
func (x *target) known(report verify.Report) {
	x.Helper()
	ever := map[string]bool{}
	for _, r := range x.clean.Results {
		ever[claim(r)] = true
	}
	for _, r := range report.Results {
		// Without the engine, nobody knows whether a waiver is still needed.
		if r.Status != verify.Error && r.Check != "accept.unused" && !ever[claim(r)] {
			x.Errorf("it says %s", line(r))
		}
	}
}

// claim is what a result says, without what it saw.
func claim(r verify.Result) string { return fmt.Sprint(r.Status, " ", r.Check, " ", r.Object) }
