// Package host tells facts of the machine minibot runs on: whether the macOS application firewall is on, who
// listens on which port, the machine's own addresses, and the kind of container runtime behind an engine.
//
// It only reads: /proc on Linux, the output of three system tools on macOS. It may not change anything, ask
// for more rights than it has, judge what it found (that is verify's), or guess: what cannot be read or understood is
// an error and never "off" or "none". Every parser is pure, so those of one system are tested on the others.
package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// ErrNotApplicable means the fact does not exist on this kind of machine. The error that wraps it says why.
var ErrNotApplicable = errors.New("not applicable to this machine")

// Machine is where the facts are read from. [This] returns the real one; tests put others in its place.
type Machine struct {
	GOOS string // "darwin" or "linux", as runtime.GOOS has it

	// Proc is the root of Linux's proc file system. To find the owners of sockets it must be a [fs.ReadLinkFS].
	Proc fs.FS

	// Run runs a program, argv[0] being its absolute path, and returns its standard output, also beside an error. A
	// program that ended with another status than 0 is an error that has ExitCode() int.
	Run func(ctx context.Context, argv ...string) ([]byte, error)

	// Interfaces lists the network interfaces.
	Interfaces func() ([]Interface, error)
}

// Interface is one network interface: its name, whether it is up, and its addresses, as [net.Interface] has them.
type Interface struct {
	Name  string
	Up    bool
	Addrs []net.Addr
}

// This is the machine the program runs on.
func This() Machine {
	return Machine{GOOS: runtime.GOOS, Proc: os.DirFS("/proc"), Run: run, Interfaces: interfaces}
}

// commandTimeout bounds one run of a system tool.
const commandTimeout = 5 * time.Second

// run executes a program with an environment of its own, since some tools translate what they print.
func run(ctx context.Context, argv ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"LC_ALL=C", "LANG=C", "PATH=/usr/bin:/bin:/usr/sbin:/sbin"}
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case err == nil:
		return out, nil
	case ctx.Err() != nil:
		return out, fmt.Errorf("%s: %w", argv[0], ctx.Err())
	}
	if said, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n"); said != "" {
		return out, fmt.Errorf("%s: %w: %q", argv[0], err, said)
	}
	return out, fmt.Errorf("%s: %w", argv[0], err)
}
