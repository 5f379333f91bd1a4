package main

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"minibot/internal/testbed"
)

// Somebody else removes a container while minibot is about to change it: minibot says so instead of
// "no such container" and refuses, and the next apply makes it again.
func TestTargetMoved(t *testing.T) {
	t.Parallel()
	private := quiet(t)
	for _, s := range []scenario{
		{name: "update", args: []string{"apply", "-y"}, ready: func(d *disturbed) { d.describe("", 1) }},
		{name: "replace", args: []string{"apply", "-y"}, ready: func(d *disturbed) { d.describe("loglevel warning", 0) }},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var d *disturbed
			d = newDisturbed(t, private, s, fault{name: "removed by somebody else", verdict: testbed.Pass, strike: func() {
				id := strings.Split(d.met.Path, "/")[2] // of the container that the call is about
				if err := private.Client.ContainerRemove(t.Context(), id, container.RemoveOptions{Force: true}); err != nil {
					t.Error(err)
				}
			}})
			s.ready(d)
			said, code, met := d.meet(1, s.args)
			if met == nil || code != exitRefused || !strings.Contains(said, "the plan is stale: somebody else removed the container since it was made") || !strings.Contains(said, "minibot plan") {
				t.Errorf("exit code %d at %v:\n%s", code, met, said)
			}
			d.must("apply", "-y")
			d.must("plan", "--detailed-exitcode")
		})
	}
}
