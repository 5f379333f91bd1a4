package adopt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Bounds that no file of a person comes near: aliases can make a small file very large.
const (
	maxBytes = 1 << 20
	maxNodes = 100_000
)

// FileError is what is wrong with a compose file; Line is 0 where it is about no line.
type FileError struct {
	File    string
	Line    int
	Problem string
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Problem
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem)
}

// parseYAML reads a compose file as it stands, each value with its line. Aliases and merge keys are resolved.
func parseYAML(name string, text []byte) (*yaml.Node, error) {
	if len(text) > maxBytes {
		return nil, &FileError{File: name, Problem: "it is larger than 1 MB"}
	}
	if i := bytes.IndexFunc(text, isMark); i >= 0 {
		return nil, &FileError{File: name, Line: bytes.Count(text[:i], []byte("\n")) + 1, Problem: "it has a character for private use, such as U+E000, which no spec can hold"}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, &FileError{File: name, Problem: "it is empty"}
	} else if err != nil {
		return nil, yamlError(name, err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, &FileError{File: name, Line: second.Line, Problem: "it holds several documents; merge them first: docker compose config --no-interpolate"}
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlError(name, err)
	}
	r := resolver{file: name, budget: maxNodes}
	root := r.resolve(first.Content[0])
	switch {
	case r.err != nil:
		return nil, r.err
	case root.Kind != yaml.MappingNode:
		return nil, &FileError{File: name, Line: root.Line, Problem: "it is no compose file: it does not begin with a key such as services"}
	}
	return root, nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func yamlError(name string, err error) error {
	match := yamlLine.FindStringSubmatch(err.Error())
	if match == nil {
		return &FileError{File: name, Problem: err.Error()}
	}
	line, _ := strconv.Atoi(match[1])
	return &FileError{File: name, Line: line, Problem: "it is not YAML: " + strings.TrimPrefix(err.Error(), match[0])}
}

// resolver makes a tree without aliases and merge keys.
type resolver struct {
	file   string
	budget int
	within []*yaml.Node // anchors around
	err    error
}

func (r *resolver) fail(node *yaml.Node, problem string, args ...any) *yaml.Node {
	if r.err == nil {
		r.err = &FileError{File: r.file, Line: node.Line, Problem: fmt.Sprintf(problem, args...)}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: node.Line}
}

func (r *resolver) resolve(node *yaml.Node) *yaml.Node {
	if r.budget--; r.budget < 0 || r.err != nil {
		return r.fail(node, "its aliases make it too large")
	}
	switch node.Kind {
	case yaml.AliasNode:
		if slices.Contains(r.within, node.Alias) {
			return r.fail(node, "the alias *%s is inside of what it stands for", node.Value)
		}
		r.within = append(r.within, node.Alias)
		defer func() { r.within = r.within[:len(r.within)-1] }()
		return r.resolve(node.Alias)
	case yaml.MappingNode:
		return r.mapping(node)
	}
	if node.Tag == "!reset" || node.Tag == "!override" {
		return r.fail(node, "%s is about another file, and minibot reads one; merge them first: docker compose config --no-interpolate", node.Tag)
	}
	copied := *node
	copied.Anchor, copied.Content = "", nil
	for _, item := range node.Content {
		copied.Content = append(copied.Content, r.resolve(item))
	}
	return &copied
}

// mapping puts what merge keys bring after what is written, which goes before it.
func (r *resolver) mapping(node *yaml.Node) *yaml.Node {
	copied := *node
	copied.Anchor, copied.Content = "", nil
	var merged []*yaml.Node
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Tag == "!!merge" {
			merged = append(merged, r.resolve(value))
			continue
		}
		if first, twice := seen[key.Value]; twice {
			return r.fail(key, "%q is in line %d already", key.Value, first)
		}
		seen[key.Value] = key.Line
		copied.Content = append(copied.Content, key, r.resolve(value))
	}
	for _, one := range merged {
		parts := []*yaml.Node{one}
		if one.Kind == yaml.SequenceNode {
			parts = one.Content
		}
		for _, part := range parts {
			for key, value := range pairs(part) {
				if _, there := seen[key.Value]; !there {
					seen[key.Value] = key.Line
					copied.Content = append(copied.Content, key, value)
				}
			}
		}
	}
	return &copied
}

// pairs are the keys and values of a mapping; none of anything else.
func pairs(node *yaml.Node) func(func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if node == nil || node.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if !yield(node.Content[i], node.Content[i+1]) {
				return
			}
		}
	}
}

// items are those of a list; none of anything else.
func items(node *yaml.Node) []*yaml.Node {
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	return node.Content
}

// find goes down by keys; nil where there is nothing.
func find(node *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		var below *yaml.Node
		for key, value := range pairs(node) {
			if key.Value == name {
				below = value
			}
		}
		node = below
	}
	return node
}

// keyLine is the line of a key of a mapping, or else that of the mapping.
func keyLine(node *yaml.Node, name string) int {
	for key := range pairs(node) {
		if key.Value == name {
			return key.Line
		}
	}
	if node == nil {
		return 0
	}
	return node.Line
}

// remove takes a key out of a mapping.
func remove(node *yaml.Node, name string) {
	for i := 0; node != nil && i+1 < len(node.Content); i += 2 {
		if node.Kind == yaml.MappingNode && node.Content[i].Value == name {
			node.Content = slices.Delete(node.Content, i, i+2)
			return
		}
	}
}

// plain is a tree as compose's loader takes it. Dates and the like are text there.
func plain(node *yaml.Node) any {
	switch node.Kind {
	case yaml.MappingNode:
		all := map[string]any{}
		for key, value := range pairs(node) {
			all[key.Value] = plain(value)
		}
		return all
	case yaml.SequenceNode:
		all := []any{}
		for _, item := range node.Content {
			all = append(all, plain(item))
		}
		return all
	}
	switch node.Tag {
	case "!!int", "!!float", "!!bool", "!!null":
		var value any
		if node.Decode(&value) == nil {
			return value
		}
	}
	return node.Value
}
