package engine

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is kept of a predecessor comes back as it was. What was kept before, and is kept still,
// is not one of its files.
func TestUnpack(t *testing.T) {
	want := []file{
		{target: filesDir + "/a", uid: 999, gid: 998, mode: 0o400, content: []byte("one")},
		{target: filesDir + "/deep/b", mode: 0o444, content: []byte("two")},
	}
	for _, kept := range []string{"", "kept"} {
		packed, err := archive(filesDir, append([]file{{target: filesDir + "/" + keptFile, content: []byte(kept)}}, want...))
		if err != nil {
			t.Fatal(err)
		}
		got, found, err := unpack(packed)
		if err != nil || found != (kept != "") {
			t.Errorf("kept %q: found %t, %v", kept, found, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(file{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	whole, err := archive(filesDir, want)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := unpack(io.LimitReader(whole, 514)); err == nil {
		t.Error("half an archive is taken for a whole one")
	}
}
