package host

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// proxies are web servers that pass requests on, and where their configuration usually is: a file, or a folder.
var proxies = map[string][]string{
	"nginx":   {"etc/nginx", "usr/local/etc/nginx", "opt/homebrew/etc/nginx"},
	"caddy":   {"etc/caddy", "usr/local/etc/Caddyfile", "opt/homebrew/etc/Caddyfile"},
	"haproxy": {"etc/haproxy", "usr/local/etc/haproxy.cfg", "opt/homebrew/etc/haproxy.cfg"},
	"traefik": {"etc/traefik", "usr/local/etc/traefik", "opt/homebrew/etc/traefik"},
	"apache2": {"etc/apache2"},
	"httpd":   {"etc/httpd", "private/etc/apache2", "opt/homebrew/etc/httpd"},
	"envoy":   {"etc/envoy"},
}

func proxyNames() []string { return slices.Sorted(maps.Keys(proxies)) }

// Bounds of what is read of a configuration.
const (
	mostConfigs   = 500
	largestConfig = 1 << 20 // bytes
)

// notInUse are folders whose files count only where another one links to them.
var notInUse = []string{"sites-available", "mods-available", "conf-available", "modules-available"}

// proxied says to which of the ports a web server passes on requests, by its configuration, or by its arguments.
func (m Machine) proxied(p Process, ports []uint16) (string, error) {
	var alternatives []string
	for _, port := range ports {
		alternatives = append(alternatives, fmt.Sprint(port))
	}
	if len(ports) == 0 {
		return "", nil
	}
	target := regexp.MustCompile(`(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]):(` + strings.Join(alternatives, "|") + `)\b`)
	if found := target.FindStringSubmatch(strings.Join(p.Args, " ")); found != nil {
		return "passes on requests to port " + found[1], nil
	}
	places := slices.Clone(proxies[p.Name])
	for _, arg := range p.Args[min(1, len(p.Args)):] {
		if _, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(arg, "-") {
			arg = value
		}
		if path.IsAbs(arg) {
			places = append(places, strings.Trim(path.Clean(arg), "/"))
		}
	}
	read := 0
	for _, place := range places {
		found := ""
		err := fs.WalkDir(m.Files, place, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case entry.IsDir() && slices.Contains(notInUse, entry.Name()):
				return fs.SkipDir
			case entry.IsDir():
				return nil
			}
			info, err := fs.Stat(m.Files, name) // a link's target
			if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || info.Size() > largestConfig) {
				return nil
			}
			if err != nil {
				return err
			}
			if read++; read > mostConfigs {
				return fmt.Errorf("more than %d files", mostConfigs)
			}
			text, err := fs.ReadFile(m.Files, name)
			if err != nil {
				return err
			}
			if port := target.FindSubmatch(text); port != nil {
				found = fmt.Sprintf("passes on requests to port %s (/%s)", port[1], name)
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			return "", fmt.Errorf("configuration of %s: %w", p.Name, err)
		}
		if found != "" {
			return found, nil
		}
	}
	return "", nil
}
