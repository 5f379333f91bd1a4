package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"minibot/internal/engine"
	"minibot/internal/host"
	"minibot/internal/lock"
	"minibot/internal/secret"
	"minibot/spec"
)

// mostSkew is how far the engine's clock may be off: one-time passwords and signed requests fail beyond some.
const mostSkew = 5 * time.Second

func examineClock(v engine.Vitals) condition {
	off := v.Ahead.Abs()
	word := "ahead of"
	if v.Ahead < 0 {
		word = "behind"
	}
	switch {
	case v.Within == 0:
		return skipped("clock", "the engine does not tell its time")
	case off > mostSkew+v.Within:
		return problem("clock", "Set both by NTP. The machine of Docker Desktop or Colima is set right when it is started again.", "the engine's is %s %s this machine's", off.Round(time.Second), word)
	}
	return fine("clock", "the engine's agrees with this machine's")
}

// leastDisk is how much should be free where images and volumes are.
const leastDisk = 2 << 30

func examineDisk(endpoint engine.Endpoint, v engine.Vitals) condition {
	if !endpoint.Local() {
		return skipped("disk", "the engine is on another machine")
	}
	free, size, err := host.Space(v.DataRoot)
	if errors.Is(err, fs.ErrNotExist) {
		return skipped("disk", fmt.Sprintf("%s is inside the engine's own machine; docker system df tells more", v.DataRoot))
	}
	if err != nil {
		return skipped("disk", err.Error())
	}
	words := fmt.Sprintf("%s of %s are free in %s", bytesWords(int64(free)), bytesWords(int64(size)), v.DataRoot)
	if free < leastDisk {
		return problem("disk", "To see what takes it: docker system df. Databases stop when it is full.", "%s", words)
	}
	return fine("disk", "%s", words)
}

// examineState looks at the folder of locks and the history: it is this user's, and nobody else writes there.
func examineState() condition {
	dir, err := stateDir()
	if err != nil {
		return problem("state", "", "%v", err)
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fine("state", "%s is made when it is needed", dir)
	case err != nil:
		return problem("state", "", "%v", err)
	case !info.IsDir():
		return problem("state", "Move it away, or set MINIBOT_STATE_DIR.", "%s is no folder", dir)
	case info.Mode().Perm()&0o022 != 0:
		return problem("state", "chmod go-w "+shellWords(dir), "others may write into %s", dir)
	}
	probe, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return problem("state", "Make it writable for this user, or set MINIBOT_STATE_DIR.", "%v", err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return problem("state", "", "%v", err)
	}
	return fine("state", "%s", dir)
}

// examineStack looks at what belongs to one stack.
func (a *app) examineStack(ctx context.Context, stack *spec.Stack, endpoint *engine.Endpoint) []condition {
	if stack == nil {
		return []condition{skipped("store", "which one is meant stands in the spec"), skipped("tools", "which are needed stands in the spec")}
	}
	all := []condition{a.examineStore(ctx, stack)}
	if endpoint != nil {
		all = append(all, examineLock(stack, *endpoint))
	}
	return append(all, examineTools(stack)...)
}

// examineStore looks at the store in use. It opens no dialog.
func (a *app) examineStore(ctx context.Context, stack *spec.Stack) condition {
	findings, err := secret.Survey(ctx, stack.Name, storeOptions(stack))
	if err != nil {
		return problem("store", "", "%v", err)
	}
	kind, _, because := a.chosen(stack)
	for _, one := range findings {
		if one.Kind != kind && (kind != "auto" || !one.Auto) {
			continue
		}
		if one.Problem != "" {
			return problem("store", one.Remedy, "%s (%s): %s", one.Kind, because, one.Problem)
		}
		return fine("store", "%s (%s)", one.Kind, because)
	}
	return problem("store", "minibot secret where", "there is no store %q here", kind)
}

// examineLock says who changes the stack now. That is no problem.
func examineLock(stack *spec.Stack, endpoint engine.Endpoint) condition {
	path, err := statePath("locks", stack.Name, endpoint, ".lock")
	if err != nil {
		return problem("lock", "", "%v", err)
	}
	holder, err := lock.Look(path)
	switch {
	case err != nil:
		return problem("lock", "", "%v", err)
	case holder.PID != 0:
		return fine("lock", "%s, process %d, is changing the stack since %s", holder.Command, holder.PID, holder.Since.Local().Format("15:04:05"))
	}
	return fine("lock", "free")
}

// examineTools looks for the programs that the spec makes minibot run, or needs for its ways in.
func examineTools(stack *spec.Stack) []condition {
	var all []condition
	need := func(name, why, remedy string, others ...string) {
		for _, candidate := range append([]string{name}, others...) {
			if path, err := exec.LookPath(candidate); err == nil {
				all = append(all, fine(name, "%s, for %s", path, why))
				return
			}
		}
		all = append(all, problem(name, remedy, "not found in the folders of PATH; needed for %s", why))
	}
	for _, remote := range stack.Remotes {
		switch remote.Kind {
		case "ssh":
			need("ssh", `remote "ssh"`, "Install OpenSSH's client.")
		case "tailscale":
			need("tailscale", `remote "tailscale"`, "Install Tailscale, or take the remote out of the spec.", "/Applications/Tailscale.app/Contents/MacOS/Tailscale")
		}
	}
	if store := stack.Store; store != nil && store.Kind == "exec" && len(store.Command) > 0 {
		need(store.Command[0], "the secret store", "Install it, or choose another store: minibot secret where")
	}
	return all
}
