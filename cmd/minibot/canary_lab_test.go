package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/pkg/stdcopy"

	"minibot/internal/plan"
	"minibot/internal/secret"
	"minibot/internal/testbed"
)

// lab is a stack with a world of its own: home, folders, programs. All that minibot says
// or does in it becomes an exhibit.
type lab struct {
	*testing.T
	*exhibits
	name   string // of the test
	stack  string
	engine *testbed.Engine
	refs   testbed.Refs
	host   string            // what DOCKER_HOST says
	values map[string]string // of the secrets, made up by the test
	base   string            // the folder of all labs, with the stores
	dir    string            // the lab's own; minibot may write into its world
}

// fakes are the programs that minibot, or a library of its, might start. Each writes down
// its arguments and environment, and becomes the real one. The consumer, the reader and
// the vault are the test's own.
var fakes = []string{
	"ssh", "docker", "consumer", "reader", "vault", "ss", "ip", "nft", "iptables", "tailscale", "systemctl", "launchctl", "netstat", "lsof",
	"defaults", "codesign", "security", "pass", "op", "secret-tool", "dbus-launch", "age", "sh", "env",
}

const fakeText = `#!/bin/sh
record=%[1]s/${0##*/}.$$
printf '%%s\n' "$0" "$@" >>$record.argv
/usr/bin/env >>$record.environ
PATH=%[2]s
%[3]s
exec "${0##*/}" "$@"
`

// in makes the lab of a test. The one that it is made from has the parts that all share.
func (shared lab) in(t *testing.T) *lab {
	t.Helper()
	l := &shared
	l.T, l.name, l.stack, l.host = t, filepath.Base(t.Name()), l.engine.Project(t), l.engine.Host
	l.dir = filepath.Join(l.base, l.stack)
	for _, dir := range []string{"world/here", "world/home", "world/tmp", "world/xdg", "fakes", "records", "input"} {
		if err := os.MkdirAll(filepath.Join(l.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	bodies := map[string]string{
		"consumer":  "exit 0",
		"reader":    "exec cat",
		"ssh":       "case $* in *LocalCommand=*) echo minibot; exec cat ;; esac\nfor last; do :; done\nDOCKER_HOST=" + l.host + " exec /bin/sh -c \"$last\"",
		"systemctl": "exit 0", // no schedule outlives the test
		"launchctl": "exit 0",
		"vault":     `. ` + l.path("input/vault.sh"),
	}
	for _, fake := range fakes {
		l.write("fakes/"+fake, fmt.Sprintf(fakeText, l.path("records"), os.Getenv("PATH"), bodies[fake]), 0o700)
	}
	return l
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

// vaultDir is where the file store of the stack is.
func (l *lab) vaultDir() string { return filepath.Join(l.base, "secrets", l.stack) }

func (l *lab) write(name, text string, mode os.FileMode) {
	l.Helper()
	if err := os.WriteFile(l.path(name), []byte(text), mode); err != nil {
		l.Fatal(err)
	}
}

// spec writes the stack's spec.
func (l *lab) spec(text string) { l.write("world/here/minibot.hcl", text, 0o600) }

// edit replaces the only old in the spec.
func (l *lab) edit(old, new string) {
	l.Helper()
	text, err := os.ReadFile(l.path("world/here/minibot.hcl"))
	if err != nil || strings.Count(string(text), old) != 1 {
		l.Fatalf("%q does not stand once in the spec (%v)", old, err)
	}
	l.spec(strings.Replace(string(text), old, new, 1))
}

// call is one run of minibot.
type call struct {
	args  []string
	stdin string
	env   []string
	// via is the program that starts minibot; none if empty.
	via []string
	// want is the exit code; anything if below 0.
	want int
}

// minibot runs minibot. All it says and writes becomes an exhibit, and what can be seen of its
// process and its children.
func (l *lab) minibot(want int, args ...string) string { return l.run(call{args: args, want: want}) }

func (l *lab) run(c call) (said string) {
	l.Helper()
	label := l.name + ": minibot " + strings.Join(c.args, " ")
	argv := append(slices.Clone(c.via), append([]string{"minibot"}, c.args...)...)
	ctx, cancel := context.WithTimeout(l.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = l.path("world/here"), append(l.environ(), c.env...)
	var stdout, stderr bytes.Buffer
	looked, ended, watched := make(chan struct{}), make(chan struct{}), make(chan struct{})
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &held{looked, strings.NewReader(c.stdin)}, &stdout, &stderr
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	go func() {
		defer close(watched)
		l.watch(label, cmd.Process.Pid, looked, ended)
	}()
	err := cmd.Wait()
	close(ended)
	<-watched
	l.add(label+": stdout", stdout.Bytes())
	l.add(label+": stderr", stderr.Bytes())
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		l.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); c.want >= 0 && got != c.want {
		l.Errorf("%s: exit code %d, want %d:\n%s%s", label, got, c.want, &stdout, &stderr)
	}
	return stdout.String() + stderr.String()
}

// fails runs minibot in all the ways in which it reports. It must end with that exit code.
func (l *lab) fails(want int, args ...string) string {
	l.Helper()
	said := ""
	for _, flags := range variants {
		said += l.minibot(want, slices.Concat(flags, args)...)
	}
	return said
}

// variants are the flags that change what every command says.
var variants = map[string][]string{"plain": nil, "json": {"--json"}, "debug": {"--debug"}}

func (l *lab) environ() []string {
	return []string{
		"PATH=" + l.path("fakes") + ":" + os.Getenv("PATH"), "DOCKER_HOST=" + l.host, "LANG=C.UTF-8",
		"MINIBOT_SECRETS_DIR=" + filepath.Join(l.base, "secrets"),
		"HOME=" + l.path("world/home"), "TMPDIR=" + l.path("world/tmp"),
		"XDG_DATA_HOME=" + l.path("world/xdg"), "XDG_CONFIG_HOME=" + l.path("world/xdg"),
		"XDG_CACHE_HOME=" + l.path("world/xdg"), "XDG_STATE_HOME=" + l.path("world/xdg"), "XDG_RUNTIME_DIR=" + l.path("world/xdg"),
	}
}

// held is an input that begins when the process has been looked at: one that reads it lives
// as long as that.
type held struct {
	looked <-chan struct{}
	io.Reader
}

func (h *held) Read(p []byte) (int, error) {
	<-h.looked
	return h.Reader.Read(p)
}

// watch looks at a process and its children, and at the files, until it has ended. What
// lives shorter than a look takes is seen by the fakes, or when it was left behind.
func (l *lab) watch(label string, pid int, looked chan<- struct{}, ended <-chan struct{}) {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	l.process(label, fmt.Sprint(pid))
	close(looked)
	for {
		l.files()
		select {
		case <-ended:
			l.files()
			return
		case <-again.C:
			l.process(label, fmt.Sprint(pid))
		}
	}
}

func (l *lab) files() {
	l.addFiles(l.name+": file ", l.path("world"))
	l.addFiles(l.name+": store ", l.vaultDir())
}

// process looks at one process and all below it, where there is a /proc.
func (l *lab) process(label, pid string) {
	for place, file := range map[string]string{"argv": "cmdline", "environ": "environ"} {
		if content, err := os.ReadFile(filepath.Join("/proc", pid, file)); err == nil {
			l.add(label+": "+place, content)
		}
	}
	lists, _ := filepath.Glob(filepath.Join("/proc", pid, "task", "*", "children"))
	for _, list := range lists {
		children, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(children)) {
			l.process(label, child)
		}
	}
}

// learn makes every value in the file store one to search for, and its key.
func (l *lab) learn() {
	l.Helper()
	store, err := secret.Open("file", l.stack)
	if err != nil {
		l.Fatal(err)
	}
	items, err := store.List(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	for _, name := range append([]string{secret.LabelKey}, names(items)...) {
		if value, err := store.Get(l.Context(), name); err == nil {
			l.secret(name, string(value.Reveal()))
		}
		if rotation, err := secret.FindRotation(l.Context(), store, name); err == nil {
			l.secret(name, string(rotation.Old.Reveal()))
			l.secret(name, string(rotation.New.Reveal()))
		}
	}
	key, err := os.ReadFile(filepath.Join(l.vaultDir(), "key.txt"))
	if err != nil {
		l.Fatal(err)
	}
	for line := range strings.Lines(string(key)) {
		if !strings.HasPrefix(line, "#") {
			l.secret("the store's key", strings.TrimSpace(line))
		}
	}
}

func names(items []secret.Item) (all []string) {
	for _, item := range items {
		all = append(all, item.Name)
	}
	return all
}

// fill stores the made up values of some secrets.
func (l *lab) fill(names ...string) {
	l.Helper()
	for _, name := range names {
		l.run(call{args: []string{"secret", "set", name}, stdin: l.values[name]})
	}
	l.learn()
}

// told reads what the fakes have written down.
func (l *lab) told() {
	records, _ := filepath.Glob(l.path("records/*"))
	for _, record := range records {
		content, err := os.ReadFile(record)
		if err != nil {
			l.Error(err)
		}
		program, _, _ := strings.Cut(filepath.Base(record), ".")
		l.add(l.name+": child "+program+": "+strings.TrimPrefix(filepath.Ext(record), "."), content)
	}
}

// docker asks the engine for all that it tells of the stack.
func (l *lab) docker() {
	l.Helper()
	ctx, cli := l.Context(), l.engine.Client
	must := func(what string, err error) {
		if err != nil {
			l.Helper()
			l.Errorf("%s: %v", what, err)
		}
	}
	keep := func(place string, value any, err error) {
		must(place, err)
		text, err := json.Marshal(value)
		must(place, err)
		l.addJSON(l.name+": "+place, text)
	}
	ours := filters.NewArgs(filters.Arg("name", l.stack))
	containers, err := cli.ContainerList(ctx, container.ListOptions{All: true, Filters: ours})
	must("list", err)
	images := map[string]bool{l.refs.Redis: true, l.refs.Postgres: true}
	for _, c := range containers {
		service := strings.TrimPrefix(c.Names[0], "/"+l.stack+"-")
		inspected, raw, err := cli.ContainerInspectWithRaw(ctx, c.ID, true)
		must("inspect", err)
		l.addJSON(l.name+": inspect of "+service, raw)
		images[inspected.Image] = true
		changes, err := cli.ContainerDiff(ctx, c.ID)
		keep("diff of "+service, changes, err)
		logs, err := cli.ContainerLogs(ctx, c.ID, container.LogsOptions{ShowStdout: true, ShowStderr: true, Details: true})
		must("logs", err)
		if err == nil {
			var text bytes.Buffer
			_, err = stdcopy.StdCopy(&text, &text, logs)
			must("logs", err)
			logs.Close()
			l.add(l.name+": logs of "+service, text.Bytes())
		}
	}
	networks, err := cli.NetworkList(ctx, network.ListOptions{Filters: ours})
	must("list", err)
	for _, n := range networks {
		inspected, err := cli.NetworkInspect(ctx, n.ID, network.InspectOptions{Verbose: true})
		keep("network", inspected, err)
	}
	volumes, err := cli.VolumeList(ctx, volume.ListOptions{Filters: ours})
	must("list", err)
	for _, v := range volumes.Volumes {
		inspected, err := cli.VolumeInspect(ctx, v.Name)
		keep("volume", inspected, err)
	}
	for image := range images {
		inspected, err := cli.ImageInspect(ctx, image)
		keep("image", inspected, err)
		history, err := cli.ImageHistory(ctx, image)
		keep("history", history, err)
	}
}

// adoptee makes a container of a compose project with a password in its environment, and returns the project's name. It
// is no part of the lab: where the password stands in it is no leak.
func (l *lab) adoptee(password string) string {
	l.Helper()
	project := "adoptee-" + strings.ToLower(rand.Text())
	made, err := l.engine.Client.ContainerCreate(l.Context(), &container.Config{
		Image: l.refs.Redis, Env: []string{"POSTGRES_PASSWORD=" + password}, Cmd: []string{"redis-server", "--requirepass", password},
		Labels: map[string]string{plan.LabelProject: project, plan.LabelService: "db", plan.LabelNumber: "1"},
	}, nil, nil, nil, project+"-db-1")
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		if err := l.engine.Client.ContainerRemove(context.Background(), made.ID, container.RemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
			l.Error(err)
		}
	})
	return project
}

// delivered reads the secrets' folder of a container.
func (l *lab) delivered(service, dir string) {
	l.Helper()
	content, _, err := l.engine.Client.CopyFromContainer(l.Context(), l.stack+"-"+service, dir)
	if err != nil {
		l.Error(err)
		return
	}
	defer content.Close()
	text, err := io.ReadAll(content)
	if err != nil {
		l.Error(err)
	}
	l.add(l.name+": delivered to "+service, text)
}

// close is the end of a lab: what is left is looked at.
func (l *lab) close() {
	l.Helper()
	l.files()
	l.told()
	l.docker()
}
