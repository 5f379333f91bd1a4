package apply_test

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"minibot/apply"
	"minibot/internal/plan"
)

// taken listens on a port of its own until the test ends.
func taken(t *testing.T, network, address string) string {
	t.Helper()
	var at net.Addr
	if network == "udp" {
		conn, err := net.ListenPacket(network, address)
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { conn.Close() })
		at = conn.LocalAddr()
	} else {
		listener, err := net.Listen(network, address)
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { listener.Close() })
		at = listener.Addr()
	}
	_, port, _ := net.SplitHostPort(at.String())
	return port
}

// free is a port that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

func port(ip, published, protocol string) types.ServicePortConfig {
	return types.ServicePortConfig{HostIP: ip, Published: published, Target: 80, Protocol: protocol}
}

func service(ports ...types.ServicePortConfig) *types.Project {
	web := types.ServiceConfig{Name: "web"}
	web.Ports = ports
	return &types.Project{Services: types.Services{"web": web}}
}

func TestFreePorts(t *testing.T) {
	create := plan.Plan{Steps: []plan.Step{{Object: "service", Kind: plan.Create, Name: "web"}}}
	for _, c := range []struct{ network, ip string }{{"tcp", "127.0.0.1"}, {"udp", "127.0.0.1"}, {"tcp", "127.0.0.2"}, {"tcp", "::1"}, {"udp", "::1"}} {
		t.Run(c.network+" "+c.ip, func(t *testing.T) {
			held := taken(t, c.network, net.JoinHostPort(c.ip, "0"))
			errs := apply.FreePorts(service(port(c.ip, held, c.network), port("127.0.0.1", free(t), "tcp")), create, apply.Bind)
			var is *apply.PortTakenError
			if len(errs) != 1 || !errors.As(errs[0], &is) || is.Service != "web" || strconv.Itoa(int(is.Port.Published)) != held {
				t.Fatalf("got %v", errs)
			}
			suffix := ""
			if c.network == "udp" {
				suffix = "/udp"
			}
			if want := "service web: port " + net.JoinHostPort(c.ip, held) + ":80" + suffix + " is held by another program"; is.Error() != want {
				t.Errorf("got %q, want %q", is, want)
			}
		})
	}
}

// A port is free again once it was tried, and one protocol does not hold the other's.
func TestFreePortsLetsGo(t *testing.T) {
	create := plan.Plan{Steps: []plan.Step{{Object: "service", Kind: plan.Create, Name: "web"}}}
	udp := taken(t, "udp", "127.0.0.1:0")
	number := free(t)
	for range 3 {
		if errs := apply.FreePorts(service(port("127.0.0.1", udp, "tcp"), port("127.0.0.1", number, "tcp"), port("127.0.0.1", number, "udp")), create, apply.Bind); len(errs) > 0 {
			t.Fatal(errs)
		}
	}
}

// An address that is not this machine's is an error, and not somebody who holds the port.
func TestFreePortsElsewhere(t *testing.T) {
	create := plan.Plan{Steps: []plan.Step{{Object: "service", Kind: plan.Create, Name: "web"}}}
	errs := apply.FreePorts(service(port("192.0.2.1", "8080", "tcp")), create, apply.Bind)
	var is *apply.PortTakenError
	if len(errs) != 1 || errors.As(errs[0], &is) || !strings.HasPrefix(errs[0].Error(), "service web: port 192.0.2.1:8080:80: ") {
		t.Errorf("got %v", errs)
	}
}

// Only ports are tried that the service's own container does not hold.
func TestFreePortsWhich(t *testing.T) {
	held := taken(t, "tcp", "127.0.0.1:0")
	this := "127.0.0.1:" + held + ":80"
	for _, c := range []struct {
		name  string
		step  plan.Step
		tried bool
	}{
		{"created", plan.Step{Kind: plan.Create}, true},
		{"updated", plan.Step{Kind: plan.Update, Causes: []plan.Cause{{Path: "mem_limit", Old: "1", New: "2"}}}, false},
		{"replaced with the same ports", plan.Step{Kind: plan.Replace, Causes: []plan.Cause{{Path: "image", Old: "a", New: "b"}}}, false},
		{"replaced with a new port", plan.Step{Kind: plan.Replace, Causes: []plan.Cause{{Path: "ports", New: this}}}, true},
		{"replaced with another port", plan.Step{Kind: plan.Replace, Causes: []plan.Cause{{Path: "ports", Old: "127.0.0.1:1:80", New: this}}}, true},
		{"replaced with another port in the container", plan.Step{Kind: plan.Replace, Causes: []plan.Cause{{Path: "ports", Old: "127.0.0.1:" + held + ":81", New: this}}}, false},
		{"stopped, and replaced", plan.Step{Kind: plan.Replace, Causes: []plan.Cause{{Path: "image", Old: "a", New: "b"}, {Path: "state", Old: "exited"}}}, true},
		{"stopped, and started", plan.Step{Kind: plan.Start, Causes: []plan.Cause{{Path: "state", Old: "exited"}}}, true},
		{"paused", plan.Step{Kind: plan.Start, Causes: []plan.Cause{{Path: "state", Old: "paused"}}}, false},
		{"interrupted", plan.Step{Kind: plan.Replace, Causes: []plan.Cause{{Path: "container", Old: "web.replaced", New: "web"}}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.step.Object, c.step.Name = "service", "web"
			errs := apply.FreePorts(service(port("127.0.0.1", held, "tcp")), plan.Plan{Steps: []plan.Step{{Object: "network", Kind: plan.Create, Name: "web"}, c.step}}, apply.Bind)
			if diff := cmp.Diff(c.tried, len(errs) > 0); diff != "" {
				t.Errorf("tried (-want +got):\n%s%v", diff, errs)
			}
		})
	}
}
