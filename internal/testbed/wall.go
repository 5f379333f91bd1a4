package testbed

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// walls are packet filter rules by which an engine before 28.0 closes what 28.0 closes by itself: they drop what another
// machine sends to a container, be it to the container's own address or, over the wire, to 127.0.0.1
// (facts/network-security.md §1.2; TestNeighbour has a neighbour try). The bridges of networks that are made later are in them,
// whatever their subnets. Answers to containers, what they say among themselves and what this machine says to
// them pass, and so does all that does not go to a bridge of Docker's.
var walls = [][]string{
	{"DOCKER-USER", "!", "-i", "br-+", "-o", "br-+", "-m", "conntrack", "--ctstate", "NEW", "-m", "comment", "--comment", "minibot-testbed", "-j", "DROP"},
	{"DOCKER-USER", "!", "-i", "docker0", "-o", "docker0", "-m", "conntrack", "--ctstate", "NEW", "-m", "comment", "--comment", "minibot-testbed", "-j", "DROP"},
}

// iptables runs iptables on one machine.
type iptables func(ctx context.Context, args ...string) error

func here(ctx context.Context, args ...string) error {
	_, err := run(ctx, "", nil, "iptables", args...)
	return err
}

// raise puts up those of the walls that do not stand. An engine leaves them alone, also when it starts again.
func raise(ctx context.Context, on iptables) error {
	for _, rule := range walls {
		if on(ctx, append([]string{"--wait", "--check"}, rule...)...) == nil {
			continue
		}
		if err := on(ctx, append([]string{"--wait", "--insert"}, rule...)...); err != nil {
			return fmt.Errorf("close the engine to neighbours: %w", err)
		}
	}
	return nil
}

// raze takes down those of the walls that stand.
func raze(ctx context.Context, on iptables) error {
	for _, rule := range walls {
		if on(ctx, append([]string{"--wait", "--check"}, rule...)...) != nil {
			continue
		}
		if err := on(ctx, append([]string{"--wait", "--delete"}, rule...)...); err != nil {
			return fmt.Errorf("open the engine to neighbours again: %w", err)
		}
	}
	return nil
}

// within runs iptables in a network namespace.
func within(machine *netns) iptables {
	return func(ctx context.Context, args ...string) error {
		return machine.do(func() error { return here(ctx, args...) })
	}
}

// Raze takes down the wall before the engine: it is open to neighbours then as Debian's is.
func (p *Private) Raze(ctx context.Context) error {
	machine, err := p.machine()
	if err != nil {
		return err
	}
	return raze(ctx, within(machine))
}

// Wall puts it up again, as it is after each start.
func (p *Private) Wall(ctx context.Context) error {
	machine, err := p.machine()
	if err != nil {
		return err
	}
	return raise(ctx, within(machine))
}

// Restore puts the packet filter of IPv4 back to what iptables-save has printed. A table that is not in there was empty.
func (p *Private) Restore(ctx context.Context, saved string) error {
	machine, err := p.machine()
	if err != nil {
		return err
	}
	for _, table := range []string{"raw", "mangle"} {
		if name := "*" + table + "\n"; !strings.Contains(saved, name) {
			saved += name + "COMMIT\n"
		}
	}
	return machine.do(func() error {
		cmd := exec.CommandContext(ctx, "iptables-restore")
		cmd.Stdin = strings.NewReader(saved)
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("packet filter: %w\n%s", err, said)
		}
		return nil
	})
}
