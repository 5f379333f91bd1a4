package main

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/rogpeppe/go-internal/testscript"

	"minibot/internal/testbed"
)

// Scripts see minibot as a process. Those in testdata/scripts run anywhere: their engine is a
// socket that is not there. Those in engine/ and alone/ run on a real one, each with a stack
// of its own:
//
//	MINIBOT_TEST_ENGINE=1 go test ./cmd/minibot -run 'Scripts/drift'
//
// Line one of a script states what must hold.

func TestMain(m *testing.M) {
	if os.Getenv(standVariable) != "" {
		stand()
		return
	}
	// Scripts on an engine wait for it most of the time.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"minibot": main, "interrupt": interrupt})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, params("testdata/scripts", func(env *testscript.Env) error {
		env.Setenv("DOCKER_HOST", "unix://"+filepath.Join(env.WorkDir, "no-engine.sock"))
		return nil
	}))
}

func TestEngineScripts(t *testing.T) {
	engine, refs := testbed.Require(t)
	testscript.Run(t, params("testdata/scripts/engine", stackOf(engine, refs)))
}

// The scripts in alone/ open a port to the network, which every stack sees as a stray.
func TestEngineScriptsAlone(t *testing.T) {
	engine, refs := testbed.Require(t)
	files, err := filepath.Glob("testdata/scripts/alone/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts (%v)", err)
	}
	for _, file := range files {
		p := params("", stackOf(engine, refs))
		p.Files = []string{file}
		t.Run("alone", func(t *testing.T) { testscript.Run(t, p) })
	}
}

func params(dir string, setup func(*testscript.Env) error) testscript.Params {
	return testscript.Params{
		Dir: dir, Cmds: scriptCommands(), RequireUniqueNames: true,
		UpdateScripts: os.Getenv("MINIBOT_UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("MINIBOT_SECRETS_DIR", filepath.Join(env.WorkDir, "secrets"))
			return setup(env)
		},
	}
}

// stackOf gives a script the engine, a stack's name and ports that no other script has, and
// writes them into its specs.
func stackOf(engine *testbed.Engine, refs testbed.Refs) func(*testscript.Env) error {
	return func(env *testscript.Env) error {
		t := env.T().(testing.TB)
		stack := engine.Project(t)
		env.Defer(func() {
			if err := sweep(engine, stack); err != nil {
				t.Errorf("sweep: %v", err)
			}
		})
		env.Values[engineKey{}], env.Values[seenKey{}] = engine, map[string]seen{}
		values := map[string]string{
			"WORK": env.WorkDir, "STACK": stack, "REDIS": refs.Redis, "POSTGRES": refs.Postgres,
			"PORT": fmt.Sprint(freePort(t)), "PORT2": fmt.Sprint(freePort(t)), "PORT3": fmt.Sprint(freePort(t)),
		}
		env.Setenv("DOCKER_HOST", engine.Host)
		for name, value := range values {
			env.Setenv(name, value)
		}
		return fill(env.WorkDir, values)
	}
}

var placeholder = regexp.MustCompile(`\$[A-Z][A-Z0-9]*`)

// fill writes values in the place of their names into every spec below a folder.
func fill(dir string, values map[string]string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".hcl" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		filled := placeholder.ReplaceAllStringFunc(string(text), func(name string) string {
			if value, ok := values[name[1:]]; ok {
				return value
			}
			return name
		})
		return os.WriteFile(path, []byte(filled), 0o644)
	})
}

var ports struct {
	sync.Mutex
	given map[int]bool
}

// freePort is a port that no other test of this process was given.
func freePort(t testing.TB) int {
	ports.Lock()
	defer ports.Unlock()
	if ports.given == nil {
		ports.given = map[int]bool{}
	}
	for {
		if port := testbed.FreePort(t); !ports.given[port] {
			ports.given[port] = true
			return port
		}
	}
}

// sweep removes what a script made by hand: containers, networks and images that are named
// after its stack. The rest carries the project's label.
func sweep(engine *testbed.Engine, stack string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	named := filters.NewArgs(filters.Arg("name", stack))
	containers, err := engine.Client.ContainerList(ctx, container.ListOptions{All: true, Filters: named})
	if err != nil {
		return err
	}
	for _, c := range containers {
		if err := engine.Client.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
			return err
		}
	}
	networks, err := engine.Client.NetworkList(ctx, network.ListOptions{Filters: named})
	if err != nil {
		return err
	}
	for _, n := range networks {
		if err := engine.Client.NetworkRemove(ctx, n.ID); err != nil {
			return err
		}
	}
	images, err := engine.Client.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("reference", stack))})
	if err != nil {
		return err
	}
	for _, i := range images {
		for _, tag := range i.RepoTags {
			if !strings.HasPrefix(tag, stack+":") {
				continue
			}
			if _, err := engine.Client.ImageRemove(ctx, tag, image.RemoveOptions{}); err != nil {
				return err
			}
		}
	}
	return nil
}
