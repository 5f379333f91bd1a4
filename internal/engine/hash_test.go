package engine

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"minibot/golden"
	"minibot/internal/testbed"
	"minibot/render"
	"minibot/spec"
)

// oddSpec has what JSON, YAML and compose write each in their own way.
const oddSpec = `name = "case"

network "case-net" {}

network "other-net" { internal = true }

secret "TOKEN" {}

service "odd" {
  image    = "web:1"
  command  = ["sh", "-c", "echo $HOME $$ $${TOKEN:?no} <a & b> \"q\" \\ \t é 日 \u2028"]
  networks = ["other-net", "case-net"]
  limits {
    memory = "64MB"
    cpus   = 0.1
  }
  env = {
    PRICE        = "5$"
    QUOTED       = "\"TOKEN\": \"$5\""
    "WITH$SIGN"  = "$"
    TOKEN_FILE   = secret.TOKEN.file
  }
  labels = { "a.b/c:$d" = "x: $y\nz" }
  file "/etc/odd.conf" { content = "token ${secret.TOKEN.value}\n" }
  volume "data" { target = "/data/" }
  mount {
    source = "/srv/odd"
    target = "/srv"
  }
  healthcheck { test = ["CMD-SHELL", "test $$ -gt 1"] }
}

service "given" {
  image    = "web:1"
  networks = ["case-net"]
  command  = ["serve", "--price", "5$", "--token", "${secret.TOKEN.value}"]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  read_only = true
  depends_on "odd" {}
}
`

// hashCases are specs by name: those of the rendering, the example, and the odd one.
func hashCases(t *testing.T) map[string]string {
	t.Helper()
	example, err := os.ReadFile(filepath.Join(golden.Dir(), "..", "minibot.hcl.example"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"example": string(example), "odd": oddSpec}
	for _, c := range golden.Cases(t, "render") {
		all[c.Name] = c.File(t, "minibot.hcl")
	}
	return all
}

// The label is what docker compose makes of the rendered file, but where a secret's value would
// be in it: there it is what compose makes of the file without its values.
func TestConfigHash(t *testing.T) {
	testbed.Require(t) // without an engine compose may not be there, and is slow to build
	compose, err := testbed.Compose(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	secrets := 0
	for name, src := range hashCases(t) {
		t.Run(name, func(t *testing.T) {
			file, names := rendered(t, src)
			hashes := func(value string, flags ...string) map[string]string {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), compose, append([]string{"-f", file, "config", "--hash", "*"}, flags...)...)
				cmd.Env = os.Environ()
				for _, name := range names {
					cmd.Env = append(cmd.Env, name+"="+value)
				}
				var said strings.Builder
				cmd.Stderr = &said
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("docker compose config: %v\n%s", err, &said)
				}
				all := map[string]string{}
				for line := range strings.Lines(string(out)) {
					name, hash, _ := strings.Cut(strings.TrimSpace(line), " ")
					all[name] = hash
				}
				return all
			}
			want, got := hashes(canary), map[string]string{}
			other, bare := want, want
			if len(names) > 0 {
				other, bare = hashes(canary+"2"), hashes(canary, "--no-interpolate")
			}
			for name, service := range project(t, src).Services {
				got[name] = configHash(service)
				if want[name] != other[name] { // it tells one value from another
					secrets++
					want[name] = bare[name]
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-docker compose +minibot):\n%s", diff)
			}
		})
	}
	if secrets < 2 {
		t.Errorf("%d services have a secret in what is hashed, want service.secret.env's and the odd one", secrets)
	}
}

// rendered writes a spec's compose file, and names its secrets.
func rendered(t *testing.T, src string) (file string, secrets []string) {
	t.Helper()
	stack, diags := spec.Parse([]byte(src), "minibot.hcl", spec.Variables{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	text, err := render.Compose(stack)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range stack.Secrets {
		secrets = append(secrets, secret.Name)
	}
	file = filepath.Join(t.TempDir(), render.FileName)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, secrets
}

// These are docker compose v2.40.3's own words: a library whose fields move may not move them.
func TestHashesStay(t *testing.T) {
	p := project(t, oddSpec)
	got := map[string]string{
		"odd":       configHash(p.Services["odd"]),
		"given":     configHash(p.Services["given"]),
		"case-net":  networkHash(p.Networks["case-net"]),
		"other-net": networkHash(p.Networks["other-net"]),
	}
	want := map[string]string{
		"odd":       "2cbe1386be4f1c2b6c25a5aa43fe7e1e3e84655f7540e80dbf4c91f3ed5aabbb",
		"given":     "8e09e842901cd7debda1f2503794133e3041befbbef91b57052e2c0575a33e83",
		"case-net":  "3b5beae0315d61b9e76ff586a934ed4d7115a3f4609d3921d11bf34079fdc116",
		"other-net": "ebc6c6815a573a90445f485a80c718a0e5d57adceeb7659b5e4acab69cab9b76",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every key that a rendered service has is in compose's order.
func TestKeyOrder(t *testing.T) {
	for name, src := range hashCases(t) {
		for _, service := range project(t, src).Services {
			var keys map[string]any
			if err := json.Unmarshal(definitionOf(service), &keys); err != nil {
				t.Fatal(err)
			}
			for key := range keys {
				if !slices.Contains(keyOrder, key) {
					t.Errorf("%s: the order of keys lacks %s: put it into keyOrder (hash.go) where compose has it", name, key)
				}
			}
		}
	}
}
