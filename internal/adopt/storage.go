package adopt

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/spec"
)

// clocks are files of the host that people mount so that a container has the machine's time zone.
var clocks = []string{"/etc/localtime", "/etc/timezone"}

// storage writes volumes, folders of the host, and what is kept in memory.
func (s *service) storage(d *spec.Draft) {
	tmpfs := slices.Clone([]string(s.Tmpfs))
	var missing []string
	for _, v := range s.Volumes {
		at := s.origin("volumes", v.Target)
		shown := strings.TrimPrefix(v.Source+":"+v.Target, ":")
		s.judgeVolume(v, at, shown)
		switch v.Type {
		case types.VolumeTypeTmpfs:
			tmpfs = append(tmpfs, tmpfsEntry(v))
		case types.VolumeTypeBind:
			source := s.source(v.Source)
			if slices.Contains(clocks, source) {
				s.note(LeftOut, at, "volumes "+shown, "A file of the system cannot be mounted. For the time zone, set TZ in the service's env.")
				continue
			}
			if s.compose != nil && s.compose.Exists != nil && !s.compose.Exists(source) {
				missing = append(missing, source)
			}
			s.mount(d, v, source, at)
		case types.VolumeTypeVolume:
			s.volume(d, v, at, shown)
		default:
			s.note(Refused, at, "volumes "+shown, fmt.Sprintf("A mount of the type %s is nothing that minibot has.", v.Type))
		}
	}
	s.list(d, "tmpfs", tmpfs)
	if s.ShmSize > 0 {
		d.Set("shm_size", spec.Quote(string(spec.SizeOf(int64(s.ShmSize)))), s.at("shm_size"))
	}
	d.Blank()
	if len(missing) > 0 {
		s.note(Todo, s.origin("volumes"), "volumes", "Compose makes folders of the host that are missing, and minibot does not. Not there: "+strings.Join(missing, ", ")+".")
	}
}

// source is a path of the host.
func (s *service) source(source string) string {
	if s.compose == nil {
		return source
	}
	return s.compose.inDir(source)
}

// mount writes a folder or file of the host. Where a variable says which, the spec has it, too.
func (s *service) mount(d *spec.Draft, v types.ServiceVolumeConfig, source string, at origin) {
	value := spec.Quote(source)
	if s.vars != nil {
		if name, rest, ok := s.vars.among(s.typedUses[s.Name+".volumes"], v.Source); ok {
			if s.vars.all[name].value == v.Source[:len(v.Source)-len(rest)] && path.IsAbs(s.vars.all[name].value) {
				s.vars.use("var." + name)
				value = spec.Line(spec.Piece{Ref: "var." + name}, spec.Piece{Literal: rest})
			}
		}
	}
	d.Blank()
	d.Open(s.from(at), "mount")
	d.Set("source", value, s.from(at))
	d.Set("target", spec.Quote(v.Target), s.from(at))
	if v.ReadOnly {
		d.Set("read_only", spec.Boolean(true), 0)
	}
	d.Close()
}

// volume writes a named volume. minibot calls it after the stack, as compose does: one that has another name would be
// a new one, and empty.
func (s *service) volume(d *spec.Draft, v types.ServiceVolumeConfig, at origin, shown string) {
	if v.Source == "" {
		name := s.Name + "-" + cmp.Or(strings.Trim(notWord.ReplaceAllString(path.Base(v.Target), "-"), "-"), "data")
		s.note(Changed, at, "volumes "+shown, "It was a volume without a name, new with each container. Now it is "+name+", and is kept.")
		s.keep(d, name, v, at)
		return
	}
	config := s.project.Volumes[v.Source]
	if s.compose != nil {
		place := origin{line: keyLine(find(s.compose.root, "volumes"), v.Source), service: s.Name}
		s.compose.judgeKeys(find(s.compose.root, "volumes", v.Source), place, "volume "+v.Source+" ", volumeKeys)
	}
	name, ok := strings.CutPrefix(cmp.Or(config.Name, s.project.Name+"_"+v.Source), s.name+"_")
	if !ok || name == "" {
		s.note(Refused, at, "volumes "+shown, s.otherVolume(config.Name))
		return
	}
	s.keep(d, name, v, at)
}

// otherVolume says what to do about a volume that is not called after the stack.
func (s *service) otherVolume(name string) string {
	return fmt.Sprintf("minibot's volumes are called after the stack, %s_NAME, and this one is %s: its data would not be found. Copy it into a volume of such a name, and name that one here: docker run --rm -v %s:/from:ro -v %s_NAME:/to alpine cp -a /from/. /to/", s.name, name, name, s.name)
}

func (s *service) keep(d *spec.Draft, name string, v types.ServiceVolumeConfig, at origin) {
	if !v.ReadOnly {
		d.Short(s.from(at), "target", spec.Quote(v.Target), "volume", name)
		return
	}
	d.Open(s.from(at), "volume", name)
	d.Set("target", spec.Quote(v.Target), s.from(at))
	d.Set("read_only", spec.Boolean(true), 0)
	d.Close()
}

// judgeVolume says which options of a mount are not carried over.
func (s *service) judgeVolume(v types.ServiceVolumeConfig, at origin, shown string) {
	leave := func(what string) { s.note(LeftOut, at, "volumes "+shown+" "+what, noRoom) }
	if v.Volume != nil && v.Volume.Subpath != "" {
		s.note(Refused, at, "volumes "+shown+" subpath", "A volume is mounted whole.")
	}
	if v.Volume != nil && v.Volume.NoCopy {
		leave("nocopy")
	}
	if v.Bind != nil && v.Bind.Propagation != "" && v.Bind.Propagation != "rprivate" {
		leave(v.Bind.Propagation)
	}
	if v.Bind != nil && v.Bind.SELinux != "" {
		leave(v.Bind.SELinux)
	}
}

// tmpfsEntry is a tmpfs mount in the short form.
func tmpfsEntry(v types.ServiceVolumeConfig) string {
	var options []string
	if v.Tmpfs != nil && v.Tmpfs.Size > 0 {
		options = append(options, "size="+strconv.FormatInt(int64(v.Tmpfs.Size), 10))
	}
	if v.Tmpfs != nil && v.Tmpfs.Mode > 0 {
		options = append(options, "mode="+strconv.FormatUint(uint64(v.Tmpfs.Mode), 8))
	}
	if len(options) == 0 {
		return v.Target
	}
	return v.Target + ":" + strings.Join(options, ",")
}
