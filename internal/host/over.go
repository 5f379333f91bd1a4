package host

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// survey prints what Over must know: the system, the user, what there is of the files that are asked for, and the
// interfaces with their flags. One of which those cannot be read is taken for one that is up.
const survey = `uname -s && id -u || exit
for tool in iptables-save ip6tables-save nft; do
	for dir in %s; do [ ! -x "$dir/$tool" ] || echo "file $dir/$tool"; done
done
for link in $(sed -n 's/^ *\([^: ]*\):.*/\1/p' /proc/net/dev); do
	flags=1
	[ ! -r "/sys/class/net/$link/flags" ] || read -r flags <"/sys/class/net/$link/flags"
	echo "link $link $flags"
	[ ! -e "/sys/class/net/$link/brport" ] || echo "file /sys/class/net/$link/brport"
done
exit 0`

// Over is a machine elsewhere, on which run starts programs as [Machine.Run] does. It knows what [Machine.LAN] and
// [Machine.Filter] ask, and nothing else; a shell of POSIX tells, at once.
func Over(ctx context.Context, run func(ctx context.Context, argv ...string) ([]byte, error)) (Machine, error) {
	out, err := run(ctx, "/bin/sh", "-c", fmt.Sprintf(survey, strings.Join(toolPaths, " ")))
	if err != nil {
		return Machine{}, err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 2 {
		return Machine{}, fmt.Errorf("uname and id say no system and no user: %.80q", out)
	}
	paths := listed{}
	var links []Interface
	for _, line := range lines[2:] {
		switch words := strings.Fields(line); {
		case len(words) == 2 && words[0] == "file":
			paths[strings.TrimPrefix(words[1], "/")] = true
		case len(words) == 3 && words[0] == "link":
			flags, err := strconv.ParseUint(words[2], 0, 32)
			if err != nil {
				return Machine{}, fmt.Errorf("flags of the interface %s: %w", words[1], err)
			}
			const up = 1 // IFF_UP of Linux
			links = append(links, Interface{Name: words[1], Up: flags&up != 0})
		default:
			return Machine{}, fmt.Errorf("a line that was not asked for: %.80q", line)
		}
	}
	return Machine{
		GOOS: strings.ToLower(lines[0]), Root: lines[1] == "0", Files: paths, Run: run,
		Interfaces: func() ([]Interface, error) { return links, nil },
	}, nil
}

// listed is a file system of which it is known alone which files there are.
type listed map[string]bool

func (l listed) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

// Stat tells whether a file is there. Its info is nil.
func (l listed) Stat(name string) (fs.FileInfo, error) {
	if !l[name] {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return nil, nil
}
