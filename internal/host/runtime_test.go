package host

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRuntime(t *testing.T) {
	for _, test := range []struct {
		operatingSystem, name string
		want                  Kind
		vm                    bool
	}{
		{"Docker Desktop", "docker-desktop", DockerDesktop, true},
		{"Docker Desktop", "linuxkit-0242ac110002", DockerDesktop, true},
		{"OrbStack", "orbstack", OrbStack, true},
		{"Ubuntu 24.04.2 LTS", "colima", Colima, true},
		{"Ubuntu 24.04.2 LTS", "colima-dev", Colima, true},
		{"Ubuntu 24.10", "lima-default", Lima, true},
		{"Rancher Desktop WSL Distribution", "desktop", RancherDesktop, true},
		{"Alpine Linux v3.20", "lima-rancher-desktop", RancherDesktop, true},
		{"Debian GNU/Linux 12 (bookworm)", "mini", LinuxEngine, false},
		{"Debian GNU/Linux 12 (bookworm)", "docker-desktop", LinuxEngine, false},
		{"Ubuntu 24.04.2 LTS", "colimax", LinuxEngine, false},
		{" docker desktop\n", "", DockerDesktop, true},
		{"", "mini", UnknownRuntime, false},
		{"", "", UnknownRuntime, false},
	} {
		got := Runtime(test.operatingSystem, test.name)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q, %q (-want +got):\n%s", test.operatingSystem, test.name, diff)
		}
		if got.VM() != test.vm {
			t.Errorf("%s.VM() is %v", got, got.VM())
		}
	}
}

func TestForwards(t *testing.T) {
	for _, test := range []struct {
		kind    Kind
		process string
		want    bool
	}{
		{LinuxEngine, "docker-proxy", true},
		{LinuxEngine, "rootlesskit-doc", true}, // as Linux cuts it
		{DockerDesktop, "com.docker.backend", true},
		{DockerDesktop, "com.docke", true}, // as lsof cuts it
		{DockerDesktop, "com.dock", false},
		{DockerDesktop, "docker-proxy", false},
		{Colima, "ssh", true},
		{LinuxEngine, "ssh", false},
		{LinuxEngine, "postgres", false},
		{LinuxEngine, "", false},
		{UnknownRuntime, "dockerd", false},
	} {
		if got := test.kind.Forwards(test.process); got != test.want {
			t.Errorf("%s, %q: %v", test.kind, test.process, got)
		}
	}
}

func TestTitles(t *testing.T) {
	for kind := range forwarders {
		if kind.Title() == "" {
			t.Errorf("%s has no title", kind)
		}
	}
}
