package engine

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/google/go-cmp/cmp"

	"minibot/golden"
	"minibot/internal/plan"
	"minibot/internal/secret"
	"minibot/render"
	"minibot/spec"
)

// canary is the value of every secret in these tests.
const canary = "c4n4ry-PQ7rTz"

func project(t testing.TB, src string) *types.Project {
	t.Helper()
	stack, diags := spec.Parse([]byte(src), "minibot.hcl", spec.Variables{})
	if diags.HasErrors() {
		t.Fatal(diags.Items())
	}
	loaded, _, err := render.Project(stack)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// given is a delivery with the values of every case.
func given() *delivery {
	values := map[string]secret.Value{}
	for _, name := range []string{"TOKEN", "PASSWORD"} {
		values[name] = secret.NewValue([]byte(canary))
	}
	return &delivery{secrets: secret.NewValues(values), used: map[string]secret.Value{}}
}

// inspection is what the engine would say of a container made from the definition, as far
// as it repeats what it was told.
func inspection(p *types.Project, service types.ServiceConfig, d definition) container.InspectResponse {
	config := *d.config
	config.Labels = map[string]string{}
	for key, value := range d.config.Labels {
		config.Labels[key] = value
	}
	for key, value := range labels(p, service, "sha256:1", nil) {
		config.Labels[key] = value
	}
	settings := &container.NetworkSettings{Networks: d.network.EndpointsConfig}
	for _, name := range d.more {
		settings.Networks[name] = endpoint(service)
	}
	host := *d.host
	if host.ShmSize == 0 {
		host.ShmSize = 64 << 20
	}
	c := container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{
			ID: "0123456789abcdef", Name: "/" + service.ContainerName, Image: "sha256:1", HostConfig: &host,
			State: &container.State{Status: "running", Running: true},
		},
		Config: &config, NetworkSettings: settings,
	}
	for _, m := range d.host.Mounts {
		point := container.MountPoint{Type: m.Type, Source: m.Source, Destination: m.Target, RW: !m.ReadOnly}
		if m.Type == mount.TypeVolume {
			point.Name, point.Source = m.Source, "/var/lib/docker/volumes/"+m.Source+"/_data"
		}
		c.Mounts = append(c.Mounts, point)
	}
	return c
}

// What create writes, observe reads: a container that was just made differs in nothing
// from what the file asks for, for every attribute of the language.
func TestCreateObserve(t *testing.T) {
	for _, c := range golden.Cases(t, "render") {
		t.Run(c.Name, func(t *testing.T) {
			p := project(t, c.File(t, "minibot.hcl"))
			live := plan.Live{Networks: map[string]plan.Network{}, Volumes: map[string]plan.Volume{}, Images: map[string]plan.Image{}}
			for _, n := range p.Networks {
				live.Networks[n.Name] = plan.Network{Name: n.Name, Driver: n.Driver, Internal: n.Internal, Options: n.DriverOpts, Labels: map[string]string{plan.LabelProject: p.Name}}
			}
			for _, v := range p.Volumes {
				live.Volumes[v.Name] = plan.Volume{Name: v.Name, Driver: "local"}
			}
			for _, service := range p.Services {
				made, err := create(p, service, given().expand)
				if err != nil {
					t.Fatal(err)
				}
				observed := observeContainer(inspection(p, service, made), p)
				if text, _ := json.Marshal(observed); strings.Contains(string(text), canary) {
					t.Errorf("an observation of %s holds the secret: %s", service.Name, text)
				}
				live.Containers = append(live.Containers, observed)
			}
			for _, step := range plan.Diff(p, live).Steps {
				for _, cause := range step.Causes {
					if strings.HasPrefix(cause.Path, "networks.case-net.ipam") {
						continue
					}
					t.Errorf("%s: %+v", step.ID, cause)
				}
			}
		})
	}
}

// reaches lists the cases whose attribute reaches the engine by another way than the
// container's definition.
var reaches = map[string]string{
	"base":                         "is what the others differ from",
	"network.internal":             "the network",
	"network.subnet":               "the network",
	"service.platform":             "an argument of its own when a container is made",
	"service.pull_policy":          "the pull before a container is made",
	"service.depends_on.condition": "the order of steps",
	"service.depends_on.restart":   "the order of steps",
	"service.file.content":         "the archive: see TestFiles",
	"service.file.mode":            "the archive: see TestFiles",
	"service.file.uid":             "the archive: see TestFiles",
	"service.file.gid":             "the archive: see TestFiles",
}

// Every attribute that is rendered reaches the engine: an attribute cannot be shown for
// review and then not applied.
func TestComplete(t *testing.T) {
	define := func(c golden.Case) string {
		p := project(t, c.File(t, "minibot.hcl"))
		made, err := create(p, p.Services["web"], given().expand)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal([]any{made.config, made.host, made.network, made.more})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	cases := golden.Cases(t, "render")
	base := define(cases[slices.IndexFunc(cases, func(c golden.Case) bool { return c.Name == "base" })])
	for _, c := range cases {
		if same := define(c) == base; same != (reaches[c.Name] != "") {
			t.Errorf("%s: definition as in the base case: %t. Map it in create and observe (container.go), or say in reaches how it gets there", c.Name, same)
		}
	}
}

func TestFiles(t *testing.T) {
	for _, c := range golden.Cases(t, "render") {
		if !strings.HasPrefix(c.Name, "service.file.") && !strings.HasPrefix(c.Name, "service.secret.file") {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			p := project(t, c.File(t, "minibot.hcl"))
			got, err := filesOf(p, p.Services["web"], given().expand)
			if err != nil {
				t.Fatal(err)
			}
			want := file{target: "/etc/web.conf", mode: 0o400, content: []byte("token " + canary + " costs $5\n")}
			switch c.Name {
			case "service.file.mode":
				want.mode = 0o444
			case "service.file.uid":
				want.uid = 33
			case "service.file.gid":
				want.gid = 33
			case "service.secret.file":
				want = file{target: "/run/secrets/TOKEN", uid: 999, gid: 999, mode: 0o400, content: []byte(canary)}
			}
			if diff := cmp.Diff([]file{want}, got, cmp.AllowUnexported(file{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A secret that has no value is an error that says nothing of the text around it.
func TestExpandMissing(t *testing.T) {
	d := delivery{used: map[string]secret.Value{}}
	_, err := d.expand("prefix ${NOPE:?is a secret of this stack} suffix")
	if err == nil || strings.Contains(err.Error(), "prefix") {
		t.Errorf("got %v", err)
	}
}

// A value goes into other text only if it cannot break it; alone it may be anything.
func TestExpandStructural(t *testing.T) {
	for _, c := range []struct {
		text, value string
		ok          bool
	}{
		{"requirepass ${TOKEN:?is a secret of this stack}\n", "s3cret$#%é=", true},
		{"requirepass ${TOKEN:?is a secret of this stack}\n", "two words", false},
		{`{"password": "${TOKEN:?is a secret of this stack}"}`, `a"b`, false},
		{`{"password": "${TOKEN:?is a secret of this stack}"}`, `a\b`, false},
		{"password: ${TOKEN:?is a secret of this stack}", "a\nadmin: true", false},
		{"${TOKEN:?is a secret of this stack}", "-----BEGIN KEY-----\nabc\n", true},
		{"${TOKEN:?is a secret of this stack}\n", "-----BEGIN KEY-----\nabc", true},
	} {
		d := delivery{secrets: secret.NewValues(map[string]secret.Value{"TOKEN": secret.NewValue([]byte(c.value))}), used: map[string]secret.Value{}}
		_, err := d.expand(c.text)
		switch {
		case (err == nil) != c.ok:
			t.Errorf("%q in %q: %v", c.value, c.text, err)
		case err != nil && (strings.Contains(err.Error(), c.value) || !strings.Contains(err.Error(), "TOKEN")):
			t.Errorf("the error shows the value or not the name: %v", err)
		}
	}
}
