package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
)

// demoProject is the name of the stack in the example spec.
const demoProject = "minibot"

// Demo runs minibot on the example spec with the engine's images, as a person would: secrets, plan, apply,
// verify. The stack keeps running. Its secrets lie in the testbed's state directory, beside the engine's
// volumes that were made with them.
type Demo struct {
	// Program and Spec are the paths of minibot and of its spec.
	Program, Spec string
	// Out gets what the demo prints, and what minibot prints.
	Out io.Writer

	dir string
}

// Up brings the stack up, or says that nothing is to be done. It refuses where a stack of that name runs
// which the demo did not make.
func (d *Demo) Up(ctx context.Context, engine *Engine, refs Refs) error {
	if err := d.open(); err != nil {
		return err
	}
	if err := d.guard(ctx, engine); err != nil {
		return err
	}
	env := d.environ(engine, refs)
	for _, name := range []string{"ANTHROPIC_API_KEY", "TELEGRAM_BOT_TOKEN"} {
		if _, err := os.Stat(filepath.Join(d.dir, name)); err == nil {
			continue
		}
		// The demo calls nobody, so any text does. A real one comes from a person.
		if err := d.run(ctx, env, "not-a-real-key", "secret", "set", name); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(d.dir, name), nil, 0o600); err != nil {
			return err
		}
	}
	verify := []string{"verify"}
	if !online(ctx) {
		verify = append(verify, "--offline")
	}
	for _, args := range [][]string{{"secret", "list"}, {"plan"}, {"apply", "--yes"}, verify} {
		if err := d.run(ctx, env, "", args...); err != nil {
			return err
		}
	}
	return nil
}

// online tells whether names of the internet resolve here. What the example's services declare to call cannot be
// reached where they don't.
func online(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, err := net.DefaultResolver.LookupHost(ctx, "api.anthropic.com")
	return err == nil
}

// Down removes the stack's containers and networks. Its volumes and secrets stay, unless volumes is set.
func (d *Demo) Down(ctx context.Context, engine *Engine, volumes bool) error {
	if err := d.open(); err != nil {
		return err
	}
	if err := d.guard(ctx, engine); err != nil {
		return err
	}
	if err := d.run(ctx, d.environ(engine, Refs{}), "", "destroy", "--yes"); err != nil || !volumes {
		return err
	}
	if err := engine.Cleanup(ctx, demoProject); err != nil {
		return err
	}
	return os.RemoveAll(d.dir)
}

func (d *Demo) open() error {
	state, err := stateDir()
	if err != nil {
		return err
	}
	d.dir = filepath.Join(state, "demo")
	return nil
}

// guard refuses to touch a stack of the example's name that is somebody's own.
func (d *Demo) guard(ctx context.Context, engine *Engine) error {
	if _, err := os.Stat(d.dir); err == nil {
		return nil
	}
	there, err := engine.Client.ContainerList(ctx, container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", labelProject+"="+demoProject)),
	})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if len(there) > 0 {
		return fmt.Errorf("demo: a stack named %q is there already, and the demo did not make it", demoProject)
	}
	return os.MkdirAll(d.dir, 0o700)
}

func (d *Demo) environ(engine *Engine, refs Refs) []string {
	// What this machine itself is like is its owner's affair: it only tries the stack out.
	env := append(os.Environ(), "DOCKER_HOST="+engine.Host, "MINIBOT_SECRETS_DIR="+d.dir, "MINIBOT_VAR_trial=true")
	for name, ref := range map[string]string{"postgres": refs.Postgres, "redis": refs.Redis, "mongo": refs.Mongo, "openclaw": refs.OpenClaw} {
		if ref != "" {
			env = append(env, "MINIBOT_VAR_"+name+"_image="+ref)
		}
	}
	return env
}

// run shows a command, runs it, and says how long it took.
func (d *Demo) run(ctx context.Context, env []string, stdin string, args ...string) error {
	fmt.Fprintf(d.Out, "\n$ minibot %s\n", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, d.Program, append([]string{"--file", d.Spec, "--secret-store", "file"}, args...)...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, strings.NewReader(stdin), d.Out, d.Out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	begun := time.Now()
	err := cmd.Run()
	fmt.Fprintf(d.Out, "(%.2f s)\n", time.Since(begun).Seconds())
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("demo: minibot %s ended with exit code %d", args[0], exit.ExitCode())
	}
	return err
}
