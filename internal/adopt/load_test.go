package adopt

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"minibot/golden"
)

// compose-go's own loader makes the same of every case, in all that is carried over.
func TestLoad(t *testing.T) {
	loaded := 0
	for _, one := range golden.Cases(t, "init") {
		t.Run(one.Name, func(t *testing.T) {
			name := "docker-compose.yml"
			if one.Has("compose.yaml") {
				name = "compose.yaml"
			}
			c := prepared(t, one, name)
			got, err := c.load()
			if err != nil {
				return // TestCases shows how
			}
			want, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
				WorkingDir: c.Dir, ConfigFiles: []types.ConfigFile{{Filename: name, Config: whole(c)}},
			}, func(o *loader.Options) {
				o.SetProjectName(c.stack, true)
				o.Interpolate = &interpolation.Options{
					Substitute: func(text string, _ template.Mapping) (string, error) { return text, nil }, TypeCastMapping: o.Interpolate.TypeCastMapping,
				}
				o.ResolvePaths, o.SkipResolveEnvironment, o.SkipResolveLabels, o.SkipExtends = false, true, true, false
			})
			if err != nil {
				t.Fatalf("compose-go refuses what is read: %v", err)
			}
			loaded++
			for _, service := range c.services {
				if strings.Contains(want.Services[service].NetworkMode, ":") || len(want.Services[service].VolumesFrom) > 0 {
					continue // refused, and compose makes dependencies of them
				}
				if diff := cmp.Diff(comparable(want.Services[service]), comparable(got.Services[service]), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s (-compose-go +adopt):\n%s", service, diff)
				}
			}
			for key, network := range got.Networks {
				if diff := cmp.Diff(want.Networks[key], network, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(types.NetworkConfig{}, "Labels", "Extensions")); diff != "" && want.Networks[key].Name != "" {
					t.Errorf("network %s:\n%s", key, diff)
				}
			}
			for key, volume := range got.Volumes {
				if diff := cmp.Diff(want.Volumes[key].Name, volume.Name); diff != "" {
					t.Errorf("volume %s:\n%s", key, diff)
				}
			}
		})
	}
	if loaded < 20 {
		t.Errorf("only %d cases were compared", loaded)
	}
}

// prepared is a case up to the point where it is loaded.
func prepared(t *testing.T, one golden.Case, name string) *compose {
	t.Helper()
	f := File{Name: name, Text: []byte(one.File(t, name)), Dir: "/srv/app", Home: "/home/me", Read: func(path string) ([]byte, error) {
		if below, err := filepath.Rel("/srv/app", path); err == nil && one.Has(below) {
			return []byte(one.Section(below)), nil
		}
		return nil, fs.ErrNotExist
	}}
	c, err := newCompose(f, Options{Profiles: []string{"*"}})
	if err == nil {
		err = c.substitute(c.root, nil, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	c.judge()
	return c
}

// whole is the file as it stands, for compose-go.
func whole(c *compose) map[string]any {
	all := plain(c.root).(map[string]any)
	for _, key := range []string{"version", "include"} {
		delete(all, key)
	}
	return all
}

// comparable is a service without what is not carried over.
func comparable(s types.ServiceConfig) types.ServiceConfig {
	var one types.ServiceConfig
	one.Name, one.Deploy, one.Restart, one.Scale, one.ContainerName = s.Name, s.Deploy, s.Restart, s.Scale, s.ContainerName
	c := s.ContainerSpec
	one.ContainerSpec = types.ContainerSpec{
		CapAdd: c.CapAdd, CapDrop: c.CapDrop, Command: c.Command, Configs: c.Configs, CPUS: c.CPUS, DNS: c.DNS, Entrypoint: c.Entrypoint, EnvFiles: c.EnvFiles,
		Environment: c.Environment, ExtraHosts: c.ExtraHosts, GroupAdd: c.GroupAdd, Hostname: c.Hostname, Image: c.Image, Init: c.Init, Labels: c.Labels, Logging: c.Logging,
		MemLimit: c.MemLimit, MemSwapLimit: c.MemSwapLimit, NetworkMode: c.NetworkMode, Networks: c.Networks, PidsLimit: c.PidsLimit, Platform: c.Platform,
		PullPolicy: c.PullPolicy, ReadOnly: c.ReadOnly, Secrets: c.Secrets, SecurityOpt: c.SecurityOpt, ShmSize: c.ShmSize, StopGracePeriod: c.StopGracePeriod,
		StopSignal: c.StopSignal, Tmpfs: c.Tmpfs, Ulimits: c.Ulimits, User: c.User, Volumes: c.Volumes, WorkingDir: c.WorkingDir,
	}
	if one.PullPolicy == types.PullPolicyIfNotPresent {
		one.PullPolicy = types.PullPolicyMissing
	}
	one.WorkloadSpec = types.WorkloadSpec{HealthCheck: s.HealthCheck, Ports: slices.Clone(s.Ports), DependsOn: s.DependsOn}
	if s.Build != nil {
		one.Build = &types.BuildConfig{}
	}
	if one.Scale != nil && one.Deploy != nil {
		s.Deploy.Replicas = nil // the loader copies it
	}
	if one.Deploy != nil {
		one.Deploy = &types.DeployConfig{Mode: s.Deploy.Mode, Replicas: s.Deploy.Replicas, Resources: s.Deploy.Resources, RestartPolicy: s.Deploy.RestartPolicy}
	}
	return one
}
