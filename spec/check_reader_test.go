package spec_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"minibot/spec"
)

// TestOwner shows whose the files of a service are where the spec names no owner.
func TestOwner(t *testing.T) {
	for user, want := range map[string][]int{
		"":             {0, 0},
		"999":          {999, 0},
		"999:1000":     {999, 1000},
		"0999:0999":    {999, 999},
		"999:postgres": {999, 0},
		"root:5":       {0, 5},
		"postgres":     {0, 0},
		"postgres:5":   {0, 0},
		"2147483648":   {0, 0},
	} {
		uid, gid := (&spec.Service{User: user}).Owner()
		if diff := cmp.Diff(want, []int{uid, gid}); diff != "" {
			t.Errorf("%q: -want +got:\n%s", user, diff)
		}
	}
}

// TestReaders holds what minibot says of a file against what a container did with it
// (Engine 20.10): nothing where it was read, an error where it was not.
func TestReaders(t *testing.T) {
	const (
		refused = "File that its reader cannot read"
		unknown = "Reader not known"
	)
	for _, test := range []struct {
		service, file string // lines of each
		want          string // the summary; empty for none
	}{
		{`user = "999:999"`, ``, ""},
		{`user = "999:999"`, `mode = "0404"`, ""},
		{`user = "999:999"`, `mode = "0600"`, ""},
		{`user = "999:999"`, `gid = 5`, ""},
		{`user = "999:999"`, `uid = 0`, refused},
		{`user = "999:999"`, "uid = 0\nmode = \"0440\"", ""},
		{`user = "999:999"`, "uid = 0\nmode = \"0444\"", ""},
		{`user = "999:999"`, "uid = 0\nmode = \"0404\"", refused},
		{`user = "999:999"`, "uid = 0\ngid = 0\nmode = \"0404\"", ""},
		{`user = "999:999"`, "uid = 0\ngid = 0\nmode = \"0440\"", refused},
		{"user = \"999:999\"\ngroup_add = [\"0\"]", "uid = 0\ngid = 0\nmode = \"0440\"", ""},
		{"user = \"999:999\"\ngroup_add = [\"0\"]", "uid = 0\ngid = 0\nmode = \"0404\"", refused},
		{"user = \"999:999\"\ngroup_add = [\"tls\"]", "uid = 0\ngid = 0\nmode = \"0440\"", unknown},
		{`user = "999:999"`, `mode = "0044"`, refused},
		{`user = "999:999"`, `mode = "0000"`, "File that nobody may read"},
		{"user = \"999:999\"\ncap_add = [\"DAC_OVERRIDE\"]", `uid = 0`, refused},
		{`user = "999"`, "uid = 0\ngid = 0\nmode = \"0440\"", unknown},
		{`user = "999"`, "uid = 0\nmode = \"0400\"", refused},
		{`user = "999:redis"`, ``, ""},
		{`user = "999:redis"`, "uid = 0\ngid = 5\nmode = \"0440\"", unknown},

		{`user = "0:0"`, ``, ""},
		{`user = "root"`, ``, ""},
		{`user = "0:0"`, `uid = 999`, refused},
		{`user = "root"`, `uid = 999`, refused},
		{`user = "0"`, "uid = 999\nmode = \"0440\"", ""},
		{`user = "0"`, "uid = 999\ngid = 5\nmode = \"0440\"", unknown},
		{`user = "0:0"`, `mode = "0044"`, refused},
		{"user = \"0:0\"\ncap_add = [\"CAP_DAC_OVERRIDE\"]", `uid = 999`, ""},
		{"user = \"0:0\"\ncap_drop = []", `uid = 999`, ""},
		{"user = \"0:0\"\ncap_drop = [\"dac_override\", \"SETUID\"]", `uid = 999`, refused},
		{"user = \"0:0\"\ncap_drop = [\"DAC_OVERRIDE\"]\ncap_add = [\"DAC_OVERRIDE\"]", `uid = 999`, ""},
		{"user = \"0:0\"\ncap_add = [\"SETUID\", \"SETGID\"]", `uid = 999`, ""},
		{"user = \"0:0\"\ncap_add = [\"DAC_OVERRIDE\"]", `mode = "0000"`, "File that nobody may read"},

		{``, ``, unknown},
		{``, `uid = 999`, unknown},
		{``, `mode = "0444"`, ""},
		{`cap_add = ["SETUID", "SETGID"]`, ``, unknown},
		{`cap_add = ["SETUID", "SETGID"]`, `uid = 999`, ""},
		{`user = "redis"`, ``, "User must be a number"},
		{`user = "redis"`, `uid = 999`, ""},
		{`user = "redis"`, "uid = 999\nmode = \"0200\"", "File that nobody may read"},
	} {
		src := around(fmt.Sprintf("%s\nfile \"/etc/db.conf\" {\ncontent = \"\"\n%s\n}\nenv = { A = secret.PASSWORD.value, B = secret.TOKEN.value }", test.service, test.file))
		_, diags := spec.Parse([]byte(src), "minibot.hcl", spec.Variables{})
		var got []string
		for _, item := range diags.Items() {
			if item.Summary != "Secret visible in docker inspect" {
				got = append(got, item.Summary)
			}
		}
		var want []string
		if test.want != "" {
			want = append(want, test.want)
		}
		if !slices.Equal(got, want) || diags.HasErrors() != (test.want != "" && test.want != unknown) {
			t.Errorf("service: %q, file: %q: want %q, got\n%s", test.service, test.file, want, text(t, diags))
		}
	}
}
