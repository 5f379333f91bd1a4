package verify

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
)

// version is a program's version.
type version struct {
	major, minor, patch int
	candidate           int // of release candidate 3 it is 3; 0 is the release itself
	// patched says that somebody else than the program's makers built it, as Linux distributions do: fixes of later
	// versions may be in it.
	patched bool
}

// versionText is such as 28.5.2, 1.4.0-rc.3, 20.10.24+dfsg1, 28.2.2-0ubuntu1~24.04.1 or 4.44.3 (202357).
var versionText = regexp.MustCompile(`^v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:[-~](?:rc|beta|alpha)[.-]?(\d{1,4}))?([-+~][0-9a-zA-Z].*)?(?:$| )`)

func parseVersion(text string) (version, error) {
	found := versionText.FindStringSubmatch(text)
	if found == nil {
		return version{}, fmt.Errorf("not a version: %.40q", text)
	}
	number := func(i int) int { n, _ := strconv.Atoi(found[i]); return n }
	return version{number(1), number(2), number(3), number(4), found[5] != ""}, nil
}

// before tells whether a version is older than a release. It looks at the numbers alone.
func (v version) before(major, minor, patch int) bool {
	return v.compare(version{major: major, minor: minor, patch: patch}) < 0
}

func (v version) compare(w version) int {
	last := func(v version) int { // a release comes after its candidates
		if v.candidate == 0 {
			return 10_000
		}
		return v.candidate
	}
	return cmp.Or(cmp.Compare(v.major, w.major), cmp.Compare(v.minor, w.minor), cmp.Compare(v.patch, w.patch), cmp.Compare(last(v), last(w)))
}

// hint says that a version alone proves little where somebody may have mended it.
func (v version) hint() string {
	if v.patched {
		return ", unless its distribution has mended it"
	}
	return ""
}
