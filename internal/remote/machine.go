// Package remote starts programs on another machine by the ssh program, as whoever runs minibot reaches that machine:
// with his configuration, his agent and his known hosts. Nothing is asked: where ssh would have to, it fails and says so.
//
// All programs share one connection, because each of its own would take a handshake, and a server turns away whoever
// begins more than ten at once (MaxStartups). It lets ten run on one connection, that which holds it included
// (MaxSessions, both sshd_config(5)); the ssh of one more connects for itself. This package may not read or write a file
// over there, and knows neither engines nor stacks. No secret of minibot's is in the environment of an ssh that it starts.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/docker/cli/cli/connhelper/ssh"

	"minibot/internal/secret"
)

// Machine is another machine. It is safe for concurrent use.
type Machine struct {
	// Name is what ssh calls it, as in ssh NAME: the host, and the user if the URL has one.
	Name string

	destination []string // as arguments of ssh
	mu          sync.Mutex
	dir         string   // of the socket by which the programs share the connection; "" before there was one
	master      *Process // holds the connection; nil before the first
}

// New is the machine of a URL such as ssh://me@mini.local:2222. Nothing is connected yet.
func New(url string) (*Machine, error) {
	to, err := ssh.ParseURL(url)
	if err != nil {
		return nil, err
	}
	m := &Machine{Name: to.Host}
	if to.User != "" {
		m.Name = to.User + "@" + to.Host
		m.destination = append(m.destination, "-l", to.User)
	}
	if to.Port != "" {
		m.destination = append(m.destination, "-p", to.Port)
	}
	m.destination = append(m.destination, "--", to.Host)
	return m, nil
}

// plain is what ssh is told on every call, so that nothing in a person's configuration makes something else of it than a
// program with its three streams.
var plain = []string{
	"-T", "-o", "RemoteCommand=none", "-o", "ClearAllForwardings=yes", "-o", "ControlPersist=no",
	"-o", "ConnectTimeout=30", "-o", "ServerAliveInterval=10",
}

// connected is what the first ssh prints once others can share its connection.
const connected = "minibot\n"

// Start starts a program over there, by the person's shell, and connects if no connection is left. The error is an *Error
// where ssh does not come through. A program that cannot be started says so where its output should be.
func (m *Machine) Start(ctx context.Context, argv []string) (*Process, error) {
	socket, err := m.connect(ctx)
	if err != nil {
		return nil, err
	}
	return m.ssh(argv, "-o", "ControlMaster=no", "-o", "ControlPath="+socket)
}

// connect makes sure that there is a connection, and returns its socket.
func (m *Machine) connect(ctx context.Context) (socket string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dir == "" {
		if m.dir, err = os.MkdirTemp("", "minibot-"); err != nil {
			return "", fmt.Errorf("ssh %s: %w", m.Name, err)
		}
	}
	socket = filepath.Join(m.dir, "ssh")
	if m.master != nil && !m.master.ended() {
		return socket, nil
	}
	// The program over there ends with its input, and so with minibot, whatever becomes of that.
	master, err := m.ssh([]string{"cat"}, "-o", "ControlMaster=yes", "-o", "ControlPath="+socket,
		"-o", "PermitLocalCommand=yes", "-o", "LocalCommand=echo "+strings.TrimSpace(connected))
	if err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { master.Close() })
	defer stop()
	word := make([]byte, len(connected))
	switch _, err := io.ReadFull(master, word); {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil:
		master.Close()
		return "", err
	case string(word) != connected:
		master.Close()
		return "", &Error{Machine: m.Name, Said: fmt.Sprintf("it answers %q, and not what ssh was told to say", word)}
	}
	go io.Copy(io.Discard, master) // until it ends, which another Start then knows
	m.master = master
	return socket, nil
}

// ssh starts an ssh that starts a program.
func (m *Machine) ssh(argv []string, flags ...string) (*Process, error) {
	p, err := start(m.Name, secret.Environ(), slices.Concat(flags, plain, m.destination, []string{quoted(argv)}))
	if err != nil {
		return nil, fmt.Errorf("ssh %s: %w", m.Name, err)
	}
	return p, nil
}

// quoted is a program with its arguments as a POSIX shell reads them.
func quoted(argv []string) string {
	words := make([]string, len(argv))
	for i, arg := range argv {
		words[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	return strings.Join(words, " ")
}

// Close ends the connection, and with it every program.
func (m *Machine) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var err error
	if m.master != nil {
		err = m.master.Close()
		m.master = nil
	}
	if m.dir != "" {
		err = errors.Join(err, os.RemoveAll(m.dir))
		m.dir = ""
	}
	return err
}
