package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"minibot/internal/secret"
	"minibot/spec"
)

type tunnelCmd struct {
	Services []string `arg:"" optional:"" name:"service" help:"The services to reach; all if left out." complete:"service"`
	Print    bool     `help:"Print the ssh command, and run nothing."`
}

func (*tunnelCmd) Examples() []example {
	return []example{
		{"minibot tunnel", "every bound port of the machine, here, until Ctrl-C"},
		{"minibot tunnel postgres", "one service alone"},
		{"minibot tunnel --print", "the ssh command that does it"},
	}
}

// forward is one port of the other machine, and where it is here.
type forward struct {
	Service string `json:"service"`
	Local   string `json:"local"`
	Remote  string `json:"remote"`
	// Wanted is the local port that is taken, if it is another one.
	Wanted int `json:"wanted,omitempty"`
}

// Run reaches the services' ports through the spec's remote "ssh".
func (c *tunnelCmd) Run(ctx context.Context, a *app) error {
	loaded, err := a.load()
	if err != nil {
		return err
	}
	destination, err := destinationOf(loaded.stack)
	if err != nil {
		return err
	}
	forwards, err := c.forwards(loaded.stack)
	if err != nil {
		return err
	}
	argv := sshArgv(destination, forwards)
	switch {
	case a.JSON:
		err = a.json(map[string]any{"format_version": "1", "destination": destination, "forwards": forwards, "command": argv})
	case c.Print:
		_, err = fmt.Fprintln(a.stdout, shellWords(argv...))
	default:
		err = a.viewForwards(destination, forwards)
	}
	if err != nil || c.Print {
		return err
	}
	return a.ssh(ctx, argv)
}

// destinationOf is where the spec's remote "ssh" is.
func destinationOf(stack *spec.Stack) (string, error) {
	for _, remote := range stack.Remotes {
		if remote.Kind == "ssh" {
			return remote.Destination, nil
		}
	}
	return "", errors.New(`the spec has no remote "ssh". Write where the machine is: remote "ssh" { destination = "user@host" }`)
}

// forwards finds a free port here for each port that a service binds there.
func (c *tunnelCmd) forwards(stack *spec.Stack) ([]forward, error) {
	for _, name := range c.Services {
		if stack.Service(name) == nil {
			return nil, unknownService(stack, name)
		}
	}
	var all []forward
	given := map[int]bool{}
	for _, service := range stack.Services {
		if len(c.Services) > 0 && !slices.Contains(c.Services, service.Name) {
			continue
		}
		for _, bind := range service.Binds {
			if bind.Protocol != "tcp" {
				continue // ssh forwards no other
			}
			port, err := localPort(bind.Published, given)
			if err != nil {
				return nil, err
			}
			one := forward{Service: service.Name, Local: hostPort(spec.DefaultHostIP, port), Remote: hostPort(bind.HostIP, bind.Published)}
			if port != bind.Published {
				one.Wanted = bind.Published
			}
			all = append(all, one)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("there is nothing to reach: no service that is meant binds a tcp port")
	}
	return all, nil
}

// unknownService says which services there are.
func unknownService(stack *spec.Stack, name string) error {
	var names []string
	for _, service := range stack.Services {
		names = append(names, service.Name)
	}
	near := spec.Nearest(name, names)
	if near != "" {
		near = fmt.Sprintf(" Did you mean %q?", near)
	}
	return fmt.Errorf("the spec has no service %q.%s It has: %s", name, near, strings.Join(names, ", "))
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// localPort is the first free port from one on that was not given yet.
func localPort(wanted int, given map[int]bool) (int, error) {
	for port := wanted; port <= 65535; port++ {
		if given[port] {
			continue
		}
		listener, err := net.Listen("tcp", hostPort(spec.DefaultHostIP, port))
		if err == nil {
			given[port] = true
			return port, listener.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES) {
			return 0, fmt.Errorf("port %d of this machine: %w", port, err)
		}
	}
	return 0, fmt.Errorf("no port of this machine is free from %d on", wanted)
}

// sshArgv is the command. ssh ends if it cannot listen on one of the ports, or loses the other side.
func sshArgv(destination string, forwards []forward) []string {
	argv := []string{"ssh", "-N", "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=15"}
	for _, one := range forwards {
		argv = append(argv, "-L", one.Local+":"+one.Remote)
	}
	return append(argv, destination)
}

// viewForwards says what is reachable where.
func (a *app) viewForwards(destination string, forwards []forward) error {
	paint := paint(a.colorOut)
	var out strings.Builder
	rows := table{{"service", "here", "there"}}
	for _, one := range forwards {
		rows = append(rows, []string{one.Service, one.Local, one.Remote})
	}
	fmt.Fprintf(&out, "Through %s, once ssh is connected and until Ctrl-C:\n\n", paint(bold, destination))
	rows.write(&out, a.width, func(row, column int, text string) string {
		switch {
		case row == 0:
			return paint(dim, text)
		case column == 1:
			return paint(bold, text)
		}
		return text
	})
	for _, one := range forwards {
		if one.Wanted != 0 {
			fmt.Fprintf(&out, "\n%s Port %d of this machine is taken: %s is at %s.", paint(yellow, "!"), one.Wanted, one.Service, one.Local)
		}
	}
	_, err := fmt.Fprintln(a.stdout, strings.TrimRight(out.String(), "\n"))
	return err
}

// sshEndedError tells how ssh to a destination ended. It said why itself.
type sshEndedError struct {
	destination string
	code        int
}

func (e *sshEndedError) Error() string { return fmt.Sprintf("ssh ended with exit code %d", e.code) }

// ssh runs until it ends, or the person has had enough. It sees no secret of minibot's.
func (a *app) ssh(ctx context.Context, argv []string) error {
	path, err := program(argv[0])
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, argv[1:]...)
	cmd.Args[0], cmd.Env = argv[0], secret.Environ()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.stdin, a.stderr, a.stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &exit):
		return &sshEndedError{argv[len(argv)-1], exit.ExitCode()}
	case err != nil:
		return fmt.Errorf("start ssh: %w", err)
	}
	return nil
}
