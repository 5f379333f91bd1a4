package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/google/go-cmp/cmp"
)

// noTrace holds that a stack in good order is told to be so, in the same words each time, and that nothing of it is left
// behind: not in what the engine holds, not in what the services write down, not in OpenClaw's count of wrong
// passwords.
func (x *target) noTrace(t *testing.T) {
	x = x.in(t)
	guesses := x.guesses()
	guesses(9) // one less than shuts this machine out; a right password ends the count
	before, begun := x.holdings(), time.Now()
	var first []byte
	for n := range 50 {
		out, code := x.look()
		switch {
		case code != exitDone:
			t.Fatalf("verify %d: exit code %d\n%s", n, code, out)
		case first == nil:
			first = out
		case !bytes.Equal(first, out):
			t.Errorf("verify %d says something else:\n%s", n, cmp.Diff(string(first), string(out)))
		}
	}
	t.Logf("50 times in %s", time.Since(begun).Round(time.Millisecond))
	guesses(9)
	if out, code := x.look(); code != exitDone {
		t.Errorf("after nine wrong passwords of somebody else's: exit code %d\n%s", code, out)
	}
	if diff := cmp.Diff(before, x.holdings()); diff != "" {
		t.Errorf("the engine holds something else than before (-before +after):\n%s", diff)
	}
	for _, service := range []string{"postgres", "redis", "mongo", "openclaw"} {
		for line := range strings.Lines(x.wrote(service, begun)) {
			if strange.MatchString(line) && !unasked.MatchString(line) {
				t.Errorf("%s writes down: %s", service, line)
			}
		}
	}
	if said := x.inside("redis", "sh", "-c", `REDISCLI_AUTH="$1" redis-cli ACL LOG`, "sh", x.secret("REDIS_PASSWORD")); strings.TrimSpace(said) != "" {
		t.Errorf("redis has noted refused commands: %s", said)
	}
}

// strange is what a service writes down about somebody who was not let in.
var strange = regexp.MustCompile(`(?i)fatal|password|authent|unauthor|wrongpass|denied|refused|not permitted|rate.?limit`)

// unasked is what one writes down about a question that came without a password, which is no login: PostgreSQL about a
// replica for which it has no rule (see probe.PostgresReplication), MongoDB about a listDatabases.
var unasked = regexp.MustCompile(`no pg_hba.conf entry for replication connection|listDatabases requires authentication|"codeName": "Unauthorized"`)

// holdings are all that the engine holds, without what changes by itself: the results of healthchecks, and the order of
// mounts.
func (x *target) holdings() map[string]string {
	x.Helper()
	all := map[string]string{}
	put := func(key string, of any) {
		x.Helper()
		text, err := json.MarshalIndent(of, "", " ")
		x.must(err)
		all[key] = string(text)
	}
	containers, err := x.api.ContainerList(x.ctx, container.ListOptions{All: true})
	x.must(err)
	for _, c := range containers {
		inspected, err := x.api.ContainerInspect(x.ctx, c.ID)
		x.must(err)
		inspected.ExecIDs = nil
		slices.SortFunc(inspected.Mounts, func(a, b container.MountPoint) int { return strings.Compare(a.Destination, b.Destination) })
		if inspected.State.Health != nil {
			inspected.State.Health.Log = nil
		}
		put("container "+inspected.Name, inspected)
	}
	networks, err := x.api.NetworkList(x.ctx, network.ListOptions{})
	x.must(err)
	for _, n := range networks {
		inspected, err := x.api.NetworkInspect(x.ctx, n.ID, network.InspectOptions{})
		x.must(err)
		put("network "+n.Name, inspected)
	}
	volumes, err := x.api.VolumeList(x.ctx, volume.ListOptions{})
	x.must(err)
	for _, v := range volumes.Volumes {
		v.CreatedAt = "" // of a local volume the engine tells when its folder last changed: a service writes there
		put("volume "+v.Name, v)
	}
	images, err := x.api.ImageList(x.ctx, image.ListOptions{All: true})
	x.must(err)
	for _, i := range images {
		i.Containers = 0 // -1 where nobody counts
		put("image "+i.ID, i)
	}
	return all
}

// wrote is what a container has printed since then.
func (x *target) wrote(service string, since time.Time) string {
	x.Helper()
	said, err := x.api.ContainerLogs(x.ctx, x.name(service), container.LogsOptions{ShowStdout: true, ShowStderr: true, Since: since.Format(time.RFC3339Nano)})
	x.must(err)
	defer said.Close()
	var out strings.Builder
	_, err = stdcopy.StdCopy(&out, &out, said)
	x.must(err)
	return out.String()
}

// guesses gives OpenClaw wrong passwords, as somebody else on this machine might.
func (x *target) guesses() func(n int) {
	web := http.Client{Transport: &http.Transport{DialContext: x.machine.Dial}}
	return func(n int) {
		x.Helper()
		for range n {
			request, err := http.NewRequestWithContext(x.ctx, http.MethodPost, "http://127.0.0.1:18789/tools/invoke", strings.NewReader("{}"))
			x.must(err)
			request.Header.Set("Authorization", "Bearer not-the-password")
			request.Header.Set("Content-Type", "application/json")
			answer, err := web.Do(request)
			x.must(err)
			answer.Body.Close()
			if answer.StatusCode != http.StatusUnauthorized {
				x.Fatalf("OpenClaw answers %s to a wrong password, want 401", answer.Status)
			}
		}
	}
}

// lockedOut holds that verify says so if somebody has guessed passwords until OpenClaw shut this machine out. Then
// the nine of noTrace were at the edge.
func (x *target) lockedOut(t *testing.T) {
	x = x.in(t)
	x.guesses()(10)
	report, code := x.report()
	var said []string
	for _, r := range report.Results {
		if strings.HasPrefix(r.Check, "auth.openclaw.") {
			said = append(said, fmt.Sprint(r.Status, " ", r.Evidence))
		}
	}
	if code != exitError || len(said) < 2 || !strings.Contains(strings.Join(said, "\n"), "error") || !strings.Contains(strings.Join(said, "\n"), "locked this address out") {
		t.Errorf("exit code %d, and: %q", code, said)
	}
}
