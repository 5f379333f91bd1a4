package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// Daemon is what the settings of a Docker Engine on this machine say that opens its bridges to others.
type Daemon struct {
	NoFilter     bool // "iptables": false, so that it filters nothing
	DirectRoutes bool // "allow-direct-routing": true
}

// Daemon reads the settings of the engine of this machine. Without a file, all is as it comes.
func (m Machine) Daemon() (Daemon, error) {
	const name = "etc/docker/daemon.json"
	data, err := fs.ReadFile(m.Files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return Daemon{}, nil
	}
	if err != nil {
		return Daemon{}, fmt.Errorf("settings of the engine: %w", err)
	}
	var settings struct {
		IPTables     *bool `json:"iptables"`
		DirectRoutes bool  `json:"allow-direct-routing"`
	}
	if err := json.Unmarshal(data, &settings); err != nil {
		return Daemon{}, fmt.Errorf("settings of the engine: /%s: %w", name, err)
	}
	return Daemon{NoFilter: settings.IPTables != nil && !*settings.IPTables, DirectRoutes: settings.DirectRoutes}, nil
}
