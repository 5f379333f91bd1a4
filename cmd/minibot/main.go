// Command minibot keeps one machine's container stack exactly as minibot.hcl says.
//
// This package is the command line alone: one file for each command, which reads its
// flags, calls the packages that do the work and hands what they return to a view; the
// views; and the table that turns errors into hints and exit codes (exit.go). What a
// command decides beyond that belongs further down.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"minibot/internal/secret"
)

// commands is the command line. Each command has a file of its name.
type commands struct {
	Globals

	Init       initCmd       `cmd:"" group:"stack" help:"Write a spec to begin with. Overwrites nothing."`
	Fmt        fmtCmd        `cmd:"" group:"stack" help:"Lay the spec out in the one style."`
	Validate   validateCmd   `cmd:"" group:"stack" help:"Check the spec and say everything that is wrong with it."`
	Render     renderCmd     `cmd:"" group:"stack" help:"Print or write docker-compose.yml, or compare it with the one on disk."`
	Lock       lockCmd       `cmd:"" group:"stack" help:"Write down which images the tags stand for, in minibot.lock, so that no other is used."`
	Outdated   outdatedCmd   `cmd:"" group:"stack" help:"Show which tags have moved since minibot.lock was written. Changes nothing."`
	Plan       planCmd       `cmd:"" group:"stack" help:"Show what apply would change. Changes nothing."`
	Apply      applyCmd      `cmd:"" group:"stack" help:"Bring the machine to what the spec says."`
	Verify     verifyCmd     `cmd:"" group:"stack" help:"Prove that the machine is what the spec says. Changes nothing."`
	Explain    explainCmd    `cmd:"" group:"help" help:"Explain a check of verify: what it claims, why, how it looks, what to do."`
	Status     statusCmd     `cmd:"" group:"daily" help:"Show how the services are doing, on one screen."`
	Logs       logsCmd       `cmd:"" group:"daily" help:"Show what the services wrote, with secrets masked."`
	Tunnel     tunnelCmd     `cmd:"" group:"daily" help:"Reach the services of the machine from here, through ssh."`
	History    historyCmd    `cmd:"" group:"daily" help:"Show what was done to the stack: by whom, when, and what came of it."`
	Schedule   scheduleCmd   `cmd:"" group:"daily" help:"Have the system verify at an interval, and keep the reports."`
	Secret     secretCmd     `cmd:"" group:"secrets" help:"Set, generate, list, check and remove the secrets of the spec."`
	Run        runCmd        `cmd:"" group:"secrets" help:"Run a program with the secrets in its environment, and nowhere else."`
	Destroy    destroyCmd    `cmd:"" group:"stack" help:"Remove the stack's containers and networks. Volumes stay."`
	Doctor     doctorCmd     `cmd:"" group:"help" help:"Look at all that minibot needs here, and say what to do about it."`
	Help       helpCmd       `cmd:"" group:"help" help:"Show the help of a command, or about a topic."`
	Completion completionCmd `cmd:"" group:"help" help:"Print the script by which bash, zsh or fish completes minibot's words."`
	Version    versionCmd    `cmd:"" group:"help" help:"Print the version."`

	Complete completeCmd `cmd:"" name:"__complete" hidden:"" passthrough:""`
	Man      manCmd      `cmd:"" name:"__man" hidden:""`
}

// Globals are the flags of every command.
type Globals struct {
	File        string            `short:"f" help:"The spec." default:"minibot.hcl" placeholder:"FILE"`
	Var         map[string]string `help:"Set a variable of the spec. Can be given several times; MINIBOT_VAR_NAME does the same." placeholder:"NAME=VALUE" mapsep:"none"`
	Host        string            `help:"The Docker Engine's address, such as unix:///var/run/docker.sock." placeholder:"URL" xor:"engine"`
	Context     string            `help:"The docker context to use." placeholder:"NAME" xor:"engine"`
	SecretStore string            `help:"The secret store to use, instead of the spec's: auto, keychain, secret-service, file, exec or env." placeholder:"KIND" complete:"store"`
	JSON        bool              `help:"Print results as JSON."`
	Debug       bool              `help:"Say on standard error what is asked of the engine, and which secret store is used."`
	Color       bool              `help:"Colour on a terminal; NO_COLOR turns it off too." default:"true" negatable:""`
}

// Validate refuses a kind of store that there is none of: that is a mistake on the command
// line.
func (g *Globals) Validate() error {
	var names []string
	for _, kind := range secret.Kinds() {
		names = append(names, kind.Name)
	}
	if g.SecretStore != "" && !slices.Contains(names, g.SecretStore) {
		return fmt.Errorf("--secret-store: %q is none of %s", g.SecretStore, strings.Join(names, ", "))
	}
	return nil
}

func main() {
	collectLate()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// collectLate puts the first collection of garbage off to 20 MiB, which most runs never reach:
// a quarter of a plan's time went into collecting a heap of a few MiB again and again. From the
// first collection on Go's own pace holds, so that a large stack does not take more memory.
func collectLate() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(20 << 20)
	runtime.AddCleanup(new([64]byte), func(int) { // the first collection finds it
		debug.SetGCPercent(100)
		debug.SetMemoryLimit(math.MaxInt64)
	}, 0)
}

// run is main with its streams, so that tests can call it. It returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	hardened := secret.Harden()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends minibot at once
	var cli commands
	exited := -1
	parser := newParser(&cli, kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }))
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(doubleDash(args))
	if exited >= 0 { // --help
		return exited
	}
	a := newApp(cli.Globals, stdin, stdout, stderr)
	if hardened != nil {
		a.warn("core dumps could not be turned off: %v", hardened)
	}
	if err != nil {
		sayUsage(a.say, err)
		return exitUsage
	}
	defer a.leave()
	a.command = parsed.Command()
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(a)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(errInterrupted, err)
	}
	return a.exit(err)
}

// newParser reads command lines into cli.
func newParser(cli *commands, options ...kong.Option) *kong.Kong {
	parser, err := kong.New(cli, append([]kong.Option{
		kong.Name("minibot"),
		kong.Description("minibot keeps one machine's container stack exactly as one file says: every port on loopback, a password on every service, limits on every container."),
		kong.Help(printHelp), kong.ExplicitGroups(groups()),
	}, options...)...)
	if err != nil {
		panic(err) // the tags are wrong
	}
	parser.Model.HelpFlag.Help = "Show what a command does, with examples."
	return parser
}

// doubleDash lets -var be written with one dash, as in Terraform.
func doubleDash(args []string) []string {
	fixed := make([]string, len(args))
	for i, arg := range args {
		if arg == "--" {
			return append(fixed[:i], args[i:]...)
		}
		if arg == "-var" || strings.HasPrefix(arg, "-var=") {
			arg = "-" + arg
		}
		fixed[i] = arg
	}
	return fixed
}
