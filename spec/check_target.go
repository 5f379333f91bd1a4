package spec

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

var fileMode = regexp.MustCompile(`^0?[0-7]{3}$`)

// targets holds a service's mounts against each other, and its files against them.
type targets struct {
	d    *decoder
	s    *Service
	seen once
	// What is mounted on a path, see inContainer.
	tmpfs   map[string]bool
	volumes map[string]*Volume
	mounts  map[string]*Mount
	files   map[string]bool
}

// checkTargets finds two things mounted on one place, and files that would not be seen.
func (d *decoder) checkTargets(s *Service) {
	t := targets{d: d, s: s, seen: once{d: d, what: "mount target"}, tmpfs: map[string]bool{}, volumes: map[string]*Volume{}, mounts: map[string]*Mount{}, files: map[string]bool{}}
	names := once{d: d, what: "volume"}
	for _, volume := range s.Volumes {
		d.checkName("volume", volume.Name, volume.NameRange)
		names.note(volume.Name, volume.NameRange)
		if owner, found := strings.CutSuffix(volume.Name, "-secrets"); found && d.stack.Service(owner) != nil {
			d.diags.add(volume.NameRange, "Reserved volume name", fmt.Sprintf("%s may be the volume that minibot makes for the secrets of %q. Choose another name.", volume.Name, owner))
		}
		if t.good(volume.Target, volume.TargetRange) {
			t.volumes[inContainer(volume.Target)] = volume
		}
	}
	for _, mount := range s.Mounts {
		if t.good(mount.Target, mount.TargetRange) {
			t.mounts[inContainer(mount.Target)] = mount
		}
	}
	for i, entry := range s.Tmpfs {
		if dir, _, _ := strings.Cut(entry, ":"); t.good(dir, d.part(s.TmpfsRange, i)) {
			t.tmpfs[inContainer(dir)] = true
		}
	}
	for _, file := range s.Files {
		if !fileMode.MatchString(file.Mode) {
			d.diags.add(file.ModeRange, "Bad mode", fmt.Sprintf("%q is not a mode; write octal digits, such as \"0400\".", file.Mode))
		}
		d.checkOwner(file.UID, file.UIDRange)
		d.checkOwner(file.GID, file.GIDRange)
		if t.good(file.Target, file.TargetRange) {
			t.checkFile(file.Target, "The file", file.TargetRange)
		}
	}
	for _, name := range s.SecretFiles {
		at := d.files[s.Name][name]
		if file := SecretDir + "/" + name; secretName.MatchString(name) && t.seen.note(file, at) {
			t.checkFile(file, "secret."+name+".file", at)
		}
	}
	for target, at := range t.seen.seen {
		for dir := path.Dir(target); dir != "/"; dir = path.Dir(dir) {
			if t.files[dir] {
				d.diags.add(at, "Path below a file", fmt.Sprintf("%s would have to be a folder for %s, and it is a file of %q. Give one of them another path.", dir, target, s.Name))
			}
		}
	}
}

func (d *decoder) checkOwner(id *int, at Range) {
	if id != nil && (*id < 0 || *id > math.MaxInt32) {
		d.diags.add(at, "Bad owner", "Write the number of a user or group, such as 999.")
	}
}

// good reports whether something can be mounted on a path of the container.
func (t *targets) good(p string, at Range) bool {
	if at.Empty() || t.d.diags.isBroken(at) {
		return false
	}
	if !path.IsAbs(p) || p == "/" || strings.ContainsFunc(p, hidden) {
		t.d.diags.add(at, "Bad path", fmt.Sprintf("%q is not an absolute path below / in the container, such as \"/data\".", p))
		return false
	}
	return t.seen.note(inContainer(p), at)
}

// inContainer is the path that is really meant: nearly every image has /var/run as a link to /run.
func inContainer(p string) string {
	if inside(p, "/var/run") {
		return strings.TrimPrefix(p, "/var")
	}
	return p
}

// ownFiles are those that the engine mounts into every container, and what writes to them.
var ownFiles = map[string]string{"/etc/hosts": "extra_hosts", "/etc/hostname": "hostname", "/etc/resolv.conf": "dns"}

// ownFolders are those that the engine mounts into every container.
var ownFolders = []string{"/dev", "/proc", "/sys"}

// folders are in nearly every image; the engine puts no file in the place of a folder.
var folders = []string{
	"/bin", "/boot", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/root", "/run", SecretDir, "/sbin", "/srv", "/tmp",
	"/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/local/bin", "/usr/local/etc", "/usr/sbin", "/usr/share", "/var", "/var/lib", "/var/tmp",
}

func hidden(r rune) bool { return !unicode.IsPrint(r) }

// checkFile refuses a file where the container would not see it, or where it would stay behind.
func (t *targets) checkFile(file, what string, at Range) {
	elsewhere := fmt.Sprintf("Put it under %s.", SecretDir)
	for dir := path.Dir(inContainer(file)); dir != "/"; dir = path.Dir(dir) {
		if inside(SecretDir, dir) {
			elsewhere = "Mount that somewhere else."
		}
		if t.tmpfs[dir] {
			t.d.diags.add(at, "File under a tmpfs", fmt.Sprintf("%s is put into the container before it starts, and the tmpfs on %s would hide it. %s", what, dir, elsewhere))
			return
		}
		if volume := t.volumes[dir]; volume != nil {
			t.d.diags.add(at, "File inside a volume", fmt.Sprintf("%s would be written into the data of volume %q, on %s, and stay there. %s", what, volume.Name, dir, elsewhere))
			return
		}
		if mount := t.mounts[dir]; mount != nil {
			t.d.diags.add(at, "File inside a mount", fmt.Sprintf("%s would be written into %s on the host, which is mounted on %s. %s", what, mount.Source, dir, elsewhere))
			return
		}
	}
	name := path.Base(file)
	switch attribute, own := ownFiles[file]; {
	case own:
		t.d.diags.add(at, "File of the engine", fmt.Sprintf("The engine mounts its own %s over that of the image. Write %s = … to change it.", file, attribute))
	case slices.ContainsFunc(ownFolders, func(dir string) bool { return inside(file, dir) }):
		t.d.diags.add(at, "File under a mount of the engine", fmt.Sprintf("The engine mounts /dev, /proc and /sys into every container, which would hide it. %s", elsewhere))
	case slices.Contains(folders, inContainer(file)):
		t.d.diags.add(at, "File in the place of a folder", fmt.Sprintf("%s is a folder. Write a file's path, such as \"%s/%s.conf\".", file, SecretDir, t.s.Name))
	case t.s.ReadOnly && path.Dir(inContainer(file)) != SecretDir:
		t.d.diags.add(at, "File in a read-only container", fmt.Sprintf("The root file system of %q is read-only; files go to %s, such as \"%s/%s\".", t.s.Name, SecretDir, SecretDir, name))
	case file != inContainer(file):
		t.d.diags.add(at, "File by way of a link", fmt.Sprintf("/var/run is a link to /run in nearly every image, and the engine puts no file through it. Write %q.", inContainer(file)))
	default:
		t.files[file] = true
	}
}
