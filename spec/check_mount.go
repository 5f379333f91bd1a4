package spec

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

var fileMode = regexp.MustCompile(`^0?[0-7]{3}$`)

// systemDirs may not be mounted, nor anything below them.
var systemDirs = []string{
	"/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr", "/var/lib/containerd", "/var/lib/docker", "/var/run",
	"/Library", "/System", "/private/etc", "/private/var/run",
}

// wholeDirs may not be mounted themselves, because too much lies in them; a folder below may.
var wholeDirs = regexp.MustCompile(`^(/|/home|/home/[^/]+|/Users|/Users/[^/]+|/var|/var/lib|/private|/private/var|/opt|/srv|/mnt|/media|/Volumes|/tmp)$`)

// privateParts are names in a path that hold keys and passwords of people.
var privateParts = []string{".ssh", ".gnupg", ".docker", ".aws", ".kube", "Keychains", ".orbstack", ".colima"}

// checkTargets finds two things mounted on one place, and files that would not be seen.
func (d *decoder) checkTargets(s *Service) {
	seen := once{d: d, what: "mount target"}
	target := func(p string, at Range) bool {
		if at.Empty() {
			return false // missing: already reported
		}
		if !path.IsAbs(p) || path.Clean(p) != p || p == "/" {
			d.diags.add(at, "Bad path", fmt.Sprintf("%q is not an absolute path in the container, such as \"/data\".", p))
			return false
		}
		seen.note(p, at)
		return true
	}
	names := once{d: d, what: "volume"}
	for _, volume := range s.Volumes {
		target(volume.Target, volume.TargetRange)
		d.checkName("volume", volume.Name, volume.NameRange)
		names.note(volume.Name, volume.NameRange)
	}
	for _, mount := range s.Mounts {
		target(mount.Target, mount.TargetRange)
	}
	for _, entry := range s.Tmpfs {
		dir, _, _ := strings.Cut(entry, ":")
		target(dir, s.TmpfsRange)
	}
	for _, file := range s.Files {
		if !fileMode.MatchString(file.Mode) {
			d.diags.add(file.ModeRange, "Bad mode", fmt.Sprintf("%q is not a mode; write octal digits, such as \"0400\".", file.Mode))
		}
		if target(file.Target, file.TargetRange) {
			d.checkFile(s, file.Target, "The file", file.TargetRange)
		}
	}
	for _, name := range s.SecretFiles {
		file := SecretDir + "/" + name
		if target(file, s.NameRange) {
			d.checkFile(s, file, "secret."+name+".file", s.NameRange)
		}
	}
}

// checkFile refuses a file where the container would not see it, or where it would stay behind.
func (d *decoder) checkFile(s *Service, file, what string, at Range) {
	for _, entry := range s.Tmpfs {
		if dir, _, _ := strings.Cut(entry, ":"); inside(file, dir) {
			d.diags.add(at, "File under a tmpfs", fmt.Sprintf("%s is put into the container before it starts, and the tmpfs on %s would hide it. Mount the tmpfs elsewhere, such as %s.", what, dir, path.Join(dir, "tmp")))
		}
	}
	for _, volume := range s.Volumes {
		if inside(file, volume.Target) {
			d.diags.add(at, "File inside a volume", fmt.Sprintf("%s would be written into the data of volume %q and stay there. Put it under %s.", what, volume.Name, SecretDir))
		}
	}
	for _, mount := range s.Mounts {
		if inside(file, mount.Target) {
			d.diags.add(at, "File inside a mount", fmt.Sprintf("%s would be written into %s on the host. Put it under %s.", what, mount.Source, SecretDir))
		}
	}
	if s.ReadOnly && path.Dir(file) != SecretDir {
		d.diags.add(at, "File in a read-only container", fmt.Sprintf("The root file system of %q is read-only; files go to %s, such as \"%s/%s\".", s.Name, SecretDir, SecretDir, path.Base(file)))
	}
}

// checkMounts refuses the host's own folders and the engine's socket.
func (d *decoder) checkMounts(s *Service) {
	for _, mount := range s.Mounts {
		if mount.SourceRange.Empty() {
			continue
		}
		source := path.Clean(mount.Source)
		parts := strings.Split(source, "/")
		switch {
		case !path.IsAbs(mount.Source):
			d.diags.add(mount.SourceRange, "Bad path", fmt.Sprintf("%q is not an absolute path of the host. For data that minibot keeps, write volume \"name\" { target = %q }.", mount.Source, mount.Target))
		case strings.HasSuffix(source, ".sock"):
			d.diags.add(mount.SourceRange, "Socket of the host", fmt.Sprintf("Whoever may talk to %s may own the machine. minibot has no switch for it.", path.Base(source)))
		case wholeDirs.MatchString(source), slices.ContainsFunc(systemDirs, func(dir string) bool { return inside(source, dir) }):
			d.diags.add(mount.SourceRange, "System folder", fmt.Sprintf("%s holds more than one service's own data. Mount a folder made for the service, such as \"/srv/%s\".", source, s.Name))
		case slices.ContainsFunc(parts, func(part string) bool { return slices.Contains(privateParts, part) }):
			d.diags.add(mount.SourceRange, "Folder with a person's keys", fmt.Sprintf("%s holds keys or passwords of a person. A service gets its own by secret blocks.", source))
		}
	}
}

// inside reports whether file is dir or lies below it.
func inside(file, dir string) bool {
	return file == dir || strings.HasPrefix(file, strings.TrimSuffix(dir, "/")+"/")
}
