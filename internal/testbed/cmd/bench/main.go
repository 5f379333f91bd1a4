// Command bench measures minibot beside docker compose and beside the engine alone, on stacks of several sizes, and
// compares the figures with what is promised.
//
//	bench [-n 4,20,100] [-rounds 9] [-cold 3] [-minibot PATH] [-strict]
//
// All take turns on one engine, on one stack: minibot writes the compose file that docker compose gets, and compose
// leaves alone what minibot has made. Absolute figures are this machine's; what counts is the ratio of medians.
// MINIBOT_BENCH_COMPOSE5 names a docker compose v5 to compare with too; without it one is looked for.
//
// Bench removes all that it made, also after an interrupt. Its stack has a fixed name, so that the next run removes
// what a killed one left: one bench at a time on an engine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"minibot/internal/testbed"
)

func main() {
	sizes := flag.String("n", "4,20,100", "numbers of services")
	rounds := flag.Int("rounds", 9, "rounds of what takes no second")
	cold := flag.Int("cold", 3, "rounds of cold starts of at most 20 services; of more there are fewer, and of 0 none")
	program := flag.String("minibot", "", "the minibot to measure; built from this source if it is not given")
	strict := flag.Bool("strict", false, "exit 2 if a bar is missed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends us at once
	missed, err := run(ctx, *sizes, *program, max(1, *rounds), *cold)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "bench: interrupted")
		os.Exit(130)
	case err != nil:
		os.Exit(1)
	case missed > 0 && *strict:
		os.Exit(2)
	}
}

func run(ctx context.Context, sizes, program string, rounds, cold int) (missed int, err error) {
	var counts []int
	for text := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 500 {
			return 0, fmt.Errorf("-n %s: numbers from 1 to 500, with commas between", sizes)
		}
		counts = append(counts, n)
	}
	engine, err := testbed.Start(ctx, os.Stderr)
	if err != nil {
		return 0, err
	}
	defer engine.Close()
	if engine.Owned {
		defer func() { err = errors.Join(err, testbed.Stop(context.WithoutCancel(ctx))) }()
	}
	dir, err := os.MkdirTemp("", "minibot-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	b := &bench{engine: engine, dir: dir, minibot: program, results: results{}}
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
		defer cancel()
		err = errors.Join(err, b.remove(late), b.removeImage(late))
	}()
	if err := b.prepare(ctx); err != nil {
		return 0, err
	}
	version, err := engine.Client.ServerVersion(ctx)
	if err != nil {
		return 0, err
	}
	about := fmt.Sprintf("Docker Engine %s, API %s", version.Version, version.APIVersion)
	for i, n := range counts {
		if err := b.measure(ctx, n, rounds, cold); err != nil {
			b.results.table(os.Stdout, counts[:i+1], b.tools(), about)
			return 0, fmt.Errorf("%d services: %w", n, err)
		}
	}
	b.results.table(os.Stdout, counts, b.tools(), about)
	return b.results.bars(os.Stdout, counts, b.compose5 != ""), nil
}

// prepare builds the programs and the image, and removes what a killed run has left.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.minibot == "" {
		b.minibot = filepath.Join(b.dir, "minibot")
		if err := build(ctx, b.minibot, "minibot/cmd/minibot"); err != nil {
			return err
		}
	}
	if b.compose, err = testbed.Compose(ctx, os.Stderr); err != nil {
		return err
	}
	b.compose5 = findCompose5(ctx)
	if err := b.makeImage(ctx); err != nil {
		return err
	}
	return b.remove(ctx)
}

func build(ctx context.Context, to, pkg string, flags ...string) error {
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"build", "-o", to}, flags...), pkg)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// findCompose5 returns the path of a docker compose v5, or "".
func findCompose5(ctx context.Context) string {
	if path := os.Getenv("MINIBOT_BENCH_COMPOSE5"); path != "" {
		return path
	}
	candidates := []string{
		"/usr/libexec/docker/cli-plugins/docker-compose", "/usr/lib/docker/cli-plugins/docker-compose",
		"/usr/local/lib/docker/cli-plugins/docker-compose",
	}
	if path, err := exec.LookPath("docker-compose"); err == nil {
		candidates = append(candidates, path)
	}
	if home, err := os.UserHomeDir(); err == nil {
		candidates = append(candidates, filepath.Join(home, ".docker/cli-plugins/docker-compose"))
	}
	for _, path := range candidates {
		out, err := exec.CommandContext(ctx, path, "version", "--short").Output()
		if err == nil && strings.HasPrefix(strings.TrimPrefix(string(out), "v"), "5.") {
			return path
		}
	}
	return ""
}
