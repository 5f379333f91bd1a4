package adopt_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"minibot/internal/adopt"
	"minibot/internal/plan"
)

// ran is a container of the project shop as the engine shows it.
func ran(service string, change func(*plan.Container)) plan.Container {
	text := func(s string) *string { return &s }
	c := plan.Container{
		ID: "id-" + service, Name: "shop-" + service + "-1", Project: "shop", Service: service, Number: 1, ImageID: "sha256:1", State: plan.State{Status: "running"},
		Actual: types.ServiceConfig{ContainerName: "shop-" + service + "-1", Restart: "no", ContainerSpec: types.ContainerSpec{
			Image: "app:1", Command: types.ShellCommand{"serve"}, Environment: types.MappingWithEquals{"PATH": text("/bin"), "PRICE": text("5$$")},
			ShmSize: 64 << 20, Logging: &types.LoggingConfig{Driver: "json-file"}, Networks: map[string]*types.ServiceNetworkConfig{"shop_default": nil},
		}},
	}
	change(&c)
	return c
}

func shop(containers ...plan.Container) plan.Live {
	text := "/bin"
	return plan.Live{
		Containers: containers,
		Networks: map[string]plan.Network{
			"shop_default": {Name: "shop_default", Driver: "bridge", Labels: map[string]string{plan.LabelProject: "shop", plan.LabelNetwork: "default"}},
			"shop_back":    {Name: "shop_back", Driver: "bridge", Internal: true, Options: map[string]string{"com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"}, Labels: map[string]string{plan.LabelProject: "shop", plan.LabelNetwork: "back"}},
		},
		Images: map[string]plan.Image{"sha256:1": {Defaults: types.ServiceConfig{
			ContainerSpec: types.ContainerSpec{Command: types.ShellCommand{"serve"}, Environment: types.MappingWithEquals{"PATH": &text}, Labels: types.Labels{"maker": "x"}},
		}}},
	}
}

// service is the text of a service's block.
func service(t *testing.T, r adopt.Result) string {
	t.Helper()
	if r.Source == nil {
		t.Fatalf("refused: %s", shown(r))
	}
	_, block, _ := strings.Cut(string(r.Source), "\nservice ")
	return block
}

func live(t *testing.T, o adopt.Options, containers ...plan.Container) adopt.Result {
	t.Helper()
	result, err := adopt.FromLive("shop", shop(containers...), map[string]int64{"id-big": 900 << 20}, o)
	if err != nil {
		t.Fatal(err)
	}
	if result.Source != nil {
		holds(t, result)
	}
	return result
}

// says looks for words in a note of a kind.
func says(t *testing.T, r adopt.Result, kind adopt.Kind, words string) {
	t.Helper()
	for _, note := range r.Notes {
		if note.Kind == kind && strings.Contains(note.What+": "+note.Why, words) {
			return
		}
	}
	t.Errorf("no note (%s) says %q:\n%s", kind, words, shown(r))
}

// What image and engine do by themselves is not written down.
func TestLivePlain(t *testing.T) {
	r := live(t, adopt.Options{}, ran("web", func(c *plan.Container) { c.Compose = map[string]string{"depends_on": "nobody:service_started:false"} }))
	want := `"web" {
  image          = "app:1"
  container_name = "shop-web-1"

  limits {
    memory = "512M" # a guess: it had none
    cpus   = 1      # a guess: it had none
  }

  env = {
    PRICE = "5$"
  }

  restart  = "no"
  cap_drop = [] # as Docker has it; many programs need none: ["ALL"]
}
`
	if diff := cmp.Diff(want, service(t, r)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	says(t, r, adopt.Changed, "docker network rm shop_default")
	if !strings.Contains(string(r.Source), `network "shop-net" {}`) {
		t.Errorf("%s", r.Source)
	}
}

// What a person set is written down, and fits.
func TestLiveSet(t *testing.T) {
	r := live(t, adopt.Options{}, ran("big", func(c *plan.Container) {
		c.Name, c.Actual.ContainerName = "shop-big", "shop-big" // as minibot would call it
		c.Compose = map[string]string{"depends_on": "other:service_started:true"}
		s := &c.Actual
		s.Entrypoint, s.Command = types.ShellCommand{"/init"}, types.ShellCommand{"serve"}
		s.SecurityOpt = []string{"no-new-privileges:true"}
		s.Ulimits = map[string]*types.UlimitsConfig{"core": {}, "nofile": {Soft: 10, Hard: 20}}
		s.CapDrop, s.ReadOnly, s.PidsLimit, s.CPUS = []string{"ALL"}, true, 64, 0.1
		grace := types.Duration(90 * time.Second)
		s.StopGracePeriod = &grace
		s.Labels = types.Labels{"maker": "x", "team": "a$$b"}
		s.Networks = map[string]*types.ServiceNetworkConfig{"shop_back": nil, "elsewhere": nil}
		s.Ports = []types.ServicePortConfig{{HostIP: "::1", Published: "5353", Target: 53, Protocol: "udp"}}
		s.Volumes = []types.ServiceVolumeConfig{{Type: "volume", Source: "shop_data", Target: "/data"}, {Type: "bind", Source: "/srv/a$$b", Target: "/a", ReadOnly: true, Bind: &types.ServiceVolumeBind{}}}
	}), ran("other", func(c *plan.Container) { c.Actual.Networks = map[string]*types.ServiceNetworkConfig{"shop_back": nil} }))
	for _, want := range []string{
		"entrypoint        = [\"/init\"]", "command           = [\"serve\"]", "stop_grace_period = \"1m30s\"", "memory = \"2G\" # a guess", "cpus   = 0.1", "pids   = 64",
		"host_ip   = \"::1\"", "protocol  = \"udp\"", "volume \"data\" { target = \"/data\" }", "source    = \"/srv/a$b\"", "networks = [\"shop_back\", \"shop-elsewhere\"]",
		"depends_on \"other\" {\n    restart = true", "cap_drop  = [\"ALL\"]", "read_only = true", "ulimit \"nofile\" {\n    soft = 10\n    hard = 20", "logging {\n    driver = \"json-file\"\n  }", "team = \"a$b\"",
	} {
		if !strings.Contains(service(t, r), want) {
			t.Errorf("not written: %s\n%s", want, service(t, r))
		}
	}
	for _, not := range []string{"container_name", "maker", "ulimit \"core\""} {
		if strings.Contains(strings.Split(service(t, r), "\nservice ")[0], not) {
			t.Errorf("written: %s", not)
		}
	}
	if !strings.Contains(string(r.Source), "network \"shop_back\" {\n  internal = true\n}") {
		t.Errorf("a network that fits keeps its name:\n%s", r.Source)
	}
	says(t, r, adopt.Changed, "network elsewhere: It is another stack's")
}

// What cannot be carried over is said.
func TestLiveNotes(t *testing.T) {
	secret, file := "c4nary-Live1", "/run/secrets/token"
	r := live(t, adopt.Options{}, ran("db", func(c *plan.Container) {
		c.PublishAll = true
		c.Published = []plan.Port{{Published: 40001, Target: 80, Protocol: "tcp"}}
		s := &c.Actual
		s.Environment = types.MappingWithEquals{"DB_PASSWORD": &secret, "TOKEN_FILE": &file}
		s.Ports = []types.ServicePortConfig{{Target: 80, Protocol: "tcp"}}
		s.Sysctls = types.Mapping{"a": "b"}
		s.Volumes = []types.ServiceVolumeConfig{{Type: "volume", Source: strings.Repeat("0a", 32), Target: "/var/lib/db"}}
	}), ran("db", func(c *plan.Container) { c.Number, c.Name, c.ID = 2, "shop-db-2", "id-2" }),
		ran("db", func(c *plan.Container) {
			c.Name, c.ID, c.Compose = "shop-db-run-1", "id-3", map[string]string{"oneoff": "True"}
		}),
		ran("else", func(c *plan.Container) { c.Project = "other" }))
	says(t, r, adopt.Changed, "ports 40001:80: It was open to everyone")
	says(t, r, adopt.Changed, "bind blocks for those that you need")
	says(t, r, adopt.LeftOut, "sysctls")
	says(t, r, adopt.LeftOut, "container shop-db-2")
	says(t, r, adopt.Todo, "docker run --rm -v "+strings.Repeat("0a", 32)+":/from:ro -v shop_db-db:/to")
	says(t, r, adopt.Changed, "environment DB_PASSWORD")
	want := []adopt.Secret{{Name: "DB_PASSWORD", Container: "shop-db-1", Variable: "DB_PASSWORD"}, {Name: "token", Container: "shop-db-1", Path: "/run/secrets/token"}}
	if diff := cmp.Diff(want, r.Secrets); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	if strings.Contains(string(r.Source)+shown(r), "c4nary") || strings.Contains(string(r.Source), "run-1") {
		t.Errorf("%s", r.Source)
	}
}

func TestLiveRefuses(t *testing.T) {
	r := live(t, adopt.Options{}, ran("a", func(c *plan.Container) {
		s := &c.Actual
		s.Privileged, s.Pid, s.NetworkMode, s.Networks = true, "host", "host", nil
		s.Devices = []types.DeviceMapping{{Source: "/dev/x"}}
		s.Volumes = []types.ServiceVolumeConfig{{Type: "bind", Source: "/var/run/docker.sock", Target: "/s", Bind: &types.ServiceVolumeBind{}}, {Type: "volume", Source: "foreign", Target: "/f"}}
	}), ran("b", func(c *plan.Container) { c.Applied = plan.Fields{"image": {"x"}} }))
	if r.Source != nil {
		t.Fatalf("%s", r.Source)
	}
	for _, want := range []string{"privileged", "pid: host", "network_mode: host", "devices", "Socket of the host", "volumes foreign:/f", "container shop-b-1: minibot made it"} {
		says(t, r, adopt.Refused, want)
	}
	if diff := cmp.Diff([]string{"a", "b"}, r.Refused()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if r := live(t, adopt.Options{Without: []string{"a"}}, ran("a", func(c *plan.Container) { c.Actual.Privileged = true }), ran("b", func(*plan.Container) {})); !strings.HasPrefix(service(t, r), `"b"`) {
		t.Errorf("%s", r.Source)
	}
	if _, err := adopt.FromLive("shop", shop(ran("a", func(*plan.Container) {})), nil, adopt.Options{Without: []string{"c"}}); !errors.Is(err, adopt.ErrNoService) {
		t.Errorf("%v", err)
	}
	if r := live(t, adopt.Options{Without: []string{"a"}}, ran("a", func(*plan.Container) {})); r.Source != nil {
		t.Errorf("a spec of no service:\n%s", r.Source)
	}
}
