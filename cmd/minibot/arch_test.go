package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// imports says which of minibot's packages may import which. Each row has its reason.
// Tests may import more; what is not in the table may import nothing of minibot.
var imports = map[string]struct {
	may []string
	why string
}{
	"spec":                            {nil, "the language stands alone"},
	"render":                          {[]string{"spec"}, "turns the one into a compose file, and nothing else"},
	"internal/adopt":                  {[]string{"spec", "internal/plan"}, "compose or what runs in, a spec out"},
	"internal/plan":                   {nil, "the decision is pure: compose in, steps out"},
	"internal/secret":                 {nil, "values and stores know nothing of stacks"},
	"internal/journal":                {nil, "keeps lines of text"},
	"internal/lock":                   {nil, "one minibot at a time"},
	"internal/pin":                    {nil, "a file of digests"},
	"internal/remote":                 {[]string{"internal/secret"}, "keeps minibot's secrets out of ssh's environment"},
	"internal/host":                   {nil, "facts of the machine"},
	"internal/probe":                  {[]string{"internal/secret"}, "a login needs a value"},
	"internal/bridge":                 {nil, "dials from inside a container; it knows no engine"},
	"internal/rotate":                 {[]string{"internal/secret", "internal/probe"}, "changes a password by the session of the login that proved it"},
	"internal/engine":                 {[]string{"internal/plan", "internal/secret"}, "carries out actions, delivers values"},
	"apply":                           {[]string{"internal/plan"}, "runs a plan by an interface of its own; it does not know the engine"},
	"verify":                          {[]string{"spec", "internal/plan", "internal/host", "internal/probe", "internal/secret"}, "looks at all of it, changes nothing; spec for auth, waivers and their places"},
	"internal/lookout":                {[]string{"internal/secret"}, "looks again, and tells programs that must not see secrets"},
	"internal/schedule":               {[]string{"internal/secret"}, "has the system run a program, which must not see secrets"},
	"golden":                          {nil, "runs text cases"},
	"internal/testbed":                {nil, "for tests, the demo and CI alone"},
	"internal/testbed/cmd/testbed":    {[]string{"internal/testbed"}, "its command"},
	"internal/testbed/cmd/bench":      {[]string{"internal/testbed"}, "measures the program from outside"},
	"internal/testbed/cmd/bench/idle": {nil, "the program in its image"},
	"internal/testbed/rootfs":         {nil, "files of an image"},
	"internal/evidence":               {[]string{"verify", "internal/host", "internal/plan", "internal/probe", "internal/secret"}, "keeps what verify sees, and gives it back"},
	"cmd/minibot":                     {[]string{"internal/evidence", "spec", "render", "apply", "verify", "internal/plan", "internal/engine", "internal/secret", "internal/adopt", "internal/journal", "internal/lock", "internal/host", "internal/probe", "internal/bridge", "internal/rotate", "internal/lookout", "internal/schedule", "internal/remote", "internal/pin"}, "the only place that knows all"},
}

// homes says where a foreign module may be used, so that a change of library is a change
// of one room. Modules that are not named here may be used nowhere.
var homes = map[string]struct {
	in  []string
	why string
}{
	"github.com/hashicorp/hcl/v2":           {[]string{"spec"}, "HCL lives in spec"},
	"github.com/zclconf/go-cty":             {[]string{"spec"}, "HCL's values"},
	"github.com/agext/levenshtein":          {[]string{"spec"}, "did you mean"},
	"github.com/mitchellh/go-wordwrap":      {[]string{"spec"}, "messages fit the terminal"},
	"github.com/distribution/reference":     {[]string{"spec", "internal/engine"}, "names of images, as the engine reads them"},
	"github.com/docker/go-units":            {[]string{"spec", "internal/engine"}, "Docker's sizes and ulimits"},
	"gopkg.in/yaml.v3":                      {[]string{"render", "internal/plan", "internal/host", "internal/adopt", "internal/pin"}, "the rendered file, the label, settings of runtimes, and the lines of a compose file"},
	"github.com/compose-spec/compose-go/v2": {[]string{"render", "internal/plan", "internal/adopt", "internal/engine", "apply", "verify", "cmd/minibot"}, "the common tongue"},
	"github.com/go-viper/mapstructure/v2":   {[]string{"internal/adopt"}, "compose-go's way into its types"},
	"github.com/docker/docker":              {[]string{"internal/engine", "internal/testbed", "internal/testbed/cmd/bench"}, "the Docker client lives in engine"},
	"github.com/docker/cli":                 {[]string{"internal/engine", "internal/remote"}, "contexts, registry logins; URLs of ssh hosts"},
	"github.com/docker/go-connections":      {[]string{"internal/engine", "internal/testbed"}, "the client's ports"},
	"github.com/moby/docker-image-spec":     {[]string{"internal/engine"}, "the client's images"},
	"github.com/opencontainers/image-spec":  {[]string{"internal/engine", "internal/testbed"}, "the client's platforms"},
	"github.com/containerd/errdefs":         {[]string{"internal/engine", "internal/testbed", "internal/testbed/cmd/bench"}, "the client's errors"},
	"github.com/keybase/go-keychain":        {[]string{"internal/secret"}, "keychains live in secret"},
	"github.com/keybase/dbus":               {[]string{"internal/secret"}, "go-keychain's session bus"},
	"filippo.io/age":                        {[]string{"internal/secret"}, "seals the file store"},
	"github.com/jackc/pgx/v5":               {[]string{"internal/probe", "internal/rotate"}, "PostgreSQL's protocol"},
	"github.com/coder/websocket":            {[]string{"internal/probe"}, "OpenClaw's protocol, and probes of the spec's own"},
	"go.mongodb.org/mongo-driver/v2":        {[]string{"internal/probe", "internal/rotate"}, "MongoDB's protocol"},
	"github.com/alecthomas/kong":            {[]string{"cmd/minibot"}, "kong lives in cmd"},
	"github.com/rogpeppe/go-internal":       {[]string{"cmd/minibot"}, "differences of texts"},
	"github.com/google/go-cmp":              {[]string{"golden"}, "differences in tests"},
	"github.com/mattn/go-shellwords":        {[]string{"internal/lookout"}, "command lines without a shell"},
	"golang.org/x/term":                     {[]string{"cmd/minibot", "internal/secret"}, "terminals"},
	"golang.org/x/sys":                      {[]string{"internal/secret", "internal/journal", "internal/lock", "internal/host", "internal/testbed"}, "system calls"},
	"golang.org/x/sync":                     {[]string{"cmd/minibot", "internal/engine", "internal/testbed", "internal/testbed/cmd/bench"}, "bounded groups"},
	"golang.org/x/tools":                    {[]string{"golden"}, "archives of text cases"},
}

const module = "minibot"

func TestArchitecture(t *testing.T) {
	used := map[string]bool{}
	for pkg, files := range packages(t) {
		rule, known := imports[pkg]
		if !known {
			t.Errorf("package %s is not in the table of imports", pkg)
			continue
		}
		for file, names := range files {
			for _, name := range names {
				if own, ok := ownPackage(name); ok {
					if !slices.Contains(rule.may, own) {
						t.Errorf("%s imports %s: %s may import %v (%s)", file, own, pkg, rule.may, rule.why)
					}
				} else if foreign, ok := homeOf(name); ok {
					used[foreign] = true
					if home := homes[foreign]; !slices.Contains(home.in, pkg) {
						t.Errorf("%s imports %s, whose home is %v (%s)", file, name, home.in, home.why)
					}
				} else if strings.Contains(strings.SplitN(name, "/", 2)[0], ".") {
					t.Errorf("%s imports %s, a module that has no home in the table", file, name)
				}
			}
		}
	}
	for foreign := range homes {
		if !used[foreign] {
			t.Errorf("%s has a home, but nobody uses it", foreign)
		}
	}
}

// ownPackage is the folder of one of minibot's packages, by its import path.
func ownPackage(name string) (string, bool) {
	return strings.CutPrefix(name, module+"/")
}

func homeOf(name string) (string, bool) {
	for foreign := range homes {
		if name == foreign || strings.HasPrefix(name, foreign+"/") {
			return foreign, true
		}
	}
	return "", false
}

// packages lists the imports of every Go file that is not a test, by package and file.
func packages(t *testing.T) map[string]map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	found := map[string]map[string][]string{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && file != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || nested(file)) {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		pkg := path.Dir(relative)
		if found[pkg] == nil {
			found[pkg] = map[string][]string{}
		}
		for _, spec := range parsed.Imports {
			found[pkg][relative] = append(found[pkg][relative], strings.Trim(spec.Path.Value, `"`))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 10 {
		t.Fatalf("only %d packages found: the walk looks in the wrong place", len(found))
	}
	return found
}

// nested reports whether a folder is a module of its own.
func nested(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}
