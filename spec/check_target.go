package spec

import (
	"fmt"
	"math"
	"path"
	"regexp"
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
}

// checkTargets finds two things mounted on one place, and files that would not be seen.
func (d *decoder) checkTargets(s *Service) {
	t := targets{d: d, s: s, seen: once{d: d, what: "mount target"}, tmpfs: map[string]bool{}, volumes: map[string]*Volume{}, mounts: map[string]*Mount{}}
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
	if t.s.ReadOnly && path.Dir(file) != SecretDir {
		t.d.diags.add(at, "File in a read-only container", fmt.Sprintf("The root file system of %q is read-only; files go to %s, such as \"%s/%s\".", t.s.Name, SecretDir, SecretDir, path.Base(file)))
	}
}
