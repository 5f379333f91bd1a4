package engine

import (
	"path/filepath"
	"strings"
)

// Identity names the engine behind an endpoint without asking it: the same by whatever link
// its socket is reached, and after a restart of the engine too.
func (e Endpoint) Identity() string {
	socket, isUnix := strings.CutPrefix(e.Host, "unix://")
	if !isUnix {
		return e.Host
	}
	if real, err := filepath.EvalSymlinks(socket); err == nil {
		socket = real
	}
	return "unix://" + socket
}
