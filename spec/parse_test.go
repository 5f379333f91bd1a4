package spec_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"minibot/spec"
)

// top declares what the cases use; around wraps lines of a service.
const top = `name = "minibot"

network "minibot-net" {}

secret "PASSWORD" {}

secret "TOKEN" { generate = false }
`

func around(lines string) string {
	return top + `
service "db" {
  image = "db:1"
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
` + lines + "\n}\n"
}

// parse fails the test if there is any error; warnings are let pass.
func parse(t testing.TB, src string, vars spec.Variables) *spec.Stack {
	t.Helper()
	stack, diags := spec.Parse([]byte(src), "minibot.hcl", vars)
	if diags.HasErrors() {
		t.Fatal(text(t, diags))
	}
	return stack
}

func text(t testing.TB, diags spec.Diagnostics) string {
	t.Helper()
	var out bytes.Buffer
	if err := diags.WriteText(&out, 100, false); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func read(t testing.TB, file string) string {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

func TestNoDiagnostics(t *testing.T) {
	for _, file := range []string{"testdata/full.hcl", "../minibot.hcl.example"} {
		_, diags := spec.Parse([]byte(read(t, file)), file, spec.Variables{})
		if !diags.Empty() {
			t.Error(text(t, diags))
		}
	}
}

// TestAccepted has what lies just inside the bounds.
func TestAccepted(t *testing.T) {
	lines := []string{
		`container_name = "db"`, // its own service's name
		"healthcheck {\n  test = [\"CMD\", \"true\"]\n  interval = \"1ms\"\n  timeout = \"1ms\"\n  start_period = \"0s\"\n}",
		`stop_grace_period = "10us"`, // the engine counts seconds
	}
	for _, signal := range []string{"SIGINT", "INT", "WINCH", "SIGUSR1", "SIGRTMIN+3", "RTMAX-14", "RTMIN", "1", "64"} {
		lines = append(lines, fmt.Sprintf("stop_signal = %q", signal))
	}
	for _, line := range lines {
		parse(t, around(line), spec.Variables{})
	}
}

func TestDefaults(t *testing.T) {
	s := parse(t, around(`
  bind { port = 5432 }
  file "/a" { content = "" }
  ulimit "nofile" { soft = 10 }
  probe "http" { port = 5432 }
  healthcheck { test = ["CMD", "true"] }
`)+`
service "web" {
  image     = "web:1"
  hostname  = null
  networks  = null
  cap_drop  = []
  depends_on "db" {}
  depends_on "sick" {}
  ulimit "core" { soft = -1 }
  limits {
    memory = "64MB"
    cpus   = 0.5
    pids   = null
  }
}

service "sick" {
  image = "sick:1"
  healthcheck { test = ["NONE"] }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
}
`, spec.Variables{})
	db, web := s.Service("db"), s.Service("web")
	got := map[string]any{
		"container_name": db.ContainerName,
		"networks":       db.Networks,
		"cap_drop":       db.CapDrop,
		"restart":        db.Restart,
		"logging":        db.Logging,
		"pids":           db.Limits.Pids,
		"published":      db.Binds[0].Published,
		"host_ip":        db.Binds[0].HostIP,
		"protocol":       db.Binds[0].Protocol,
		"mode":           db.Files[0].Mode,
		"owner":          []int{*db.Files[0].UID, *db.Files[0].GID},
		"hard":           *db.Ulimits[0].Hard,
		"core":           []any{len(db.Ulimits), db.Ulimits[1].Name, db.Ulimits[1].Soft, *db.Ulimits[1].Hard},
		"own core":       []any{len(web.Ulimits), web.Ulimits[0].Soft, *web.Ulimits[0].Hard},
		"path":           db.Probes[0].Path,
		"status":         db.Probes[0].Status,
		"condition":      web.DependsOn[0].Condition,
		"without health": web.DependsOn[1].Condition,
		"null networks":  web.Networks,
		"null pids":      web.Limits.Pids,
		"empty cap_drop": len(web.CapDrop),
		"generated":      []bool{s.Secret("PASSWORD").Generated(), s.Secret("TOKEN").Generated()},
		"nobody":         []bool{s.Service("x") == nil, s.Secret("x") == nil},
	}
	want := map[string]any{
		"container_name": "minibot-db",
		"networks":       []string{"minibot-net"},
		"cap_drop":       []string{"ALL"},
		"restart":        "unless-stopped",
		"logging":        &spec.Logging{Driver: "json-file", Options: map[string]string{"max-size": "10m", "max-file": "3"}},
		"pids":           256,
		"published":      5432,
		"host_ip":        "127.0.0.1",
		"protocol":       "tcp",
		"mode":           "0400",
		"owner":          []int{0, 0},
		"hard":           int64(10),
		"core":           []any{2, "core", int64(0), int64(0)},
		"own core":       []any{1, int64(-1), int64(-1)},
		"path":           "/",
		"status":         []int{200},
		"condition":      "service_healthy",
		"without health": "service_started",
		"null networks":  []string{"minibot-net"},
		"null pids":      256,
		"empty cap_drop": 0,
		"generated":      []bool{true, false},
		"nobody":         []bool{true, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestLoopback shows that addresses are written in one way, and that each may have the port once.
func TestLoopback(t *testing.T) {
	s := parse(t, around(`
  bind { port = 53 }
  bind {
    port     = 53
    protocol = "udp"
  }
  bind {
    port    = 53
    host_ip = "127.0.0.2"
  }
  bind {
    port    = 53
    host_ip = "0:0:0:0:0:0:0:1"
  }
`), spec.Variables{})
	var got []string
	for _, bind := range s.Services[0].Binds {
		got = append(got, fmt.Sprintf("%s %d/%s", bind.HostIP, bind.Published, bind.Protocol))
	}
	want := []string{"127.0.0.1 53/tcp", "127.0.0.1 53/udp", "127.0.0.2 53/tcp", "::1 53/tcp"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestPaths shows that what was checked is what is mounted.
func TestPaths(t *testing.T) {
	s := parse(t, around(`
  volume "a" { target = "/data//x/" }
  mount {
    source = "//srv/a/../db/"
    target = "/m/."
  }
  tmpfs = ["/tmp/:mode=0700", "/var/tmp/"]
  file "/etc//a.conf" { content = "" }
`), spec.Variables{}).Services[0]
	got := append([]string{s.Volumes[0].Target, s.Mounts[0].Source, s.Mounts[0].Target, s.Files[0].Target}, s.Tmpfs...)
	want := []string{"/data/x", "/srv/db", "/m", "/etc/a.conf", "/tmp:mode=0700", "/var/tmp"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestDeterministic parses what has many faults, and a good spec, until map order had its chance.
func TestDeterministic(t *testing.T) {
	const bad = `labels = { "dev.minibot.a" = 1, "dev.minibot.b" = 2 }
  env = merge({ "a b" = secret.NOPE.value, "c=d" = local.x }, { (secret.TOKEN.value) = 1 })
  ` + "imaeg = 1\n  iamge = 2\n  command = [secret.TOKEN.value, secret.PASSWORD.value]"
	for _, src := range []string{around(bad), read(t, "testdata/full.hcl")} {
		first, firstDiags := spec.Parse([]byte(src), "minibot.hcl", spec.Variables{})
		for range 30 {
			again, diags := spec.Parse([]byte(src), "minibot.hcl", spec.Variables{})
			if a, b := text(t, firstDiags), text(t, diags); a != b {
				t.Fatalf("-first +again:\n%s", cmp.Diff(a, b))
			}
			if diff := cmp.Diff(first, again); diff != "" {
				t.Fatalf("-first +again:\n%s", diff)
			}
		}
	}
}
