package main

import (
	_ "embed"
	"io"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish." complete:"shell"`
}

func (*completionCmd) Examples() []example {
	return []example{
		{"minibot completion bash >~/.local/share/bash-completion/completions/minibot", "bash, with bash-completion"},
		{"minibot completion zsh >~/.zfunc/_minibot", "zsh, with fpath+=~/.zfunc before compinit in ~/.zshrc"},
		{"minibot completion fish >~/.config/fish/completions/minibot.fish", "fish"},
	}
}

// The scripts ask the hidden command each time, so that they know the spec as it is.
var (
	//go:embed completion.bash
	completionBash string
	//go:embed completion.zsh
	completionZsh string
	//go:embed completion.fish
	completionFish string
)

// Run prints a shell's script.
func (c *completionCmd) Run(a *app) error {
	script := map[string]string{"bash": completionBash, "zsh": completionZsh, "fish": completionFish}[c.Shell]
	if a.JSON {
		return a.json(map[string]any{"format_version": "1", "shell": c.Shell, "script": script})
	}
	_, err := io.WriteString(a.stdout, script)
	return err
}
