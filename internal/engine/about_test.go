package engine

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/system"
	"github.com/google/go-cmp/cmp"

	"minibot/internal/plan"
)

// The first answers are Debian's own engine's, shortened; the second add what later engines say.
func TestObserveEngine(t *testing.T) {
	for name, test := range map[string]struct {
		info, version string
		want          plan.Engine
	}{
		"20.10": {
			info: `{"MemTotal":25274793984,"OperatingSystem":"Debian GNU/Linux 12 (bookworm)","Name":"vm","ServerVersion":"20.10.24+dfsg1",
				"RegistryConfig":{"InsecureRegistryCIDRs":["127.0.0.0/8"],"IndexConfigs":{"docker.io":{"Name":"docker.io","Mirrors":[],"Secure":true,"Official":true}}},
				"Swarm":{"LocalNodeState":"inactive"},"SecurityOptions":["name=seccomp,profile=default"],"Warnings":null}`,
			version: `{"Platform":{"Name":""},"Components":[{"Name":"Engine","Version":"20.10.24+dfsg1"},{"Name":"containerd","Version":"1.6.20~ds1"},{"Name":"runc","Version":"1.1.5+ds1"}]}`,
			want: plan.Engine{
				API: "1.41", Version: "20.10.24+dfsg1", OperatingSystem: "Debian GNU/Linux 12 (bookworm)", Name: "vm", Memory: 25274793984, Runc: "1.1.5+ds1",
				Security: []string{"name=seccomp,profile=default"}, InsecureRegistries: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			},
		},
		"28": {
			info: `{"OperatingSystem":"Docker Desktop","Name":"docker-desktop","ServerVersion":"28.3.2","FirewallBackend":{"Driver":"iptables+firewalld","Info":[["ReloadedAt","2026-11-01T00:00:00Z"]]},
				"RegistryConfig":{"InsecureRegistryCIDRs":["::1/128","127.0.0.0/8","10.0.0.0/24"],"IndexConfigs":{"nas:5000":{"Name":"nas:5000","Secure":false},"docker.io":{"Secure":true}}},
				"Swarm":{"LocalNodeState":"active"},"Warnings":["WARNING: DOCKER_INSECURE_NO_IPTABLES_RAW is set"]}`,
			version: `{"Platform":{"Name":"Docker Desktop 4.44.3 (202357)"},"Components":[{"Name":"runc","Version":"1.2.5"}]}`,
			want: plan.Engine{
				API: "1.41", Version: "28.3.2", OperatingSystem: "Docker Desktop", Name: "docker-desktop", Platform: "Docker Desktop 4.44.3 (202357)", Runc: "1.2.5",
				Firewall: "iptables+firewalld", Swarm: true, Warnings: []string{"WARNING: DOCKER_INSECURE_NO_IPTABLES_RAW is set"},
				InsecureRegistries: []netip.Prefix{netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/24")},
				InsecureHosts:      []string{"nas:5000"},
			},
		},
		"nothing": {info: `{}`, version: `{}`, want: plan.Engine{API: "1.41"}},
	} {
		t.Run(name, func(t *testing.T) {
			var info system.Info
			var version types.Version
			if err := json.Unmarshal([]byte(test.info), &info); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(test.version), &version); err != nil {
				t.Fatal(err)
			}
			same := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
			if diff := cmp.Diff(test.want, observeEngine(plan.Engine{API: "1.41"}, info, version), same); diff != "" {
				t.Errorf("engine (-want +got):\n%s", diff)
			}
		})
	}
}
