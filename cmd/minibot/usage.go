package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"minibot/spec"
)

// otherWords are what people know from other tools, and minibot's word for it.
var otherWords = map[string]string{
	"up": "apply", "deploy": "apply", "start": "apply", "down": "destroy", "rm": "destroy", "delete": "destroy",
	"diff": "plan", "preview": "plan", "config": "render", "build": "render", "check": "verify", "test": "verify", "lint": "validate",
	"format": "fmt", "ps": "status", "ls": "status", "stats": "status", "log": "logs", "ssh": "tunnel", "exec": "run", "secrets": "secret",
	"diagnose": "doctor", "get": "show", "add": "set", "new": "generate", "remove": "rm",
	"--auto-approve": "--yes", "--force": "--yes", "--filename": "--file",
}

// unexpected finds what kong says of a word that is none of its commands or flags.
var unexpected = regexp.MustCompile(`^(unexpected argument|unknown flag) (.*?)(?:, did you mean .*)?$`)

// sayUsage says what is wrong with the command line, what was probably meant, and where to look.
func sayUsage(w func(format string, args ...any), err error) {
	text, help := err.Error(), "minibot --help"
	var usage *kong.ParseError
	if errors.As(err, &usage) && usage.Context != nil {
		node := nodeOf(usage.Context)
		if node.Parent != nil {
			help = node.FullPath() + " --help"
		}
		if found := unexpected.FindStringSubmatch(text); found != nil {
			text = misspelt(node, found[1], found[2])
		}
	}
	w("minibot: %s\nRun %q for the commands and flags.", text, help)
}

// nodeOf is the innermost command that was understood.
func nodeOf(parsed *kong.Context) *kong.Node {
	node := parsed.Model.Node
	for _, path := range parsed.Path {
		if path.Command != nil {
			node = path.Command
		}
	}
	return node
}

// misspelt says that there is no such command or flag, and which is near. A word beside a secret command is not
// repeated: it may be a value that somebody put there.
func misspelt(node *kong.Node, fault, word string) string {
	name := strings.TrimPrefix(node.FullPath(), "minibot ")
	near := nearest(node, word)
	switch {
	case near != "":
		near = fmt.Sprintf(". Did you mean %q?", near)
	case fault == "unexpected argument" && strings.HasPrefix(name, "secret"):
		return "unexpected argument: a secret's value is asked for, or piped in, and never given as an argument"
	}
	switch {
	case fault == "unknown flag":
		return fmt.Sprintf("unknown flag %s%s", word, near)
	case len(node.Children) == 0:
		return fmt.Sprintf("unexpected argument %s", word)
	case strings.HasPrefix(name, "secret"):
		return "unknown command of minibot secret" + near
	}
	return fmt.Sprintf("unknown command %s%s", word, near)
}

// nearest is the command or flag that was probably meant; "" if nobody knows.
func nearest(node *kong.Node, word string) string {
	var names []string
	if strings.HasPrefix(word, "-") {
		for above := node; above != nil; above = above.Parent {
			for _, flag := range above.Flags {
				if !flag.Hidden {
					names = append(names, "--"+flag.Name)
				}
			}
		}
	} else {
		for _, child := range node.Children {
			if !child.Hidden {
				names = append(names, child.Name)
			}
		}
	}
	if other := otherWords[strings.ToLower(word)]; slices.Contains(names, other) {
		return other
	}
	var begin []string
	for _, name := range names {
		if strings.HasPrefix(name, word) {
			begin = append(begin, name)
		}
	}
	if len(begin) == 1 {
		return begin[0]
	}
	return spec.Nearest(word, names)
}
