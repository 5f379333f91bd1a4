package testbed

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// SSHD is an ssh server on a private engine's machine: OpenSSH's own, unpacked from Debian's package and not installed. Root
// may log in with a key that was made for it, from the neighbour alone, and finds docker there, as on any machine. It knows
// no account of this machine's and no file of any user's.
type SSHD struct {
	// Alias is the name of the machine for the client, as in ssh://ALIAS. It stands in no other configuration.
	Alias string
	// Path is a folder with an ssh that knows the alias, its key and its host key, and reads no configuration of a user's or
	// of the system's. It enters the neighbour's network by itself, and goes first in the PATH of whoever is to find it.
	Path string

	log   string
	enter []string // nsenter's arguments for the machine
}

//go:embed sshd.sh
var scriptSSHD string

// sshdConfig is all that the server reads. Path is where its sessions look for programs.
const sshdConfig = `ListenAddress %[2]s
HostKey %[1]s/host
AuthorizedKeysFile %[1]s/user.pub
AuthenticationMethods publickey
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
PidFile none
LogLevel VERBOSE
SetEnv PATH=%[3]s
`

// sshConfig is all that the client reads.
const sshConfig = `Host %[2]s
  HostName %[3]s
  User root
  IdentityFile %[1]s/user
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile %[1]s/known_hosts
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
`

// SSHD starts an ssh server that listens on the wire to the neighbour. Path is what PATH is in its sessions; "" is this
// process's own. It ends with the engine's machine.
func (p *Private) SSHD(ctx context.Context, from *Neighbour, path string) (*SSHD, error) {
	program, err := debianProgram(ctx, "usr/sbin/sshd", "openssh-server", "libwrap0")
	if err != nil {
		return nil, fmt.Errorf("sshd: %w", err)
	}
	dir, err := os.MkdirTemp(p.dir, "sshd-")
	if err != nil {
		return nil, fmt.Errorf("sshd: %w", err)
	}
	if path == "" {
		path = os.Getenv("PATH")
	}
	s := &SSHD{Alias: "machine-of-" + filepath.Base(p.dir), Path: filepath.Join(dir, "bin"), log: filepath.Join(dir, "log")}
	if err := s.configure(ctx, dir, from, path); err != nil {
		return nil, fmt.Errorf("sshd: %w", err)
	}
	s.enter, err = p.serve(ctx, s.log, net.JoinHostPort(HostOnWire, "22"), "/bin/sh", "-c", scriptSSHD, "sshd", program, dir, p.socket())
	if err != nil {
		return nil, fmt.Errorf("sshd: %w", err)
	}
	return s, nil
}

// configure makes the keys of both sides, and what each reads.
func (s *SSHD) configure(ctx context.Context, dir string, from *Neighbour, path string) error {
	for _, key := range []string{"host", "user"} {
		if _, err := run(ctx, dir, nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", key); err != nil {
			return err
		}
	}
	host, err := os.ReadFile(filepath.Join(dir, "host.pub"))
	if err != nil {
		return err
	}
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"sshd_config": fmt.Sprintf(sshdConfig, dir, HostOnWire, path),
		"ssh_config":  fmt.Sprintf(sshConfig, dir, s.Alias, HostOnWire),
		"known_hosts": HostOnWire + " " + string(host),
		"passwd":      fmt.Sprintf("root:x:0:0:root:%s/home:/bin/sh\nsshd:x:102:65534::/run/sshd:/bin/false\n", dir),
		"bin/ssh":     fmt.Sprintf("#!/bin/sh\nexec nsenter --net=%s %s -F %s/ssh_config \"$@\"\n", from.net.path(), ssh, dir),
		"home/.hush":  "",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Log is what the server has said so far.
func (s *SSHD) Log() string {
	text, _ := os.ReadFile(s.log)
	return string(text)
}

// sessions is what the processes of the connections are called.
const sessions = "^sshd: root"

// Cut breaks every connection that the server has. It goes on taking others.
func (s *SSHD) Cut(ctx context.Context) error {
	_, err := s.there(ctx, "pkill", "-KILL", "-f", sessions)
	return err
}

// Sessions lists the processes of the connections that it has.
func (s *SSHD) Sessions(ctx context.Context) (string, error) {
	return s.there(ctx, "sh", "-c", "pgrep -fa '"+sessions+"' || true")
}

// there runs a program on the machine.
func (s *SSHD) there(ctx context.Context, argv ...string) (string, error) {
	out, err := run(ctx, "", nil, "nsenter", slices.Concat(s.enter, argv)...)
	if err != nil {
		return "", fmt.Errorf("sshd: %w", err)
	}
	return out, nil
}
