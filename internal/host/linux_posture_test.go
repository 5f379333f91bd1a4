package host

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// linux is a machine with these files, empty ones, and these words of its programs.
func linux(root bool, words said, files ...string) Machine {
	all := fstest.MapFS{}
	for _, file := range files {
		all[file] = &fstest.MapFile{}
	}
	return Machine{GOOS: "linux", Root: root, Files: all, Run: words.run}
}

func TestHostFirewall(t *testing.T) {
	const (
		guarded = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
		byRule  = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n"
		open    = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 5432 -j DROP\nCOMMIT\n"
		acceptd = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n"
	)
	ufw := "/usr/sbin/ufw status"
	cmd := "/usr/bin/firewall-cmd --state"
	rules := "/usr/sbin/iptables-save"
	withConf := func(m Machine, text string) Machine {
		m.Files.(fstest.MapFS)["etc/ufw/ufw.conf"] = &fstest.MapFile{Data: []byte(text)}
		return m
	}
	for name, test := range map[string]struct {
		m   Machine
		on  bool
		err error // any, if it is errAny
	}{
		"ufw":                         {m: linux(true, said{ufw: {out: "Status: active\n\nTo Action From\n"}}, "usr/sbin/ufw"), on: true},
		"ufw is off":                  {m: linux(true, said{ufw: {out: "Status: inactive\n"}, rules: {out: open}}, "usr/sbin/ufw", "usr/sbin/iptables-save")},
		"ufw, other words":            {m: linux(true, said{ufw: {out: "Status: perhaps\n"}}, "usr/sbin/ufw"), err: errAny},
		"ufw, not root":               {m: withConf(linux(false, nil, "usr/sbin/ufw"), "# x\nENABLED=yes\n"), on: true},
		"ufw is off, not root":        {m: withConf(linux(false, nil, "usr/sbin/ufw"), "ENABLED=no\n#ENABLED=yes\n"), err: ErrNeedsRoot},
		"firewalld":                   {m: linux(false, said{cmd: {out: "running\n"}}, "usr/bin/firewall-cmd"), on: true},
		"firewalld is off":            {m: linux(true, said{cmd: {out: "not running\n", err: exitStatus(252)}, rules: {out: guarded}}, "usr/bin/firewall-cmd", "usr/sbin/iptables-save"), on: true},
		"firewalld fails":             {m: linux(true, said{cmd: {err: exitStatus(1)}}, "usr/bin/firewall-cmd"), err: errAny},
		"firewalld, other words":      {m: linux(true, said{cmd: {out: "failed\n"}}, "usr/bin/firewall-cmd"), err: errAny},
		"own rules, by policy":        {m: linux(true, said{rules: {out: guarded}}, "usr/sbin/iptables-save"), on: true},
		"own rules, by the last":      {m: linux(true, said{rules: {out: byRule}}, "usr/sbin/iptables-save"), on: true},
		"own rules, one port":         {m: linux(true, said{rules: {out: open}}, "usr/sbin/iptables-save")},
		"own rules that let all pass": {m: linux(true, said{rules: {out: acceptd}}, "usr/sbin/iptables-save")},
		"own rules, not root":         {m: linux(false, nil, "usr/sbin/iptables-save"), err: ErrNeedsRoot},
		"nothing at all":              {m: linux(true, nil)},
		"macOS":                       {m: Machine{GOOS: "darwin"}, err: ErrNotApplicable},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.m.HostFirewall(t.Context())
			if got.On != test.on || (err != nil) != (test.err != nil) || test.err != errAny && !errors.Is(err, test.err) {
				t.Errorf("%+v, %v", got, err)
			}
			if err == nil && got.Said == "" {
				t.Error("nobody said so")
			}
		})
	}
}

var errAny = errors.New("any")

func TestDiskEncryption(t *testing.T) {
	const mount, tree = "/usr/bin/findmnt -n -o FSTYPE,SOURCE --target /data", "/usr/bin/lsblk -s -n -o TYPE /dev/mapper/vg-root"
	zfs := "/usr/sbin/zfs get -H -o value encryption rpool/data"
	for name, test := range map[string]struct {
		words said
		on    bool
		err   error
	}{
		"LUKS below LVM":   {words: said{mount: {out: "ext4 /dev/mapper/vg-root\n"}, tree: {out: "lvm\ncrypt\npart\ndisk\n"}}, on: true},
		"Btrfs":            {words: said{mount: {out: "btrfs /dev/mapper/vg-root[/@data]\n"}, tree: {out: "crypt\npart\n"}}, on: true},
		"in the clear":     {words: said{mount: {out: "ext4   /dev/mapper/vg-root\n"}, tree: {out: "lvm\npart\ndisk\n"}}},
		"ZFS":              {words: said{mount: {out: "zfs rpool/data\n"}, zfs: {out: "aes-256-gcm\n"}}, on: true},
		"ZFS in the clear": {words: said{mount: {out: "zfs rpool/data\n"}, zfs: {out: "off\n"}}},
		"ZFS says nothing": {words: said{mount: {out: "zfs rpool/data\n"}, zfs: {}}, err: errAny},
		"a container's":    {words: said{mount: {out: "overlay overlay\n"}}, err: ErrNotApplicable},
		"no such folder":   {words: said{mount: {err: exitStatus(1)}}, err: errAny},
		"other words":      {words: said{mount: {out: "ext4\n"}}, err: errAny},
		"no device":        {words: said{mount: {out: "ext4 /dev/mapper/vg-root\n"}, tree: {out: "\n"}}, err: errAny},
		"no block device":  {words: said{mount: {out: "ext4 /dev/mapper/vg-root\n"}, tree: {err: exitStatus(32)}}, err: errAny},
	} {
		t.Run(name, func(t *testing.T) {
			m := linux(false, test.words, "usr/bin/findmnt", "usr/bin/lsblk", "usr/sbin/zfs")
			got, err := m.DiskEncryption(t.Context(), "/data")
			if got.On != test.on || (err != nil) != (test.err != nil) || test.err != errAny && !errors.Is(err, test.err) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	if _, err := linux(false, nil).DiskEncryption(t.Context(), "/data"); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("no tool: %v", err)
	}
}

func TestVirtual(t *testing.T) {
	for name, test := range map[string]struct {
		cpuinfo, maker string
		want           bool
	}{
		"a virtual machine": {cpuinfo: "processor\t: 0\nflags\t\t: fpu vme hypervisor lahf_lm\n", want: true},
		"a machine":         {cpuinfo: "processor\t: 0\nflags\t\t: fpu vme lahf_lm\n", maker: "QEMU"},
		"an ARM one":        {cpuinfo: "processor\t: 0\nFeatures\t: fp asimd\n", maker: "QEMU\n", want: true},
		"an ARM machine":    {cpuinfo: "processor\t: 0\nFeatures\t: fp asimd\n", maker: "Ampere\n"},
		"nothing":           {},
	} {
		m := Machine{Files: fstest.MapFS{"proc/cpuinfo": {Data: []byte(test.cpuinfo)}, "sys/class/dmi/id/sys_vendor": {Data: []byte(test.maker)}}}
		if got := m.Virtual(); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestLinuxUpdates(t *testing.T) {
	const apt, unit = "/usr/bin/apt-config dump APT::Periodic::Unattended-Upgrade", "/usr/bin/systemctl is-enabled "
	debian := []string{"usr/bin/apt-config", "usr/bin/unattended-upgrade"}
	fedora := []string{"usr/bin/systemctl", "usr/bin/dnf"}
	off := struct {
		out string
		err error
	}{"disabled\n", exitStatus(1)}
	for name, test := range map[string]struct {
		m   Machine
		on  bool
		err error
	}{
		"Debian":                {m: linux(false, said{apt: {out: "APT::Periodic::Unattended-Upgrade \"1\";\n"}}, debian...), on: true},
		"Debian, off":           {m: linux(false, said{apt: {out: "APT::Periodic::Unattended-Upgrade \"0\";\n"}}, debian...)},
		"Debian, not set":       {m: linux(false, said{apt: {}}, debian...)},
		"Debian, not installed": {m: linux(false, said{apt: {out: "APT::Periodic::Unattended-Upgrade \"1\";\n"}}, "usr/bin/apt-config")},
		"Debian, fails":         {m: linux(false, said{apt: {err: exitStatus(100)}}, debian...), err: errAny},
		"Fedora":                {m: linux(false, said{unit + "dnf-automatic.timer": off, unit + "dnf5-automatic.timer": {out: "enabled\n"}}, fedora...), on: true},
		"Fedora, off":           {m: linux(false, said{unit + "dnf-automatic.timer": off, unit + "dnf5-automatic.timer": off, unit + "dnf-automatic-install.timer": off}, fedora...)},
		"Fedora, fails":         {m: linux(false, said{unit + "dnf-automatic.timer": {err: errAny}}, fedora...), err: errAny},
		"another":               {m: linux(false, nil), err: ErrNotApplicable},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.m.Updates(t.Context())
			if got.On != test.on || (err != nil) != (test.err != nil) || test.err != errAny && !errors.Is(err, test.err) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestSocket(t *testing.T) {
	const stat, group = "/usr/bin/stat -L -c %a %U %G /run/docker.sock", "/usr/bin/getent group docker"
	for name, test := range map[string]struct {
		words said
		want  Socket
		ok    bool
	}{
		"members":     {said{stat: {out: "660 root docker\n"}, group: {out: "docker:x:105:mini,other\n"}}, Socket{0o660, "root", "docker", []string{"mini", "other"}}, true},
		"nobody":      {said{stat: {out: "666 root docker\n"}, group: {out: "docker:x:105:\n"}}, Socket{0o666, "root", "docker", nil}, true},
		"no group":    {said{stat: {out: "660 root docker\n"}, group: {err: exitStatus(2)}}, Socket{0o660, "root", "docker", nil}, true},
		"group fails": {said{stat: {out: "660 root docker\n"}, group: {err: exitStatus(1)}}, Socket{}, false},
		"other words": {said{stat: {out: "srw-rw---- root docker\n"}}, Socket{}, false},
		"gone":        {said{stat: {err: exitStatus(1)}}, Socket{}, false},
	} {
		m := linux(false, test.words, "usr/bin/stat", "usr/bin/getent")
		got, err := m.Socket(t.Context(), "/run/docker.sock")
		if diff := cmp.Diff(test.want, got); diff != "" || (err == nil) != test.ok {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}
