package adopt

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"minibot/spec"
)

// The tables know every key that compose's schema has, and no other.
func TestKeys(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/compose-spec/compose-go/v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "schema", "compose-spec.json"))
	if err != nil {
		t.Fatal(err)
	}
	type definition struct {
		Properties map[string]json.RawMessage
		AllOf      []struct {
			Ref string `json:"$ref"`
		}
	}
	var schema struct {
		definition
		Defs map[string]definition `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	var keys func(d definition) []string
	keys = func(d definition) []string {
		all := slices.Collect(maps.Keys(d.Properties))
		for _, part := range d.AllOf {
			all = append(all, keys(schema.Defs[filepath.Base(part.Ref)])...)
		}
		return all
	}
	for name, rules := range map[string]map[string]rule{"service": serviceKeys, "deployment": deployKeys, "network": networkKeys, "volume": volumeKeys, "": topKeys} {
		d := schema.definition
		if name != "" {
			d = schema.Defs[name]
		}
		known := keys(d)
		if len(known) < 5 {
			t.Fatalf("%s has only the keys %v: the test looks in the wrong place", name, known)
		}
		for _, key := range known {
			if _, ok := rules[key]; !ok {
				t.Errorf("%s.%s: say in keys.go what becomes of it", name, key)
			}
		}
		for key, r := range rules {
			if !slices.Contains(known, key) {
				t.Errorf("%s.%s: compose does not have it", name, key)
			}
			if r.kind != "" && r.why == "" && spec.Advice(name+"."+key) == "" {
				t.Errorf("%s.%s: say why", name, key)
			}
		}
	}
}

func TestNamesSecret(t *testing.T) {
	for _, name := range []string{
		"PASSWORD", "DB_PASS", "DBPASS", "MYSQL_ROOT_PASSWORD", "GF_SECURITY_ADMIN_PASSWORD", "JWT_SECRET", "SECRET_KEY_BASE", "API_KEY", "OPENAI_API_KEY", "token", "bot-token",
		"AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "SENTRY_DSN", "MEILI_MASTER_KEY", "APP_KEY", "GITEA__database__PASSWD", "ADMIN_PWD", "N8N_ENCRYPTION_KEY", "PGPASSWORD", "example.api.token",
	} {
		if !namesSecret(name) {
			t.Errorf("%s is not taken for a secret's name", name)
		}
	}
	for _, name := range []string{
		"", "USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE", "TOKEN_TTL", "PASSWORD_MIN_LENGTH", "PWD", "PUBLIC_KEY", "SSH_PUBLIC_KEY_PATH", "NO_PROXY_BYPASS", "KEYCLOAK_URL", "TZ", "PASSWORD_RESET_URL",
		"MYSQL_ALLOW_EMPTY_PASSWORD", "MYSQL_RANDOM_ROOT_PASSWORD", "SECRET_NAME", "HOSTNAME", "MONKEY", "TOKENIZER",
	} {
		if namesSecret(name) {
			t.Errorf("%s is taken for a secret's name", name)
		}
	}
	for value, want := range map[string]bool{
		"hunter2": true, "": false, "true": false, "no": false,
	} {
		if likeSecret("A_PASSWORD", value) != want {
			t.Errorf("A_PASSWORD=%q: %t", value, !want)
		}
	}
	for _, value := range []string{"-----BEGIN RSA PRIVATE KEY-----\nMII", "ghp_0123456789abcdefghijABCDEFGHIJ", "xoxb-0123456789-abc", "AKIA0123456789ABCDEF", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghij"} {
		if !likeSecret("X", value) {
			t.Errorf("%q is not known", value)
		}
	}
}

func TestReferences(t *testing.T) {
	for text, want := range map[string][]reference{
		"plain":           {{literal: "plain"}},
		"$$a$$":           {{literal: "$a$"}},
		"$A-b":            {{name: "A", written: "$A"}, {literal: "-b"}},
		"x${A}y":          {{literal: "x"}, {name: "A", written: "${A}"}, {literal: "y"}},
		"${A:-b}":         {{name: "A", op: ":-", arg: "b", written: "${A:-b}"}},
		"${A-${B:-c}d}e":  {{name: "A", op: "-", arg: "${B:-c}d", written: "${A-${B:-c}d}"}, {literal: "e"}},
		"${A:?b: c}":      {{name: "A", op: ":?", arg: "b: c", written: "${A:?b: c}"}},
		"${A+b}":          {{name: "A", op: "+", arg: "b", written: "${A+b}"}},
		"{\"a\": \"$B\"}": {{literal: "{\"a\": \""}, {name: "B", written: "$B"}, {literal: "\"}"}},
	} {
		got, err := references(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"$", "a $ b", "${", "${A", "${}", "${1}", "${A!b}", "$1"} {
		if got, err := references(text); err == nil {
			t.Errorf("%s: no error, but %+v", text, got)
		}
	}
}
