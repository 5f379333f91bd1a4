package host

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

var managed = []uint16{5432, 18789}

func TestSSHForwards(t *testing.T) {
	for line, want := range map[string]string{
		"ssh -N -R 8080:localhost:18789 me@example.org": "opens port 18789 on another machine (-R)",
		"ssh -NfR8080:127.0.0.1:5432 me@example.org":    "opens port 5432 on another machine (-R)",
		"ssh -R *:8080:localhost:5432 x":                "opens port 5432 on another machine (-R)",
		"ssh -R [::]:8080:[::1]:5432 x":                 "opens port 5432 on another machine (-R)",
		"ssh -o RemoteForward=8080 localhost:5432 x":    "lets another machine into this one's network (-R)",
		"ssh -oRemoteForward=8080:localhost:5432 x":     "opens port 5432 on another machine (-R)",
		"ssh -R 1080 x":                             "lets another machine into this one's network (-R)",
		"ssh -p 22 -i key -R 0.0.0.0:1080 x":        "lets another machine into this one's network (-R)",
		"ssh -R 8080:localhost:3000 x":              "",
		"ssh -L 5432:localhost:5432 x":              "",
		"ssh -L 127.0.0.1:5432:localhost:5432 x":    "",
		"ssh -L localhost:5432:localhost:5432 x":    "",
		"ssh -g -L 15432:localhost:5432 x":          "opens port 15432 to the network (-L)",
		"ssh -L 15432:localhost:5432 -g x":          "opens port 15432 to the network (-L)",
		"ssh -L 0.0.0.0:15432:127.0.0.1:5432 x":     "opens port 15432 to the network (-L)",
		"ssh -L *:18789:elsewhere:80 x":             "opens port 18789 to the network (-L)",
		"ssh -L *:9999:elsewhere:80 x":              "",
		"ssh -gD 1080 x":                            "",
		"ssh -D 0.0.0.0:5432 x":                     "opens port 5432 to the network (-D)",
		"ssh x -R 8080:localhost:5432":              "", // a command of the other machine
		"ssh -- x -R 8080:localhost:5432":           "",
		"ssh -R":                                    "",
		"ssh":                                       "",
		"ssh -W localhost:5432 x":                   "",
		"ssh -J jump -o ServerAliveInterval=5 -N x": "",
		"ssh -L /run/x.sock:localhost:5432 x":       "",
	} {
		if got := sshForwards(strings.Fields(line), managed); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	if got := sshForwards([]string{"ssh", "-o", "RemoteForward 8080 localhost:5432", "x"}, managed); got == "" {
		t.Error("an option with blanks is not read")
	}
}

func TestSocatForwards(t *testing.T) {
	for line, want := range map[string]bool{
		"socat TCP-LISTEN:15432,fork,reuseaddr TCP:127.0.0.1:5432": true,
		"socat tcp-listen:80,fork tcp4:localhost:18789,nodelay":    true,
		"socat TCP-LISTEN:5432,fork UNIX-CONNECT:/run/x":           false,
		"socat TCP-LISTEN:1 TCP:127.0.0.1:15432":                   false,
		"socat":                                                    false,
	} {
		if got := socatForwards(strings.Fields(line), managed); (got != "") != want {
			t.Errorf("%s: %q", line, got)
		}
	}
}

// process is an entry of /proc.
func process(pid, name string, args ...string) fstest.MapFS {
	return fstest.MapFS{
		"proc/" + pid + "/comm":    {Data: []byte(name + "\n")},
		"proc/" + pid + "/cmdline": {Data: []byte(strings.Join(args, "\x00") + "\x00")},
	}
}

func TestTunnels(t *testing.T) {
	files := func(all ...fstest.MapFS) fstest.MapFS {
		joined := fstest.MapFS{"proc/self": {}, "proc/meminfo": {}}
		for _, one := range all {
			maps.Copy(joined, one)
		}
		return joined
	}
	nginx := process("80", "nginx", "nginx: master process /usr/sbin/nginx -g daemon on; master_process on;")
	site := func(path, text string) fstest.MapFS { return fstest.MapFS{path: {Data: []byte(text)}} }
	const passes = "server { location / { proxy_pass http://127.0.0.1:18789; } }"
	for name, test := range map[string]struct {
		files fstest.MapFS
		want  []string
		fail  bool
	}{
		"none":                     {files: files(process("7", "bash", "bash", "-c", "ngrok http 18789"))},
		"a broker":                 {files: files(process("7", "cloudflared", "cloudflared", "tunnel", "run", "--token", "eyJh")), want: []string{"cloudflared (pid 7) leads others to this machine, past its firewall"}},
		"brokers":                  {files: files(process("9", "ngrok", "ngrok", "http", "80"), process("8", "frpc", "/opt/frpc", "-c", "x")), want: []string{"frpc (pid 8) leads others to this machine, past its firewall", "ngrok (pid 9) leads others to this machine, past its firewall"}},
		"a resolver":               {files: files(process("7", "cloudflared", "cloudflared", "proxy-dns"))},
		"ssh":                      {files: files(process("7", "ssh", "ssh", "-R", "80:localhost:5432", "x")), want: []string{"ssh (pid 7) opens port 5432 on another machine (-R)"}},
		"nginx, another port":      {files: files(nginx, site("etc/nginx/nginx.conf", "proxy_pass http://127.0.0.1:187890;"))},
		"nginx":                    {files: files(nginx, process("81", "nginx", "nginx: worker process"), site("etc/nginx/conf.d/claw.conf", passes)), want: []string{"nginx (pid 80) passes on requests to port 18789 (/etc/nginx/conf.d/claw.conf)"}},
		"nginx, a site not in use": {files: files(nginx, site("etc/nginx/sites-available/claw", passes))},
		"nginx, not running":       {files: files(site("etc/nginx/conf.d/claw.conf", passes))},
		"caddy, by its arguments":  {files: files(process("7", "caddy", "caddy", "reverse-proxy", "--to", "localhost:18789")), want: []string{"caddy (pid 7) passes on requests to port 18789"}},
		"caddy, a file of its own": {files: files(process("7", "caddy", "caddy", "run", "--config=/srv/Caddyfile"), site("srv/Caddyfile", "reverse_proxy [::1]:5432")), want: []string{"caddy (pid 7) passes on requests to port 5432 (/srv/Caddyfile)"}},
		"a process that has ended": {files: files(fstest.MapFS{"proc/7/comm": {Data: []byte("ngrok\n")}})},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Machine{GOOS: "linux", Files: test.files}.Tunnels(t.Context(), managed)
			if (err != nil) != test.fail {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.want, texts(got)); diff != "" {
				t.Errorf("tunnels (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := (Machine{GOOS: "linux", Files: fstest.MapFS{}}).Tunnels(t.Context(), managed); err == nil {
		t.Error("without /proc")
	}
	if _, err := (Machine{GOOS: "plan9"}).Tunnels(t.Context(), managed); !errors.Is(err, ErrNotApplicable) {
		t.Errorf("elsewhere: %v", err)
	}
}

func TestTunnelsOnMacOS(t *testing.T) {
	const names, of = "/bin/ps -axo pid=,comm=", "/bin/ps -ww -o pid=,args= -p "
	for name, test := range map[string]struct {
		words said
		want  []string
		fail  bool
	}{
		"some": {
			words: said{
				names:         {out: "    1 /sbin/launchd\n  512 /opt/homebrew/bin/ngrok\n  600 /Applications/Docker.app/Contents/MacOS/com.docker.backend\n   77 ssh\n"},
				of + "512,77": {out: "  512 /opt/homebrew/bin/ngrok http 18789\n   77 ssh -N -R 80:localhost:5432 me@example.org\n"},
			},
			want: []string{"ssh (pid 77) opens port 5432 on another machine (-R)", "ngrok (pid 512) leads others to this machine, past its firewall"},
		},
		"none":             {words: said{names: {out: "    1 /sbin/launchd\n"}}},
		"no process":       {words: said{names: {}}, fail: true},
		"other words":      {words: said{names: {out: "PID COMM\n"}}, fail: true},
		"ended in between": {words: said{names: {out: "7 ngrok\n"}, of + "7": {err: exitStatus(1)}}},
		"ps fails":         {words: said{names: {out: "7 ngrok\n"}, of + "7": {err: exitStatus(2)}}, fail: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Machine{GOOS: "darwin", Files: fstest.MapFS{}, Run: test.words.run}.Tunnels(t.Context(), managed)
			if (err != nil) != test.fail {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.want, texts(got)); diff != "" {
				t.Errorf("tunnels (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzSSHForwards(f *testing.F) {
	f.Add("ssh -N -R 8080:localhost:18789 me@example.org")
	f.Add("ssh -oRemoteForward=[::1]:8080:localhost:5432 -g x")
	f.Fuzz(func(t *testing.T, line string) { sshForwards(strings.Split(line, " "), managed) })
}
