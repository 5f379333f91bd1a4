package host

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is read of a reduced output is what is read of the whole, and what is nobody's business is gone.
func TestReduceOutput(t *testing.T) {
	read := func(argv []string, out []byte) any {
		switch line := strings.Join(argv, " "); line {
		case netstatTCPLine, netstatUDPLine:
			list, err := parseNetstat(out, argv[len(argv)-1])
			return []any{len(list), list == nil, err == nil}
		case disabledLine:
			jobs, err := parseDisabled(out)
			return []any{jobs["com.openssh.sshd"], jobs["com.apple.smbd"], err == nil}
		case "/usr/bin/fdesetup status":
			state, err := fileVaultWords.read(out)
			return []any{state, err == nil}
		case "/usr/sbin/sshd -T":
			settings, err := parseSSHD(out)
			return []any{settings, err == nil}
		default:
			return nil
		}
	}
	for name, test := range map[string]struct {
		line, out string
		gone      []string
		kept      []string
	}{
		"netstat":          {netstatTCPLine, netstatTCP, []string{"17.57.146.20", "TIME_WAIT"}, []string{"127.0.0.1.5432"}},
		"netstat, UDP":     {netstatUDPLine, netstatUDP, []string{"17.253.4.125"}, []string{"*.5353"}},
		"netstat, garbage": {netstatTCPLine, "no such option\n", nil, []string{"no such option"}},
		"launchctl":        {disabledLine, jobsNew + "\"com.example.diary\" => enabled\n", []string{"diary"}, []string{"com.apple.smbd"}},
		"fdesetup":         {"/usr/bin/fdesetup status", "FileVault is Off.\nDeferred enablement appears to be active for user 'ada'.\n", []string{"ada"}, []string{"Off"}},
		"sshd":             {"/usr/sbin/sshd -T", "port 22\nallowusers ada\npermitrootlogin no\npasswordauthentication no\nusepam yes\n", []string{"ada"}, nil},
		"sshd, garbage":    {"/usr/sbin/sshd -T", "sshd: no hostkeys\n", nil, []string{"hostkeys"}},
		"autologin":        {"/usr/bin/defaults read /Library/Preferences/com.apple.loginwindow autoLoginUser", "ada\n", []string{"ada"}, []string{"user"}},
		"NAT":              {natLine, "{\n    Enabled = 1;\n    PrimaryService = ada;\n}\n", []string{"ada"}, []string{"Enabled = 1;"}},
		"members":          {"/usr/bin/getent group docker", "docker:x:105:ada,bob\n", []string{"ada", "bob"}, []string{"docker:x:105:member,member"}},
		"tailscale":        {tailscaleStatus, `{"BackendState":"Running","AuthURL":"https://x","User":{"1":{"LoginName":"ada"}},"Self":{"HostName":"adas","KeyExpiry":"2027-01-01T00:00:00Z"},"TailscaleIPs":["100.1.1.1"]}`, []string{"ada", "AuthURL"}, []string{"Running", "2027-01-01", "100.1.1.1"}},
		"prefs":            {tailscalePrefs, `{"RunSSH":true,"Config":{"PrivateNodeKey":"privkey:1"},"Hostname":"adas"}`, []string{"privkey", "adas"}, []string{`"RunSSH":true`}},
		"prefs, garbage":   {tailscalePrefs, "unknown subcommand", nil, []string{"unknown subcommand"}},
		"processes":        {"/bin/ps -axo pid=,comm=", "    1 /sbin/launchd\n  9 /Applications/Diary.app/Diary\n   77 ssh\n   78 /opt/homebrew/bin/ngrok\n", []string{"Diary"}, []string{"launchd", "77 ssh", "ngrok"}},
		"arguments":        {"/bin/ps -ww -o pid=,args= -p 77", "77 ssh -i /Users/ada/key -R 8080:localhost:5432 ada@example.org\n78 cloudflared tunnel run --token eyJhIjoi\n79 ngrok http --authtoken=2abc 5432\n", []string{"ada@", "eyJ", "2abc"}, []string{"-R 8080:localhost:5432", "cloudflared tunnel", "5432"}},
		"orb":              {"/usr/local/bin/orb config show", "rosetta: true\ndocker.expose_ports_to_lan: true\n", []string{"rosetta"}, []string{"true"}},
	} {
		t.Run(name, func(t *testing.T) {
			argv := strings.Split(test.line, " ")
			reduced := ReduceOutput(argv, []byte(test.out))
			for _, word := range test.gone {
				if strings.Contains(string(reduced), word) {
					t.Errorf("%q is left in %q", word, reduced)
				}
			}
			for _, word := range test.kept {
				if !strings.Contains(string(reduced), word) {
					t.Errorf("%q is not in %q", word, reduced)
				}
			}
			if diff := cmp.Diff(read(argv, []byte(test.out)), read(argv, reduced)); diff != "" {
				t.Errorf("read (-whole +reduced):\n%s", diff)
			}
		})
	}
}

func TestReduceFile(t *testing.T) {
	for name, test := range map[string]struct{ in, want string }{
		"proc/cpuinfo":           {"processor\t: 0\nmodel name\t: Secret 9000\nflags\t\t: fpu vme hypervisor lahf_lm\nflags\t\t: fpu\n", "flags\t\t: hypervisor\n"},
		"proc/77/cmdline":        {"ssh\x00-R\x008080:localhost:5432\x00ada@example.org\x00", "ssh\x00-R\x008080:localhost:5432\x00…"},
		"proc/77/comm":           {"ssh\n", "ssh\n"},
		"etc/docker/daemon.json": {`{"iptables": false, "proxies": {"http-proxy": "http://ada:pw@x"}}`, "{\"iptables\":false}\n"},
		"Users/ada/Library/Group Containers/group.com.docker/settings-store.json": {`{"PortBindingBehavior": "x", "ProxyHTTP": "http://ada:pw@x"}`, "{\"PortBindingBehavior\":\"x\"}\n"},
		"Users/ada/.colima/default/colima.yaml":                                   {"env:\n  TOKEN: hunter2\nnetwork:\n  address: true\n  mode: bridged\n", "network:\n    address: true\n    mode: bridged\n"},
		"etc/nginx/conf.d/x.conf":                                                 {"auth_basic_user_file /ada;\nproxy_set_header X hunter2;\nproxy_pass http://127.0.0.1:18789/x;\n", "127.0.0.1:18789"},
		"etc/ufw/ufw.conf":                                                        {"ENABLED=yes\n", "ENABLED=yes\n"},
		"etc/broken.json":                                                         {"", ""},
	} {
		if got := string(ReduceFile(name, []byte(test.in))); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	table := ReduceFile("proc/net/tcp", []byte(procTCP))
	whole, err := parseProcNet([]byte(procTCP), "tcp")
	reduced, err2 := parseProcNet(table, "tcp")
	if diff := cmp.Diff(whole, reduced, compareAddrs); diff != "" || err != nil || err2 != nil || len(table) >= len(procTCP) {
		t.Errorf("%v, %v (-whole +reduced):\n%s", err, err2, diff)
	}
}
