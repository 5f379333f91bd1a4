package spec

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// The paths below are in lower case, and compared so: the file system of a Mac does
// not tell /users from /Users.

// systemDirs may not be mounted, nor anything below them.
var systemDirs = []string{
	"/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr",
	"/var/db", "/var/lib/containerd", "/var/lib/containers", "/var/lib/docker", "/var/root", "/var/run", "/var/spool",
	"/applications", "/library", "/system", "/volumes/macintosh hd",
	// The host's whole file system, as the virtual machines of Docker Desktop and OrbStack see it.
	"/host_mnt", "/mnt/host", "/mnt/mac",
}

// wholeDirs may not be mounted themselves, because too much lies in them; a folder below may.
var wholeDirs = regexp.MustCompile(`^(/|/home|/home/[^/]+|/users|/users/[^/]+(/library)?|/(home|users)/[^/]+/\.(config|local|local/share)|/var|/var/lib|/private|/opt|/srv|/mnt|/media|/volumes(/[^/]+)?|/tmp)$`)

// privateParts are names in a path that hold keys and passwords of people.
var privateParts = []string{
	".ssh", ".gnupg", ".docker", ".aws", ".azure", ".kube", ".netrc", ".git-credentials", ".password-store",
	"keychains", ".orbstack", ".colima", ".lima", ".rd",
}

// checkMounts refuses the host's own folders and the engine's socket.
func (d *decoder) checkMounts(s *Service) {
	for _, mount := range s.Mounts {
		if !path.IsAbs(mount.Source) || strings.ContainsFunc(mount.Source, unicode.IsControl) {
			d.diags.add(mount.SourceRange, "Bad path", fmt.Sprintf("%q is not an absolute path of the host, such as \"/srv/%s\". For data that minibot keeps, write a volume block.", mount.Source, s.Name))
			continue
		}
		source := mount.Source
		switch kind := Sensitive(source); kind {
		case SocketOfHost:
			d.diags.add(mount.SourceRange, string(kind), fmt.Sprintf("Whoever may talk to %s may own the machine. minibot has no switch for it.", path.Base(source)))
		case SystemFolder:
			d.diags.add(mount.SourceRange, string(kind), fmt.Sprintf("%s holds more than one service's own data. Mount a folder made for the service, such as \"/srv/%s\".", source, s.Name))
		case PersonsKeys:
			d.diags.add(mount.SourceRange, string(kind), fmt.Sprintf("%s may hold keys or passwords of a person. A service gets its own by secret blocks.", source))
		}
	}
}

// Sensitivity is what makes a path of the host one that no container may see.
type Sensitivity string

// The kinds of sensitive paths.
const (
	SocketOfHost Sensitivity = "Socket of the host"
	SystemFolder Sensitivity = "System folder"
	PersonsKeys  Sensitivity = "Folder with a person's keys"
)

// Sensitive says what is sensitive about an absolute path of the host; empty if nothing is known to be.
func Sensitive(source string) Sensitivity {
	folded := strings.ToLower(source)
	if below, ok := strings.CutPrefix(folded, "/private/"); ok {
		folded = "/" + below // on a Mac, /etc, /tmp and /var are links to these
	}
	parts := strings.Split(folded, "/")
	switch {
	case strings.HasSuffix(folded, ".sock"):
		return SocketOfHost
	case wholeDirs.MatchString(folded), slices.ContainsFunc(systemDirs, func(dir string) bool { return inside(folded, dir) }):
		return SystemFolder
	case slices.ContainsFunc(privateParts, func(part string) bool { return slices.Contains(parts, part) }):
		return PersonsKeys
	}
	return ""
}

// inside reports whether file is dir or lies below it.
func inside(file, dir string) bool {
	return file == dir || strings.HasPrefix(file, strings.TrimSuffix(dir, "/")+"/")
}
