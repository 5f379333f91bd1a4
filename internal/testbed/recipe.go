package testbed

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
)

// recipe says how one image is made. All but add is data and goes into the digest, so that an image made by
// another recipe is told from this one's.
type recipe struct {
	Name     string // of the service
	Tag      string // of the image we build
	Official string // of the image it stands in for
	Config   container.Config

	User   string            // its name; the number and the group's are ID
	ID     int               // the numeric user that the official image runs as
	Home   string            // of the user
	Dirs   []dir             // besides the parents of what is copied
	Files  map[string]string // scripts: name → content
	Links  map[string]string // name → target
	Debian []string          // files with their libraries, and whole directories (ending in a slash)
	Skip   []string          // parts of names left out of those directories
	From   string            // what add adds, with its version

	add func(ctx context.Context, b *builder, l *layer) error // what comes from elsewhere; may be nil
}

// dir is a directory that belongs to the recipe's user.
type dir struct {
	Name string
	Mode int64
}

// layout changes whenever the code that turns a recipe into an image does, in a way that shows in the image.
const layout = 2

const (
	labelRecipe = "minibot.testbed.recipe" // on every image of ours: the digest of its recipe
	pathEnv     = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

var (
	//go:embed rootfs/lib.sh
	scriptLib string
	//go:embed rootfs/postgres.sh
	scriptPostgres string
	//go:embed rootfs/redis.sh
	scriptRedis string
	//go:embed rootfs/mongo.sh
	scriptMongo string
	//go:embed rootfs/mongosh.sh
	scriptMongosh string
)

// digest returns the hex digest of the recipe and of all else that shapes its image.
func (r recipe) digest() string { return digest(layout, debianPackages, r) }

// digest returns the SHA-256 of the values' JSON, in hex.
func digest(values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // only constants come here
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// fill writes the files of the image. What is put first stays, so add may replace files of Debian's, and
// busybox comes last. It also means that a long compilation starts before Debian's packages are there.
func (r recipe) fill(ctx context.Context, b *builder, l *layer) error {
	if r.add != nil {
		if err := r.add(ctx, b, l); err != nil {
			return err
		}
	}
	debian, err := b.debian()
	if err != nil {
		return err
	}
	l.file("etc/passwd", 0o644, fmt.Sprintf("root:x:0:0:root:/root:/bin/sh\n%s:x:%d:%d::%s:/bin/sh\n", r.User, r.ID, r.ID, r.Home))
	l.file("etc/group", 0o644, fmt.Sprintf("root:x:0:\n%s:x:%d:\n", r.User, r.ID))
	l.file("etc/nsswitch.conf", 0o644, "passwd: files\ngroup: files\nhosts: files dns\n")
	for _, d := range r.Dirs {
		l.dir(d.Name, d.Mode, r.ID)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		l.file(name, 0o755, r.Files[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Links)) {
		l.link(name, r.Links[name])
	}
	l.copyLinked(debian, r.Debian, func(name string) bool {
		return slices.ContainsFunc(r.Skip, func(part string) bool { return strings.Contains(name, part) })
	})
	return b.busybox(ctx, debian, l)
}
