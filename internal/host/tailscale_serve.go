package host

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Served is one thing that Tailscale serves to others.
type Served struct {
	Where  string // as others see it, such as "mini.tail1234.ts.net:443/" or "port 5432"
	Target string // what they get, such as "http://127.0.0.1:18789"
	Port   uint16 // of this machine's loopback, if the target is one; else 0
}

// Serving is what Tailscale serves, and to whom.
type Serving struct {
	Served  []Served // in the order of Where
	Funnels []string // names and ports that anybody on the internet reaches
}

// serveConfig is Tailscale's own (ipn.ServeConfig), as far as it matters. Foreground holds what commands serve that still
// run: a funnel may be there alone.
type serveConfig struct {
	TCP         map[string]struct{ TCPForward string }
	Web         map[string]struct{ Handlers map[string]serveHandler }
	AllowFunnel map[string]bool
	Services    map[string]serveConfig
	Foreground  map[string]serveConfig
}

type serveHandler struct{ Path, Proxy, Text string }

// TailscaleServe asks what Tailscale serves: to the tailnet, and by funnels to everybody.
func (m Machine) TailscaleServe(ctx context.Context) (Serving, error) {
	out, err := m.tailscale(ctx, "serve", "status", "--json")
	if err != nil {
		return Serving{}, err
	}
	serving, err := parseServe(out)
	if err != nil {
		return Serving{}, fmt.Errorf("tailscale serve status: %w", err)
	}
	return serving, nil
}

// parseServe reads a configuration; none is null or {}.
func parseServe(out []byte) (Serving, error) {
	var config serveConfig
	if err := json.Unmarshal(out, &config); err != nil {
		return Serving{}, err
	}
	var s Serving
	s.add(config, "")
	slices.SortFunc(s.Served, func(a, b Served) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Target, b.Target))
	})
	slices.Sort(s.Funnels)
	s.Funnels = slices.Compact(s.Funnels)
	return s, nil
}

// add collects from a configuration and those within it. Service is the name of a Tailscale Service that it is of.
func (s *Serving) add(config serveConfig, service string) {
	for port, handler := range config.TCP {
		if handler.TCPForward != "" {
			s.Served = append(s.Served, Served{service + "port " + port, handler.TCPForward, loopbackPort(handler.TCPForward)})
		}
	}
	for name, web := range config.Web {
		for path, handler := range web.Handlers {
			one := Served{Where: service + name + path}
			switch {
			case handler.Proxy != "":
				one.Target, one.Port = handler.Proxy, loopbackPort(handler.Proxy)
			case handler.Path != "":
				one.Target = "files of a folder"
			default:
				one.Target = "a text"
			}
			s.Served = append(s.Served, one)
		}
	}
	for name, on := range config.AllowFunnel {
		if on {
			s.Funnels = append(s.Funnels, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(config.Services)) {
		s.add(config.Services[name], name+" ")
	}
	for _, inner := range config.Foreground {
		s.add(inner, service)
	}
}

// loopbackPort is the port of a target such as `http://127.0.0.1:18789/x`, `https+insecure://localhost:443` or
// `127.0.0.1:5432`; 0 if it is not on this machine's loopback.
func loopbackPort(target string) uint16 {
	authority := target
	if strings.Contains(target, "://") {
		parsed, err := url.Parse(target)
		if err != nil {
			return 0
		}
		authority = parsed.Host
		if parsed.Port() == "" {
			authority = net.JoinHostPort(parsed.Hostname(), map[bool]string{true: "443", false: "80"}[strings.HasPrefix(parsed.Scheme, "https")])
		}
	}
	host, text, err := net.SplitHostPort(authority)
	if err != nil {
		return 0
	}
	addr, err := netip.ParseAddr(host)
	port, portErr := strconv.ParseUint(text, 10, 16)
	if portErr != nil || host != "localhost" && (err != nil || !addr.IsLoopback()) {
		return 0
	}
	return uint16(port)
}
