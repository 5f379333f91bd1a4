package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// DiskEncryption tells whether the disk below a folder of a Linux machine is encrypted: by LUKS, anywhere between the file
// system and the disk, or by ZFS. A file system that is not on a disk of the machine, such as a container's, is
// [ErrNotApplicable].
func (m Machine) DiskEncryption(ctx context.Context, folder string) (Switch, error) {
	if err := m.only("linux"); err != nil {
		return Switch{}, err
	}
	state, err := m.diskEncryption(ctx, folder)
	if err != nil {
		return Switch{}, fmt.Errorf("encryption of the disk: %w", err)
	}
	return state, nil
}

func (m Machine) diskEncryption(ctx context.Context, folder string) (Switch, error) {
	findmnt, err := m.tool("findmnt")
	if err != nil {
		return Switch{}, err
	}
	out, err := m.Run(ctx, findmnt, "-n", "-o", "FSTYPE,SOURCE", "--target", folder)
	if err != nil {
		return Switch{}, err
	}
	fields := strings.Fields(string(out))
	if len(fields) < 2 {
		return Switch{}, fmt.Errorf("no file system in %.80q", out)
	}
	kind, source := fields[0], fields[1]
	switch {
	case kind == "zfs":
		return m.zfsEncryption(ctx, source)
	case !strings.HasPrefix(source, "/dev/"):
		return Switch{}, fmt.Errorf("%w: %s is no disk of its own (%s)", ErrNotApplicable, folder, kind)
	}
	device, _, _ := strings.Cut(source, "[") // a subvolume of Btrfs follows
	lsblk, err := m.tool("lsblk")
	if err != nil {
		return Switch{}, err
	}
	if out, err = m.Run(ctx, lsblk, "-s", "-n", "-o", "TYPE", device); err != nil {
		return Switch{}, err
	}
	layers := strings.Fields(string(out))
	if len(layers) == 0 {
		return Switch{}, fmt.Errorf("no device in %.80q", out)
	}
	for _, layer := range layers {
		if layer == "crypt" {
			return Switch{On: true, Said: folder + " is on LUKS"}, nil
		}
	}
	return Switch{Said: fmt.Sprintf("%s is on %s, which is not encrypted", folder, device)}, nil
}

func (m Machine) zfsEncryption(ctx context.Context, dataset string) (Switch, error) {
	zfs, err := m.tool("zfs")
	if err != nil {
		return Switch{}, err
	}
	out, err := m.Run(ctx, zfs, "get", "-H", "-o", "value", "encryption", dataset)
	if err != nil {
		return Switch{}, err
	}
	cipher := strings.TrimSpace(string(out))
	if cipher == "" {
		return Switch{}, errors.New("zfs says nothing")
	}
	return Switch{On: cipher != "off" && cipher != "-", Said: "the encryption of " + dataset + " is " + cipher}, nil
}

// Virtual tells whether a Linux machine is a virtual one, whose disk is a file or a device of another: /proc/cpuinfo has the
// flag hypervisor, or the machine's maker is one of hypervisors. Not to know is false.
func (m Machine) Virtual() bool {
	cpuinfo, _ := fs.ReadFile(m.Files, "proc/cpuinfo")
	for line := range bytes.Lines(cpuinfo) {
		if key, flags, ok := bytes.Cut(line, []byte(":")); ok && bytes.HasPrefix(key, []byte("flags")) {
			return bytes.Contains(flags, []byte(" hypervisor"))
		}
	}
	maker, _ := fs.ReadFile(m.Files, "sys/class/dmi/id/sys_vendor")
	return hypervisors.Match(maker)
}

var hypervisors = regexp.MustCompile(`(?i)^(QEMU|VMware|innotek|Xen|Amazon EC2|Google|Microsoft Corporation|Parallels|Apple Inc\. Virt)`)

// aptUpgrade is what apt's settings say of upgrades that nobody asks for; "0" is never, another number every so many days.
var aptUpgrade = regexp.MustCompile(`(?m)^APT::Periodic::Unattended-Upgrade "([^"]*)";$`)

func (m Machine) linuxUpdates(ctx context.Context) (Switch, error) {
	if apt, err := m.tool("apt-config"); err == nil {
		out, err := m.Run(ctx, apt, "dump", "APT::Periodic::Unattended-Upgrade")
		if err != nil {
			return Switch{}, fmt.Errorf("automatic updates: %w", err)
		}
		_, missing := m.tool("unattended-upgrade")
		found := aptUpgrade.FindSubmatch(out)
		switch {
		case missing != nil:
			return Switch{Said: "unattended-upgrades is not installed"}, nil
		case found == nil:
			return Switch{Said: "APT::Periodic::Unattended-Upgrade is not set"}, nil
		}
		value := string(found[1])
		return Switch{On: value != "0" && value != "", Said: fmt.Sprintf("APT::Periodic::Unattended-Upgrade is %q", printable(value))}, nil
	}
	systemctl, err := m.tool("systemctl")
	if _, dnf := m.tool("dnf"); err != nil || dnf != nil {
		return Switch{}, fmt.Errorf("%w: automatic updates are known of apt and dnf", ErrNotApplicable)
	}
	for _, timer := range []string{"dnf-automatic.timer", "dnf5-automatic.timer", "dnf-automatic-install.timer"} {
		out, err := m.Run(ctx, systemctl, "is-enabled", timer)
		if err == nil && strings.TrimSpace(string(out)) == "enabled" {
			return Switch{On: true, Said: timer + " is enabled"}, nil
		}
		var exit *ExitError
		if err != nil && !errors.As(err, &exit) { // with a status, it is disabled or not there
			return Switch{}, fmt.Errorf("automatic updates: %w", err)
		}
	}
	return Switch{Said: "no timer of dnf-automatic is enabled"}, nil
}

// Socket is who may talk to a program through its socket.
type Socket struct {
	Mode         uint32 // the permissions, such as 0o660
	Owner, Group string
	Members      []string // of the group
}

// Socket reads the permissions of a socket of a Linux machine, and who is in its group.
func (m Machine) Socket(ctx context.Context, path string) (Socket, error) {
	if err := m.only("linux"); err != nil {
		return Socket{}, err
	}
	stat, err := m.tool("stat")
	if err != nil {
		return Socket{}, err
	}
	out, err := m.Run(ctx, stat, "-L", "-c", "%a %U %G", path)
	if err != nil {
		return Socket{}, fmt.Errorf("permissions of %s: %w", path, err)
	}
	var s Socket
	if _, err := fmt.Sscanf(string(out), "%o %s %s", &s.Mode, &s.Owner, &s.Group); err != nil {
		return Socket{}, fmt.Errorf("permissions of %s: unknown words: %.80q", path, out)
	}
	getent, err := m.tool("getent")
	if err != nil {
		return s, nil // the group's name says enough
	}
	out, err = m.Run(ctx, getent, "group", s.Group)
	const notFound = 2
	if _, none := ended(err, notFound); err != nil && !none {
		return Socket{}, fmt.Errorf("members of the group %s: %w", s.Group, err)
	}
	if fields := strings.Split(strings.TrimSpace(string(out)), ":"); len(fields) == 4 && fields[3] != "" {
		s.Members = strings.Split(fields[3], ",")
	}
	return s, nil
}
