package verify

import "testing"

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]version{
		"28.5.2":                  {major: 28, minor: 5, patch: 2},
		"v1.2.8":                  {major: 1, minor: 2, patch: 8},
		"20.10.24+dfsg1":          {major: 20, minor: 10, patch: 24, patched: true},
		"1.1.5+ds1":               {major: 1, minor: 1, patch: 5, patched: true},
		"28.2.2-0ubuntu1~24.04.1": {major: 28, minor: 2, patch: 2, patched: true},
		"29.0.0-rc.1":             {major: 29, candidate: 1},
		"1.4.0-rc.3":              {major: 1, minor: 4, candidate: 3},
		"1.4.0~rc2":               {major: 1, minor: 4, candidate: 2},
		"1.4.0-rc.2+ds1":          {major: 1, minor: 4, candidate: 2, patched: true},
		"4.44.3 (202357)":         {major: 4, minor: 44, patch: 3},
		"29.0":                    {major: 29},
	} {
		if got, err := parseVersion(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "dev", "28", "28.x", "28.5.2.1", "28.5.2beta", "-1.2.3", "99999.1.1"} {
		if got, err := parseVersion(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestCompareVersions(t *testing.T) {
	ordered := []string{"1.1.12", "1.2.7", "1.2.8", "1.3.2", "1.4.0-rc.2", "1.4.0-rc.3", "1.4.0", "20.10.24+dfsg1", "27.5.1", "28.0.0-rc.1", "28.0.0"}
	for i, a := range ordered {
		for j, b := range ordered {
			x, _ := parseVersion(a)
			y, _ := parseVersion(b)
			if got := x.compare(y) < 0; got != (i < j) {
				t.Errorf("%s before %s: %v", a, b, got)
			}
		}
	}
}
