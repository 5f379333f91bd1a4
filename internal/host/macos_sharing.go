package host

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// sharings are the services by which a Mac gives others something of its own: the name that a spec uses, the job
// of launchd that is the switch, and the port on which it listens.
var sharings = []struct {
	name, label string
	port        uint16
}{
	{"screen", "com.apple.screensharing", 5900},
	{"files", "com.apple.smbd", 445},
	{"events", "com.apple.AEServer", 3031},
	{"management", "", 3283},
	{"airplay", "", 7000},
}

// Sharings are the names of all that Sharing may find.
func Sharings() []string {
	names := []string{"internet"}
	for _, one := range sharings {
		names = append(names, one.name)
	}
	slices.Sort(names)
	return names
}

// Sharing lists by name what the Mac shares with others, each with what says so: a switch that is on, or a listener
// that others reach. Remote Login is none of them.
func (m Machine) Sharing(ctx context.Context) (map[string]string, error) {
	if err := m.only("darwin"); err != nil {
		return nil, err
	}
	jobs, err := m.jobs(ctx)
	if err != nil {
		return nil, fmt.Errorf("sharing: %w", err)
	}
	listeners, err := m.Listeners(ctx)
	if err != nil {
		return nil, fmt.Errorf("sharing: %w", err)
	}
	nat, set, err := m.preference(ctx, "/Library/Preferences/SystemConfiguration/com.apple.nat", "NAT")
	if err != nil {
		return nil, fmt.Errorf("sharing: %w", err)
	}
	found := map[string]string{}
	for _, one := range sharings {
		switch i := openAt(listeners, one.port); {
		case jobs[one.label]:
			found[one.name] = one.label + " is enabled"
		case i >= 0:
			found[one.name] = fmt.Sprintf("something listens on %s", listeners[i].Addr)
		}
	}
	if set && natEnabled.MatchString(nat) {
		found["internet"] = "com.apple.nat is enabled"
	}
	return found, nil
}

// natEnabled is the line of com.apple.nat that says that the Mac shares its connection.
var natEnabled = regexp.MustCompile(`(?m)^\s*Enabled = 1;`)

// openAt is the index of a TCP listener on a port that others reach; -1 if there is none.
func openAt(listeners []Listener, port uint16) int {
	return slices.IndexFunc(listeners, func(l Listener) bool {
		return l.Protocol == "tcp" && l.Addr.Port() == port && !l.Addr.Addr().IsLoopback()
	})
}

// jobs reads which jobs of launchd somebody switched on or off; a job that is not among them is as macOS has it, which is
// off for all that share.
func (m Machine) jobs(ctx context.Context) (map[string]bool, error) {
	out, err := m.Run(ctx, "/bin/launchctl", "print-disabled", "system")
	if err != nil {
		return nil, err
	}
	return parseDisabled(out)
}

// parseDisabled reads lines such as `"com.openssh.sshd" => enabled`; before macOS 13 they said `=> false` for what is
// not disabled.
func parseDisabled(out []byte) (map[string]bool, error) {
	jobs := map[string]bool{}
	header := false
	for line := range bytes.Lines(out) {
		text := strings.TrimSpace(string(line))
		if strings.HasPrefix(text, "disabled services") {
			header = true
		}
		label, state, ok := strings.Cut(text, " => ")
		if !ok {
			continue
		}
		switch state {
		case "enabled", "false":
			jobs[strings.Trim(label, `"`)] = true
		case "disabled", "true":
			jobs[strings.Trim(label, `"`)] = false
		default:
			return nil, fmt.Errorf("unknown state of a job: %.80q", text)
		}
	}
	if !header {
		return nil, fmt.Errorf("no list of jobs in %.80q", out)
	}
	return jobs, nil
}
