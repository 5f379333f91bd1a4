package verify_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"

	"minibot/internal/host"
)

// computer is the machine of a scene: it has what a machine in good order has, and shows it as a real one does, in
// files and by its programs' own words.
type computer struct {
	goos       string
	root       bool
	ssh        bool
	listeners  []host.Listener
	interfaces []host.Interface
	files      fstest.MapFS
	outputs    map[string]output // by command line
	broken     map[string]error  // what cannot be read: listeners or interfaces
}

type output struct {
	text   string
	status int // with another than 0 the text is on standard error
}

// home is where the settings of its user lie.
const home = "Users/mini"

// newMac is a Mac with Docker Desktop, which others log in to by SSH or do not.
func newMac(ssh bool) *computer {
	c := &computer{goos: "darwin", ssh: ssh, outputs: map[string]output{}, files: fstest.MapFS{}, broken: map[string]error{}}
	for line, text := range macOutputs {
		c.outputs[line] = output{text: text}
	}
	for _, key := range notSet {
		c.outputs["/usr/bin/defaults read "+key] = output{"The domain/default pair of (x) does not exist\n", 1}
	}
	c.addTailscale("/usr/local/bin/tailscale")
	c.write("usr/sbin/sshd", "")
	if ssh {
		c.outputs["/bin/launchctl print-disabled system"] = output{text: "disabled services = {\n\t\"com.openssh.sshd\" => enabled\n}\n"}
	}
	c.write(home+"/Library/Group Containers/group.com.docker/settings-store.json", `{"PortBindingBehavior": "default-local-port-binding"}`)
	c.interfaces = []host.Interface{{Name: "lo0", Up: true, Addrs: addrs("127.0.0.1/8", "::1/128")}, {Name: "en0", Up: true, Addrs: addrs("192.168.1.20/24")}}
	return c
}

// macOutputs are the words of a Mac in good order, from facts/network-security.md §4.
var macOutputs = map[string]string{
	"/usr/libexec/ApplicationFirewall/socketfilterfw --getglobalstate": "Firewall is enabled. (State = 1)\n",
	"/usr/libexec/ApplicationFirewall/socketfilterfw --getstealthmode": "Firewall stealth mode is on\n",
	"/usr/libexec/ApplicationFirewall/socketfilterfw --getblockall":    "Firewall has block all state set to disabled.\n",
	"/usr/libexec/ApplicationFirewall/socketfilterfw --getallowsigned": "Automatically allow built-in signed software ENABLED.\nAutomatically allow downloaded signed software ENABLED.\n",
	"/usr/bin/fdesetup status":             "FileVault is On.\n",
	"/usr/bin/csrutil status":              "System Integrity Protection status: enabled.\n",
	"/usr/bin/pmset -g custom":             "AC Power:\n autorestart          1\n sleep                0\n womp                 1\n",
	"/usr/sbin/softwareupdate --schedule":  "Automatic checking for updates is turned on\n",
	"/bin/launchctl print-disabled system": "disabled services = {\n\t\"com.openssh.sshd\" => disabled\n}\n",
	"/bin/ps -axo pid=,comm=":              "    1 /sbin/launchd\n  900 com.docker.backend\n",
	"/usr/bin/defaults read /Library/Preferences/com.apple.SoftwareUpdate CriticalUpdateInstall": "1\n",
}

// notSet are the property lists' keys that nobody has set on it.
var notSet = []string{"/Library/Preferences/com.apple.loginwindow autoLoginUser", "/Library/Preferences/SystemConfiguration/com.apple.nat NAT"}

// tailscaleOutputs are the words of a Tailscale that is up and serves nothing.
var tailscaleOutputs = map[string]string{
	"status --json --peers=false": `{"BackendState":"Running","TailscaleIPs":["100.101.102.103"],"Self":{"KeyExpiry":"2027-05-01T00:00:00Z"},"Health":[]}`,
	"serve status --json":         "{}\n",
	"debug prefs":                 `{"RunSSH":false,"RunWebClient":false,"AdvertiseRoutes":null}`,
}

// addTailscale installs it.
func (c *computer) addTailscale(path string) {
	c.write(strings.TrimPrefix(path, "/"), "")
	for args, text := range tailscaleOutputs {
		c.outputs[path+" "+args] = output{text: text}
	}
}

// linuxOutputs are the words of a Linux machine in good order.
var linuxOutputs = map[string]string{
	"/usr/sbin/iptables-save":  "",
	"/usr/sbin/ip6tables-save": "",
	"/usr/sbin/ufw status":     "Status: active\n",
	"/usr/bin/findmnt -n -o FSTYPE,SOURCE --target /var/lib/docker": "ext4 /dev/mapper/root\n",
	"/usr/bin/lsblk -s -n -o TYPE /dev/mapper/root":                 "crypt\npart\ndisk\n",
	"/usr/bin/apt-config dump APT::Periodic::Unattended-Upgrade":    "APT::Periodic::Unattended-Upgrade \"1\";\n",
	"/usr/sbin/sshd -T": "permitrootlogin no\npasswordauthentication no\nkbdinteractiveauthentication no\nusepam yes\n",
	"/usr/bin/stat -L -c %a %U %G /var/run/docker.sock": "660 root docker\n",
	"/usr/bin/getent group docker":                      "docker:x:105:mini\n",
}

// becomeLinux makes a Linux machine of it, with Docker Engine.
func (c *computer) becomeLinux() {
	c.goos, c.outputs, c.files = "linux", map[string]output{}, fstest.MapFS{}
	c.interfaces = []host.Interface{{Name: "lo", Up: true, Addrs: addrs("127.0.0.1/8", "::1/128")}, {Name: "eth0", Up: true, Addrs: addrs("192.168.1.20/24")}}
	for _, name := range []string{"all", "eth0", bridgeOfScenes} {
		c.write("proc/sys/net/ipv4/conf/"+name+"/route_localnet", "0\n")
	}
	c.write("usr/bin/unattended-upgrade", "")
	c.write("etc/ufw/ufw.conf", "ENABLED=yes\n")
	for line, text := range linuxOutputs {
		tool, _, _ := strings.Cut(line, " ")
		c.write(tool[1:], "")
		c.outputs[line] = output{text: text}
	}
	c.addTailscale("/usr/bin/tailscale")
	if c.ssh {
		c.listeners = append(c.listeners, host.Listener{Protocol: "tcp", Addr: netip.MustParseAddrPort("0.0.0.0:22"), PID: 700, Process: "sshd"})
	}
}

func (c *computer) write(path, text string) { c.files[path] = &fstest.MapFile{Data: []byte(text)} }

func addrs(texts ...string) []net.Addr {
	var all []net.Addr
	for _, text := range texts {
		prefix := netip.MustParsePrefix(text)
		all = append(all, &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())})
	}
	return all
}

// change makes a line of a case true of the machine.
func (c *computer) change(verb, rest string) error {
	switch verb {
	case "run":
		line, text, failed := strings.Cut(rest, " =! ")
		if failed {
			number, said, _ := strings.Cut(text, " ")
			status, err := strconv.Atoi(number)
			c.outputs[line] = output{unquote(said), status}
			return err
		}
		line, text, _ = strings.Cut(rest, " => ")
		c.outputs[line] = output{text: unquote(text)}
	case "file":
		if path, ok := strings.CutSuffix(rest, " gone"); ok {
			delete(c.files, path)
		} else if path, ok := strings.CutSuffix(rest, " unreadable"); ok {
			c.files[path] = &fstest.MapFile{Mode: fs.ModeIrregular}
		} else {
			path, text, _ := strings.Cut(rest, " => ")
			c.write(path, unquote(text))
		}
	case "interface":
		fields := strings.Fields(rest)
		c.interfaces = append(c.interfaces, host.Interface{Name: fields[0], Up: true, Addrs: addrs(fields[1:]...)})
	case "listener":
		if rest == "unreadable" {
			c.broken["listeners"] = errors.New("permission denied")
			return nil
		}
		where, process, _ := strings.Cut(rest, " ")
		addr, err := netip.ParseAddrPort(where)
		c.listeners = append(c.listeners, host.Listener{Protocol: "tcp", Addr: addr, Process: process, PID: 412 * min(1, len(process))})
		return err
	case "owner": // of the listeners that the stack has
		port, process, _ := strings.Cut(rest, " ")
		at := func(l host.Listener) bool { return fmt.Sprint(l.Addr.Port()) == port }
		if process == "none" {
			c.listeners = slices.DeleteFunc(c.listeners, at)
		}
		for i, l := range c.listeners {
			if at(l) {
				c.listeners[i].Process, c.listeners[i].PID = process, 412*min(1, len(process))
			}
		}
	case "address":
		c.interfaces = c.interfaces[:1]
		if rest == "unreadable" {
			c.broken["interfaces"] = errors.New("too many open files")
		}
	case "firewall":
		words := map[string]string{"off": "Firewall is disabled. (State = 0)\n"}[rest]
		c.outputs["/usr/libexec/ApplicationFirewall/socketfilterfw --getglobalstate"] = output{text: words}
	default:
		return errors.New("no such line")
	}
	return nil
}

// unquote reads a text as Go writes it, or takes it as a line.
func unquote(text string) string {
	if quoted, err := strconv.Unquote(text); err == nil {
		return quoted
	}
	return text + "\n"
}

// machine is the computer as package host sees it.
func (c *computer) machine() host.Machine {
	files := c.files
	if c.goos == "linux" {
		files = c.procFiles()
	}
	return host.Machine{
		GOOS: c.goos, Root: c.root, Home: home, Files: unreadables{files}, Run: c.run,
		Interfaces: func() ([]host.Interface, error) { return c.interfaces, c.broken["interfaces"] },
	}
}

// unreadables are files of which some cannot be read.
type unreadables struct{ fstest.MapFS }

func (u unreadables) ReadFile(name string) ([]byte, error) {
	if file := u.MapFS[name]; file != nil && file.Mode == fs.ModeIrregular {
		return nil, &fs.PathError{Op: "open", Path: "/" + name, Err: fs.ErrPermission}
	}
	return u.MapFS.ReadFile(name)
}

func (c *computer) run(_ context.Context, argv ...string) ([]byte, error) {
	line := strings.Join(argv, " ")
	if out, ok := c.outputs[line]; ok {
		if out.status != 0 {
			return nil, &host.ExitError{Program: argv[0], Status: out.status, Stderr: out.text}
		}
		return []byte(out.text), nil
	}
	switch {
	case argv[0] == "/usr/sbin/netstat" && c.broken["listeners"] != nil:
		return nil, fmt.Errorf("%s: %w", argv[0], c.broken["listeners"])
	case argv[0] == "/usr/sbin/netstat":
		return []byte(c.netstat(argv[len(argv)-1])), nil
	case argv[0] == "/usr/sbin/lsof":
		return []byte(c.lsof()), nil
	}
	return nil, fmt.Errorf("%s: no such command in this case: %s", argv[0], line)
}

func (c *computer) netstat(protocol string) string {
	out := "Active Internet connections (including servers)\nProto Recv-Q Send-Q  Local Address  Foreign Address  (state)\n"
	for _, l := range c.listeners {
		host, family, state := l.Addr.Addr().String(), "4", "LISTEN"
		if l.Addr.Addr().Is6() {
			family = "6"
		}
		if l.Addr.Addr().IsUnspecified() {
			host = "*"
		}
		if protocol == "udp" {
			state = ""
		}
		if l.Protocol == protocol {
			out += fmt.Sprintf("%s%s 0 0 %s.%d *.* %s\n", protocol, family, host, l.Addr.Port(), state)
		}
	}
	return out
}

func (c *computer) lsof() string {
	out := ""
	for _, l := range c.listeners {
		if l.PID == 0 {
			continue
		}
		addr := l.Addr.String()
		if l.Addr.Addr().IsUnspecified() {
			addr = fmt.Sprintf("*:%d", l.Addr.Port())
		}
		out += fmt.Sprintf("p%d\nc%s\nf3\nn%s\n", l.PID, l.Process, addr)
	}
	return out
}

// procFiles adds Linux's tables of sockets, and their owners as links.
func (c *computer) procFiles() fstest.MapFS {
	files := fstest.MapFS{}
	for path, file := range c.files {
		files[path] = file
	}
	tables := map[string]string{}
	for _, name := range []string{"tcp", "tcp6", "udp", "udp6"} {
		tables[name] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	}
	for i, l := range c.listeners {
		name, inode := l.Protocol, 1000+i
		if l.Addr.Addr().Is6() {
			name += "6"
		}
		state := map[string]string{"tcp": "0A", "udp": "07"}[l.Protocol]
		bytes := l.Addr.Addr().AsSlice()
		for word := range slices.Chunk(bytes, 4) {
			slices.Reverse(word)
		}
		tables[name] += fmt.Sprintf("%4d: %X:%04X 0:0 %s 0:0 0:0 0 0 0 %d\n", i, bytes, l.Addr.Port(), state, inode)
		if l.PID != 0 {
			files[fmt.Sprintf("proc/%d/fd/%d", l.PID, 3+i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "socket:[%d]", inode), Mode: fs.ModeSymlink}
			files[fmt.Sprintf("proc/%d/comm", l.PID)] = &fstest.MapFile{Data: []byte(l.Process + "\n")}
		}
	}
	for name, table := range tables {
		files["proc/net/"+name] = &fstest.MapFile{Data: []byte(table)}
	}
	if c.broken["listeners"] != nil {
		files["proc/net/tcp"] = &fstest.MapFile{Mode: fs.ModeIrregular}
	}
	return files
}
