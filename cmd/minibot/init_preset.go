package main

import (
	_ "embed"
	"fmt"

	"minibot/spec"
)

//go:embed blank.hcl
var blank []byte

// referenceStack is minibot.hcl.example, which lies beyond what can be embedded here: a test holds
// that they are the same.
//
//go:embed example.hcl
var referenceStack []byte

const presetTitle = `# What this machine runs. Written by minibot init, to be changed as you like; after that:
# minibot plan, minibot apply, minibot verify.

`

// presets is the reference stack.
func presets() *spec.Stack {
	stack, diags := spec.Parse(referenceStack, "minibot.hcl.example", spec.Variables{})
	if diags.HasErrors() {
		panic(diags) // a test holds that it is valid
	}
	return stack
}

// preset is a spec with some of the reference stack's services; with none of them it has one
// to put another in the place of.
func preset(name string, services []string) (*spec.Stack, []byte, error) {
	if name == "" {
		name = presets().Name
	}
	text, err := spec.Cut(referenceStack, name, services)
	if err != nil {
		return nil, nil, err
	}
	text = append([]byte(presetTitle), text...)
	if len(services) == 0 {
		text = append(append(text, '\n'), blank...)
	}
	stack, diags := spec.Parse(text, "minibot.hcl", spec.Variables{})
	if diags.HasErrors() {
		return nil, nil, fmt.Errorf("the spec that was made is not valid, which is a fault of minibot: %w", diags)
	}
	return stack, text, nil
}
