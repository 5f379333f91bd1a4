// Command testbed brings up the Docker Engine and the images that minibot's tests and demo run on.
//
//	testbed up                 engine and images; prints POSTGRES_IMAGE=… and so on
//	testbed run -- CMD…        the same, then CMD with them in its environment
//	testbed demo MINIBOT SPEC  engine and images, then minibot on the example; the stack keeps running
//	testbed undo [--volumes] MINIBOT SPEC
//	                           removes the demo's containers and networks, and stops the engine that testbed
//	                           started; --volumes also deletes the demo's data and secrets
//	testbed down [--purge]     stops the engine that testbed started; --purge also deletes images and caches
//
// It has no logic of its own, and stops no engine but its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"minibot/internal/testbed"
)

const usage = `usage: testbed up
       testbed run -- COMMAND [ARGUMENT...]
       testbed demo MINIBOT SPEC
       testbed undo [--volumes] MINIBOT SPEC
       testbed down [--purge]
`

func main() {
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends us at once
	err := command(ctx, flag.Args())
	var failed commandFailed
	switch {
	case err == nil:
	case errors.As(err, &failed) && ctx.Err() == nil:
		os.Exit(failed.ExitCode()) // CMD has said why itself
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "testbed: interrupted")
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "testbed:", err)
		os.Exit(1)
	}
}

// commandFailed is the error of CMD itself, not of a program that the testbed ran.
type commandFailed struct{ *exec.ExitError }

func command(ctx context.Context, args []string) error {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet(name, flag.ExitOnError)
	flags.Usage = flag.Usage
	purge, volumes := false, false
	switch name {
	case "down":
		flags.BoolVar(&purge, "purge", false, "")
	case "undo":
		flags.BoolVar(&volumes, "volumes", false, "")
	}
	flags.Parse(args)
	switch {
	case name == "up" && flags.NArg() == 0:
		return up(ctx)
	case name == "run" && flags.NArg() > 0:
		return run(ctx, flags.Args())
	case name == "demo" && flags.NArg() == 2:
		return demo(ctx, flags.Arg(0), flags.Arg(1))
	case name == "undo" && flags.NArg() == 2:
		return undo(ctx, flags.Arg(0), flags.Arg(1), volumes)
	case name == "down" && flags.NArg() == 0:
		return down(ctx, purge)
	}
	flag.Usage()
	os.Exit(64)
	return nil
}

func up(ctx context.Context) error {
	engine, err := testbed.Start(ctx, os.Stderr)
	if err != nil {
		return err
	}
	defer engine.Close()
	refs, err := testbed.Images(ctx, engine)
	if err != nil {
		return err
	}
	fmt.Printf("POSTGRES_IMAGE=%s\nREDIS_IMAGE=%s\nMONGO_IMAGE=%s\nOPENCLAW_IMAGE=%s\n",
		refs.Postgres, refs.Redis, refs.Mongo, refs.OpenClaw)
	return nil
}

func demo(ctx context.Context, program, spec string) error {
	engine, err := testbed.Start(ctx, os.Stdout)
	if err != nil {
		return err
	}
	defer engine.Close()
	refs, err := testbed.Images(ctx, engine)
	if err != nil {
		return err
	}
	d := testbed.Demo{Program: program, Spec: spec, Out: os.Stdout}
	return d.Up(ctx, engine, refs)
}

func undo(ctx context.Context, program, spec string, volumes bool) error {
	engine, err := testbed.Start(ctx, os.Stdout) // volumes can only be kept or deleted by an engine that runs
	if err != nil {
		return err
	}
	defer engine.Close()
	d := testbed.Demo{Program: program, Spec: spec, Out: os.Stdout}
	if err := d.Down(ctx, engine, volumes); err != nil {
		return err
	}
	return testbed.Stop(ctx)
}

func down(ctx context.Context, purge bool) error {
	if err := testbed.Stop(ctx); err != nil {
		return err
	}
	if purge {
		return testbed.Purge(ctx)
	}
	return nil
}

func run(ctx context.Context, argv []string) (err error) {
	engine, err := testbed.Start(ctx, os.Stderr)
	if err != nil {
		return err
	}
	defer engine.Close()
	if engine.Owned {
		defer func() { err = errors.Join(err, testbed.Stop(context.WithoutCancel(ctx))) }()
	}
	refs, err := testbed.Images(ctx, engine)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), testbed.Environ(engine, refs)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
		return commandFailed{exit}
	}
	return err
}
