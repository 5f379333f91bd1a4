// Package host tells facts of the machine minibot runs on: its firewalls and what guards it, who listens on which
// port, its own addresses, what its packet filter lets through to containers, and the container runtime's settings.
//
// It only reads: files such as those of /proc, and the output of the system's own tools, each within 5 seconds. It may not
// change anything, ask for more rights than it has, judge what it found (that is verify's), or guess: what cannot be
// read or understood is an error and never "off" or "none". Every parser is pure, so those of one system are tested on the others.
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

// Why a fact cannot be told. The error that wraps one of them says more.
var (
	// ErrNotApplicable means that the fact does not exist on this kind of machine.
	ErrNotApplicable = errors.New("not applicable to this machine")
	// ErrNotInstalled means that the program which would tell is not there.
	ErrNotInstalled = errors.New("not installed")
	// ErrNeedsRoot means that only root may know.
	ErrNeedsRoot = errors.New("only root may read it")
)

// Machine is where the facts are read from. [This] returns the real one; tests and replays put others in its place.
type Machine struct {
	GOOS string // "darwin" or "linux", as runtime.GOOS has it
	// Root says that who runs minibot is root.
	Root bool
	// Home is his home directory, as a path in Files; "" if he has none.
	Home string
	// Files is the machine's file system, from its root. To find the owners of sockets it must be a [fs.ReadLinkFS].
	Files fs.FS
	// Run runs a program, argv[0] being its absolute path, and returns its standard output, also beside an error. A
	// program that ended with another status than 0 is an [*ExitError].
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
	home, _ := os.UserHomeDir() // without one, nothing is looked for there
	return Machine{
		GOOS: runtime.GOOS, Root: os.Geteuid() == 0, Home: strings.Trim(home, "/"),
		Files: os.DirFS("/"), Run: run, Interfaces: interfaces,
	}
}

// commandTimeout bounds one run of a system tool.
const commandTimeout = 5 * time.Second

// run executes a program with an environment of its own: some tools translate what they print, and none is to get a
// secret that stands in minibot's.
func run(ctx context.Context, argv ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"LC_ALL=C", "LANG=C", "PATH=/usr/bin:/bin:/usr/sbin:/sbin",
		"HOME=" + os.Getenv("HOME"), // where runtimes' own tools find them
		"TAILSCALE_BE_CLI=1"}        // or the Mac App Store's Tailscale opens a window
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return out, nil
	case ctx.Err() != nil:
		return out, fmt.Errorf("%s: %w", argv[0], ctx.Err())
	case errors.As(err, &ended) && ended.ExitCode() >= 0:
		return out, &ExitError{Program: argv[0], Status: ended.ExitCode(), Stderr: stderr.String()}
	}
	return out, fmt.Errorf("%s: %w", argv[0], err)
}

// ExitError is the error of a program that ended with another status than 0.
type ExitError struct {
	Program string
	Status  int
	Stderr  string // all that it wrote there
}

// Error shows the first line of what the program wrote.
func (e *ExitError) Error() string {
	text := fmt.Sprintf("%s: exit status %d", e.Program, e.Status)
	if said, _, _ := strings.Cut(strings.TrimSpace(e.Stderr), "\n"); said != "" {
		text += fmt.Sprintf(": %q", said)
	}
	return text
}

// ended tells whether an error is that of a program which ended with this status, and what it wrote.
func ended(err error, status int) (stderr string, ok bool) {
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Status != status {
		return "", false
	}
	return exit.Stderr, true
}
