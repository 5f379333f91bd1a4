package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The digits of a file's mode that say who may read and write it.
const (
	ownerReads    = 0o400
	groupReads    = 0o040
	othersRead    = 0o004
	othersWrite   = 0o002
	others        = 0o007
	everyoneReads = ownerReads | groupReads | othersRead
)

// unknown is a user that only the image knows.
const unknown = -1

// answer is what the spec alone says to a question.
type answer int

const (
	no answer = iota
	perhaps
	yes
)

// reader is who opens the files of a service: its first process.
type reader struct {
	uid      int   // or unknown
	groups   []int // known ones
	all      bool  // there are no others
	override bool  // root with the capability to read what it likes
	drops    bool  // may make itself another user, if it is root
}

// readerOf is the reader as far as the spec says. An engine that is given a user alone
// looks for its groups in the image; that of root is 0 in every image.
func readerOf(s *Service) reader {
	user, group, _ := strings.Cut(s.User, ":")
	r := reader{uid: unknown, all: true, drops: s.capable("SETUID")}
	if uid, ok := userNumber(user); ok {
		r.uid = uid
		r.override = uid == 0 && s.capable("DAC_OVERRIDE")
	}
	if group == "" && r.uid == 0 {
		r.groups = []int{0}
	}
	for _, one := range append([]string{group}, s.GroupAdd...) {
		gid, ok := number(one)
		if r.all = r.all && ok; ok {
			r.groups = append(r.groups, gid)
		}
	}
	return r
}

// capable reports whether root in the service's container has one of the capabilities
// that engines give by default, unless they are dropped. Any other user has none, not
// even with cap_add: engines make none ambient. (Run on Engine 20.10.)
func (s *Service) capable(name string) bool {
	has := func(list []string) bool {
		return slices.ContainsFunc(list, func(one string) bool {
			plain := strings.TrimPrefix(strings.ToUpper(one), "CAP_")
			return plain == name || plain == "ALL"
		})
	}
	return has(s.CapAdd) || !has(s.CapDrop)
}

// may reports whether the reader can read a file. Linux asks only the first digit that
// is about the reader: an owner whom the mode shuts out is not one of the others.
func (r reader) may(uid, gid, mode int) answer {
	says := func(digit int) answer {
		if mode&digit != 0 {
			return yes
		}
		return no
	}
	switch {
	case mode&everyoneReads == everyoneReads:
		return yes
	case r.uid == unknown:
		return perhaps
	case r.uid == 0 && (r.override || r.drops):
		return yes // a program that changes its user becomes whom the file is for
	case r.uid == uid:
		return says(ownerReads)
	case slices.Contains(r.groups, gid):
		return says(groupReads)
	case !r.all && says(groupReads) != says(othersRead):
		return perhaps
	}
	return says(othersRead)
}

// checkReaders finds files that would be there and could not be read.
//
// Where the spec has the numbers it is certain, and an error. Where it does not say as
// whom the service runs, it is a warning: the image may name root, who reads what is
// root's, or another user, who does not. And of the programs that start as root and then
// become another user, PostgreSQL's image reads its password before that, MongoDB's and
// Redis's after it; so neither can be refused, and neither be passed over.
func (d *decoder) checkReaders() {
	for _, s := range d.stack.Services {
		wrong := slices.ContainsFunc([]Range{s.UserRange, s.GroupAddRange, s.CapRange, s.CapDropRange}, d.diags.isWrong)
		if wrong || d.incomplete[s.Name] {
			continue // part of the question, and reported already
		}
		r := readerOf(s)
		doubt := ""
		if len(s.SecretFiles) > 0 && s.User == "" {
			doubt = unknownReader(s, "secret."+s.SecretFiles[0]+".file", 0, 0, DefaultFileMode, r)
		}
		for _, file := range s.Files {
			doubt = cmp.Or(doubt, d.checkReader(s, file, r))
		}
		if doubt != "" { // one for the service: an answer settles all
			d.diags.advise(s.NameRange, "Reader not known", doubt)
		}
	}
}

// unknownReader says what to do about a file, if only the image knows who reads it.
func unknownReader(s *Service, what string, uid, gid int, mode string, r reader) string {
	example := "999:999"
	if uid != 0 {
		example = fmt.Sprintf("%d:%d", uid, cmp.Or(gid, uid))
	}
	text := fmt.Sprintf("%s belongs to user %d with mode %s, and only the image says as whom %q runs. Write user = %q, with the numbers of the image's user, or \"0:0\" if that is root.", what, uid, mode, s.Name, example)
	if r.drops {
		text += " If the program makes itself another user, write that one's uid in a file block."
	}
	return text
}

// checkReader checks one file. It returns what there is to say of one of which only the
// image knows whether the service can read it.
func (d *decoder) checkReader(s *Service, file *File, r reader) (doubt string) {
	mode64, err := strconv.ParseInt(file.Mode, 8, 32)
	if err != nil || slices.ContainsFunc([]Range{file.UIDRange, file.GIDRange, file.ModeRange}, d.diags.isWrong) {
		return ""
	}
	uid, gid, mode := *file.UID, *file.GID, int(mode64)
	holds := len(file.Content.Secrets()) > 0
	can := r.may(uid, gid, mode)
	least := mode
	if can == yes && r.uid != unknown && r.may(uid, gid, mode&^others) == yes {
		least = mode &^ others // elsewhere these may be what lets the program read at all
	}
	if holds && mode&othersWrite != 0 {
		d.diags.add(file.ModeRange, "Secret that anyone may change", fmt.Sprintf("With mode %q every process in the container could put another secret in its place. Write mode = \"%04o\".", file.Mode, least&^othersWrite))
	}
	switch {
	case mode&everyoneReads == 0:
		d.diags.add(file.ModeRange, "File that nobody may read", fmt.Sprintf("Mode %q lets neither the file's owner read it nor anyone else. Write mode = \"%04o\".", file.Mode, mode|ownerReads))
	case can == no:
		d.unreadable(s, file, r, mode)
	case can == perhaps && r.uid != unknown:
		d.diags.advise(file.UIDRange, "Reader not known", fmt.Sprintf("The file is for group %d, and only the image says in which groups user %d of %q is. Write the number of each: user = \"%d:%d\", group_add = [\"%d\"].", gid, r.uid, s.Name, r.uid, r.uid, gid))
	case can == perhaps && s.User == "" && (file.UIDRange.Empty() || !r.drops): // else the spec has said for whom it is
		doubt = unknownReader(s, file.Target, uid, gid, file.Mode, r)
		if !holds {
			doubt += " A file without a secret may have mode = \"0444\"."
		}
	case holds && mode&othersRead != 0 && least&othersRead == 0:
		d.diags.advise(file.ModeRange, "Secret that others may read", fmt.Sprintf("%q can read the file without the last digit of mode %q. Write mode = \"%04o\".", s.Name, file.Mode, least))
	}
	return doubt
}

// unreadable reports a file that the service certainly cannot read.
func (d *decoder) unreadable(s *Service, file *File, r reader, mode int) {
	const summary = "File that its reader cannot read"
	if *file.UID == r.uid {
		d.diags.add(file.ModeRange, summary, fmt.Sprintf("%q runs as user %d, who owns the file, and mode %q does not let the owner read it. Write mode = \"%04o\".", s.Name, r.uid, file.Mode, mode|ownerReads))
		return
	}
	detail := fmt.Sprintf("The file belongs to %d:%d with mode %s, and %q runs as %s.", *file.UID, *file.GID, file.Mode, s.Name, s.User)
	if r.uid == 0 {
		detail += " Root reads the files of others only with the capability DAC_OVERRIDE, and cap_drop takes it away. Where the program makes itself another user, write cap_add = [\"SETUID\", \"SETGID\"]; otherwise take"
	} else {
		detail += " Take"
	}
	detail += fmt.Sprintf(" uid out, so that the file belongs to %d", r.uid)
	if mode&ownerReads == 0 {
		detail += fmt.Sprintf(", and write mode = \"%04o\"", mode|ownerReads)
	}
	if mode&groupReads != 0 && !slices.Contains(r.groups, *file.GID) {
		detail += fmt.Sprintf(", or write group_add = [\"%d\"]", *file.GID)
	}
	d.diags.add(file.UIDRange, summary, detail+".")
}
