package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// Every command shows first how it is used, by lines that minibot takes as they stand, and its help fits the screen.
func TestHelp(t *testing.T) {
	parser := newParser(&commands{})
	pages := []*kong.Node{nil}
	_ = kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		if command, ok := node.(*kong.Node); ok && command.Type == kong.CommandNode && !command.Hidden {
			pages = append(pages, command)
		}
		return next(nil)
	})
	for _, node := range pages {
		name, all := "minibot", beginning
		if node != nil {
			name = node.FullPath()
			command, ok := node.Target.Addr().Interface().(exampler)
			if !ok {
				t.Errorf("%s has no examples: give %s a method Examples", name, node.Target.Type())
				continue
			}
			all = command.Examples()
			if node.ClosestGroup() == nil {
				t.Errorf("%s is in no group of the help", name)
			}
		}
		if len(all) == 0 {
			t.Errorf("%s has no examples", name)
		}
		for _, e := range all {
			checkExample(t, name, e)
		}
		var page strings.Builder
		if err := writeHelp(&page, parser.Model, node, false); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(page.String()) {
			if n := utf8.RuneCountInString(line); n > 101 {
				t.Errorf("the help of %s has a line of %d characters: %s", name, n, line)
			}
		}
	}
	if len(pages) < 20 {
		t.Errorf("only %d pages", len(pages))
	}
}

// An example is taken by the parser, and is about its command.
func checkExample(t *testing.T, name string, e example) {
	t.Helper()
	parser := newParser(&commands{})
	const elsewhere = "a value is shown on a terminal alone" // it would be taken there
	used := false
	for _, part := range regexp.MustCompile(`&&|\||<|>`).Split(e.line, -1) {
		words := shellSplit(part)
		if len(words) == 0 || words[0] != "minibot" {
			continue
		}
		parsed, err := parser.Parse(doubleDash(words[1:]))
		if err != nil && !strings.Contains(err.Error(), elsewhere) {
			t.Errorf("example of %s: %s: %v", name, e.line, err)
			continue
		}
		if err != nil {
			parsed, _ = kong.Trace(parser, words[1:])
		}
		used = used || strings.HasPrefix(parsed.Selected().FullPath(), name)
	}
	if !used {
		t.Errorf("example of %s: %s: it does not use it", name, e.line)
	}
	if e.does == "" || strings.HasSuffix(e.does, ".") {
		t.Errorf("example of %s: %s: says %q", name, e.line, e.does)
	}
}

// shellSplit is the words of a command, with single quotes taken off.
func shellSplit(line string) (words []string) {
	for _, word := range regexp.MustCompile(`'[^']*'|\S+`).FindAllString(line, -1) {
		words = append(words, strings.Trim(word, "'"))
	}
	return words
}

// The variables that the code names are those of help environment.
func TestHelpEnvironment(t *testing.T) {
	var known []string
	for _, variable := range environment {
		known = append(known, strings.Split(variable.Name, ", ")...)
	}
	// The code writes the beginning of these.
	begins := map[string]string{"MINIBOT_VAR_": "MINIBOT_VAR_name", "MINIBOT_SECRET_": "MINIBOT_SECRET_NAME"}
	found := map[string]bool{}
	name := regexp.MustCompile(`"((?:MINIBOT|DOCKER|XDG)_[A-Z_]*|NO_COLOR)"`)
	for _, dir := range []string{".", "../../internal/*", "../../spec", "../../render", "../../verify", "../../apply"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("nothing in %s (%v)", dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.Contains(file, "testbed") || strings.HasSuffix(file, "help_topics.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range name.FindAllStringSubmatch(string(text), -1) {
				variable := match[1]
				if whole, ok := begins[variable]; ok {
					variable = whole
				}
				found[variable] = true
				if !slices.Contains(known, variable) && !slices.Contains(internalVariables, variable) {
					t.Errorf("%s reads %s, which help environment does not tell", file, variable)
				}
			}
		}
	}
	for _, variable := range known {
		if strings.HasPrefix(variable, "MINIBOT_") && !found[variable] {
			t.Errorf("help environment tells of %s, which nobody reads", variable)
		}
	}
}

// internalVariables are not for people to set.
var internalVariables = []string{
	"MINIBOT_AGE_",                      // taken out of the environment of children; nothing reads it
	"MINIBOT_DOLLAR",                    // stands for $$ while a .env file is read
	"XDG_RUNTIME_DIR",                   // where desktops and engines put their sockets
	"XDG_CONFIG_HOME", "XDG_CACHE_HOME", // handed on to password managers
	"DOCKER_INSECURE_NO_IPTABLES_RAW", // the engine's own, looked for there
}

// The reference page in golden/ is what help spec --markdown prints.
func TestHelpSpecPage(t *testing.T) {
	file, page := filepath.Join("..", "..", "golden", "reference", "minibot.hcl.md"), specMarkdown()
	if os.Getenv("MINIBOT_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), page); diff != "" {
		t.Errorf("-%s +help spec --markdown\n%s", file, diff)
	}
}
