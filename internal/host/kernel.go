package host

import (
	"fmt"
	"io/fs"
	"strings"
)

// RoutesLoopback tells whether Linux takes packets for 127.0.0.0/8 that come in at an interface (route_localnet). "all" is
// every interface.
func (m Machine) RoutesLoopback(name string) (bool, error) {
	if err := m.only("linux"); err != nil {
		return false, err
	}
	file := "proc/sys/net/ipv4/conf/" + name + "/route_localnet"
	data, err := fs.ReadFile(m.Files, file)
	if err != nil {
		return false, err
	}
	switch text := strings.TrimSpace(string(data)); text {
	case "0":
		return false, nil
	case "1":
		return true, nil
	default:
		return false, fmt.Errorf("/%s: not 0 or 1: %.20q", file, text)
	}
}
