package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"minibot/spec"
)

func literal(s string) spec.Part { return spec.Part{Literal: s} }

func secret(s string) spec.Part { return spec.Part{Secret: s} }

// TestText shows what the content of a file becomes.
func TestText(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		want    []spec.Part
	}{
		"empty":         {`""`, nil},
		"literal":       {`"a"`, []spec.Part{literal("a")}},
		"secret":        {`secret.TOKEN.value`, []spec.Part{secret("TOKEN")}},
		"odd name":      {`secret.__proto__.value`, []spec.Part{secret("__proto__")}},
		"index":         {`secret["TOKEN"]["value"]`, []spec.Part{secret("TOKEN")}},
		"between":       {`"a ${secret.TOKEN.value} b"`, []spec.Part{literal("a "), secret("TOKEN"), literal(" b")}},
		"twice":         {`"${secret.TOKEN.value}${secret.TOKEN.value}"`, []spec.Part{secret("TOKEN"), secret("TOKEN")}},
		"two":           {`"${secret.TOKEN.value}:${secret.PASSWORD.value}"`, []spec.Part{secret("TOKEN"), literal(":"), secret("PASSWORD")}},
		"file":          {`secret.TOKEN.file`, []spec.Part{literal("/run/secrets/TOKEN")}},
		"file, changed": {`upper(secret.TOKEN.file)`, []spec.Part{literal("/RUN/SECRETS/TOKEN")}},
		"dollar":        {`"5 $ $${secret.TOKEN.value} %%{x}"`, []spec.Part{literal("5 $ ${secret.TOKEN.value} %{x}")}},
		"heredoc":       {"<<-EOT\n    a\n      ${secret.TOKEN.value}\n    EOT\n", []spec.Part{literal("a\n  "), secret("TOKEN"), literal("\n")}},
		"directive":     {`"%{ for x in ["a", "b"] }${x}=${secret.TOKEN.value};%{ endfor }"`, []spec.Part{literal("a="), secret("TOKEN"), literal(";b="), secret("TOKEN"), literal(";")}},
		"format":        {`format("%s-%d", secret.TOKEN.value, 5)`, []spec.Part{secret("TOKEN"), literal("-5")}},
		"join":          {`join(" ", ["a", secret.TOKEN.value])`, []spec.Part{literal("a "), secret("TOKEN")}},
		"concat":        {`concat(["a"], [secret.TOKEN.value])[1]`, []spec.Part{secret("TOKEN")}},
		"merge":         {`merge({ a = "1" }, { b = secret.TOKEN.value }).b`, []spec.Part{secret("TOKEN")}},
		"merge, other":  {`merge({ a = "1" }, { b = secret.TOKEN.value }).a`, []spec.Part{literal("1")}},
		"for":           {`join(",", [for x in [secret.TOKEN.value, "b"] : "<${x}>"])`, []spec.Part{literal("<"), secret("TOKEN"), literal(">,<b>")}},
		"conditional":   {`1 < 2 ? secret.TOKEN.value : "none"`, []spec.Part{secret("TOKEN")}},
		"coalesce":      {`coalesce(null, secret.TOKEN.value)`, []spec.Part{secret("TOKEN")}},
		"try":           {`try(secret.TOKEN.value, "none")`, []spec.Part{secret("TOKEN")}},
		"trimspace":     {`trimspace("  a ${secret.TOKEN.value}\n")`, []spec.Part{literal("a "), secret("TOKEN")}},
		"json of file":  {`jsonencode({ path = secret.TOKEN.file })`, []spec.Part{literal(`{"path":"/run/secrets/TOKEN"}`)}},
		"json of value": {`jsonencode({ token = secret.TOKEN.value })`, []spec.Part{literal(`{"token":"`), secret("TOKEN"), literal(`"}`)}},
		"local":         {`local.line`, []spec.Part{literal("pass "), secret("PASSWORD"), literal("\n")}},
		"null":          {`local.line == null ? "" : "x"`, []spec.Part{literal("x")}},
	} {
		t.Run(name, func(t *testing.T) {
			locals := "locals {\n  line = \"${local.word} ${secret.PASSWORD.value}\\n\"\n  word = \"pass\"\n}\nsecret \"__proto__\" {}\n"
			src := around(fmt.Sprintf("  file \"/a\" {\n    content = %s\n  }", test.content)) + locals
			stack, diags := spec.Parse([]byte(src), "minibot.hcl", spec.Variables{})
			if name == "null" { // comparing what holds a secret needs its value
				if !diags.HasErrors() {
					t.Fatal("no error")
				}
				return
			}
			if diags.HasErrors() {
				t.Fatal(text(t, diags))
			}
			content := stack.Services[0].Files[0].Content
			if diff := cmp.Diff(test.want, content.Parts()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			for _, name := range content.Secrets() {
				if stack.Secret(name) == nil {
					t.Errorf("secret %q is not declared", name)
				}
			}
		})
	}
}

// TestSecretUsers shows who is given which secret, and how.
func TestSecretUsers(t *testing.T) {
	second := strings.Replace(around(`
  env = merge({ PASSWORD_FILE = secret.PASSWORD.file }, { ALSO = secret.PASSWORD.file, TOKEN = secret.TOKEN.value })
  command = ["run", "--token=${secret.TOKEN.value}"]
`), top, "", 1)
	s := parse(t, around(`
  env = { TOKEN_FILE = secret.TOKEN.file, PASSWORD_FILE = secret.PASSWORD.file }
  bind { port = 5432 }
  auth "redis" { password = secret.PASSWORD.value }
`)+strings.Replace(second, `"db"`, `"web"`, 1), spec.Variables{})
	db, web := s.Service("db"), s.Service("web")
	got := map[string][]string{
		"files of db":  db.SecretFiles,
		"all of db":    db.SecretNames(),
		"files of web": web.SecretFiles,
		"all of web":   web.SecretNames(),
	}
	for _, name := range []string{"PASSWORD", "TOKEN", "OTHER"} {
		for _, user := range s.SecretUsers(name) {
			got[name] = append(got[name], user.Name)
		}
	}
	want := map[string][]string{
		"files of db":  {"PASSWORD", "TOKEN"},
		"all of db":    {"PASSWORD", "TOKEN"},
		"files of web": {"PASSWORD"},
		"all of web":   {"PASSWORD", "TOKEN"},
		"PASSWORD":     {"db", "web"},
		"TOKEN":        {"db", "web"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]spec.Part{literal("--token="), secret("TOKEN")}, web.Command[1].Parts()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"PASSWORD"}, db.Auth.Password.Secrets()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestVariables shows where a variable's value comes from, and what type it has.
func TestVariables(t *testing.T) {
	none := spec.Variables{}
	flag := func(v string) spec.Variables { return spec.Variables{Flags: map[string]string{"x": v}} }
	environ := func(v string) spec.Variables { return spec.Variables{Environ: map[string]string{"x": v, "other": "y"}} }
	both := spec.Variables{Flags: map[string]string{"x": "flag"}, Environ: map[string]string{"x": "environ"}}
	for name, test := range map[string]struct {
		body, use string
		vars      spec.Variables
		want      string // of env.A; or of an error's summary
	}{
		"default":             {`default = "d"`, `var.x`, none, "d"},
		"default, function":   {`default = upper("d")`, `var.x`, none, "D"},
		"default, null":       {`default = null`, `var.x == null ? "none" : "some"`, none, "none"},
		"environ":             {`default = "d"`, `var.x`, environ("e"), "e"},
		"flag":                {`default = "d"`, `var.x`, flag("f"), "f"},
		"flag before environ": {``, `var.x`, both, "flag"},
		"empty flag":          {`default = "d"`, `"<${var.x}>"`, flag(""), "<>"},
		"no type":             {``, `"${var.x}"`, flag("5"), "5"},
		"string":              {`type = string`, `var.x`, flag(`["a"]`), `["a"]`},
		"number":              {`type = number`, `"${var.x + 1}"`, flag("5"), "6"},
		"bool":                {`type = bool`, `var.x ? "yes" : "no"`, flag("false"), "no"},
		"list":                {`type = list(string)`, `join("+", var.x)`, flag(`["a", "b"]`), "a+b"},
		"map":                 {`type = map(number)`, `"${var.x.a}"`, environ(`{ a = 5 }`), "5"},
		"object":              {`type = object({ a = string })`, `var.x.a`, flag(`{ a = 5, b = 6 }`), "5"},
		"any":                 {`type = any`, `var.x`, flag(`["a"]`), `["a"]`},
		"default converted":   {"type = string\n  default = 5", `var.x`, none, "5"},
		"validation":          {"validation {\n    condition = strlen(var.x) > 1\n    error_message = \"short\"\n  }", `var.x`, flag("ok"), "ok"},
		"validation fails":    {"validation {\n    condition = strlen(var.x) > 1\n    error_message = \"short\"\n  }", `var.x`, flag("o"), "Variable is not valid"},
		"validation by text":  {"validation {\n    condition = \"true\"\n    error_message = 5\n  }", `var.x`, flag("o"), "o"},
		"wrong number":        {`type = number`, `"${var.x}"`, flag("five"), "Wrong type of variable"},
		"nested too deeply":   {`type = list(string)`, `join("", var.x)`, flag(strings.Repeat("[", 1_000_000)), "Wrong type of variable"},
		"no secret by force":  {`type = string`, `var.x`, flag("\uE000sS:TOKEN\uE001"), "Character that cannot be used"},
		"no value":            {`type = number`, `"${var.x}"`, none, "Variable without a value"},
	} {
		t.Run(name, func(t *testing.T) {
			src := around("  env = { A = "+test.use+" }") + "\nvariable \"x\" {\n  " + test.body + "\n}\n"
			stack, diags := spec.Parse([]byte(src), "minibot.hcl", test.vars)
			got := ""
			for _, item := range diags.Items() {
				if item.Severity == "error" {
					got += item.Summary
				}
			}
			if got == "" {
				got = string(stack.Services[0].Env["A"])
			}
			if got != test.want {
				t.Errorf("got %q, want %q\n%s", got, test.want, text(t, diags))
			}
		})
	}
}

// TestFunctions calls each function once, and so shows what there is.
func TestFunctions(t *testing.T) {
	for expr, want := range map[string]string{
		`abs(-1)`: "1", `ceil(1.5)`: "2", `floor(1.5)`: "1", `max(1, 2)`: "2", `min(1, 2)`: "1",
		`coalesce(null, "a")`: "a", `join(",", concat(["a"], ["b"]))`: "a,b", `contains(["a"], "a")`: "true",
		`join(",", distinct(["a", "a"]))`: "a", `join(",", flatten([["a"], ["b"]]))`: "a,b", `format("%03d", 5)`: "005",
		`join(",", formatlist("%s!", ["a", "b"]))`: "a!,b!", `indent(2, "a\nb")`: "a\n  b", `jsondecode("{\"a\":5}").a`: "5",
		`jsonencode(["a", 1, true, null])`: `["a",1,true,null]`, `join(",", keys({ b = 1, a = 2 }))`: "a,b", `length(["a"])`: "1",
		`lookup({ a = "1" }, "b", "2")`: "2", `lower("A")`: "a", `join(",", values(merge({ a = 1 }, { b = 2 })))`: "1,2",
		`join(",", range(3))`: "0,1,2", `regex("[0-9]+", "a17b")`: "17", `replace("a-b", "-", "+")`: "a+b",
		`join(",", reverse(["a", "b"]))`: "b,a", `length(setunion(["a"], ["b"]))`: "2", `slice(["a", "b"], 1, 2)[0]`: "b",
		`join(",", sort(["b", "a"]))`: "a,b", `split(",", "a,b")[1]`: "b", `strlen("ä")`: "1", `substr("abc", 1, 1)`: "b",
		`title("ab")`: "Ab", `trim("-a-", "-")`: "a", `trimprefix("ab", "a")`: "b", `trimspace(" a ")`: "a", `trimsuffix("ab", "b")`: "a",
		`tobool("true") ? 1 : 2`: "1", `tonumber("5") + 1`: "6", `tostring(5)`: "5", `try(jsondecode("{"), "no")`: "no",
		`can(tonumber("x"))`: "false", `upper("a")`: "A", `zipmap(["a"], [5]).a`: "5", `10 / 4`: "2.5", `7 % 4`: "3",
	} {
		t.Run(expr, func(t *testing.T) {
			stack := parse(t, around("  env = { A = "+expr+" }"), spec.Variables{})
			if got := string(stack.Services[0].Env["A"]); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
