package spec_test

import (
	"strings"
	"testing"

	"minibot/spec"
)

const placed = `name = "box"
network "box-net" {}
network "other" { internal = true }
secret "PASSWORD" {}
service "redis" {
  image = "redis:7"
  networks = ["box-net"]
  bind { port = 6379 }
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  file "/run/secrets/redis.conf" { content = "requirepass ${secret.PASSWORD.value}\n" }
  auth "redis" { password = secret.PASSWORD.value }
}
host { firewall = true }
remote "tailscale" {}
remote "ssh" { destination = "a@b" }
accept "limit.pids" { reason = "why not" }
`

// A path leads to the value, or to the innermost block around it that is written.
func TestPlace(t *testing.T) {
	stack, diags := spec.Parse([]byte(placed), "minibot.hcl", spec.Variables{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for path, want := range map[string]string{
		"":                             `"box"`,
		"store":                        `"box"`,
		"no such thing":                `"box"`,
		"network":                      `"box-net"`,
		"network other":                `"other"`,
		"network other subnet":         `"other"`,
		"host":                         `host`,
		"remote ssh":                   `"ssh"`,
		"remote ssh destination":       `"a@b"`,
		"remote tailscale destination": `"tailscale"`,
		"accept limit.pids reason":     `"why not"`,
		"service redis":                `service "redis"`,
		"service redis image":          `"redis:7"`,
		"service redis limits":         `limits`,
		"service redis limits memory":  `"64MB"`,
		"service redis limits pids":    `limits`,
		"service redis bind":           `bind`,
		"service redis bind host_ip":   `bind`,
		"service redis auth redis":     `"redis"`,
		"service redis auth password":  `secret.PASSWORD.value`,
		"service redis healthcheck":    `service "redis"`,
		"service redis volume data":    `service "redis"`,
	} {
		at := stack.Place(strings.Fields(path)...)
		got := placed[at.Start.Byte:at.End.Byte]
		if !strings.HasPrefix(got, want) || at.Filename != "minibot.hcl" || strings.Count(placed[:at.Start.Byte], "\n")+1 != at.Start.Line {
			t.Errorf("%s is at %v: %q, want %q", path, at, got, want)
		}
	}
}
