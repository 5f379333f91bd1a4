package lookout

import (
	"errors"
	"html"
	"os/exec"
	"runtime"
)

// Desktop says how to show a notification on this desktop: the command line for a title and a
// text. The error tells that it cannot be done here.
func Desktop() (func(title, text string) []string, error) {
	return desktop(runtime.GOOS, exec.LookPath)
}

// script shows its arguments. No text of ours or of others is ever part of it.
var script = []string{"-e", "on run argv", "-e", "display notification (item 2 of argv) with title (item 1 of argv)", "-e", "end run"}

func desktop(system string, look func(string) (string, error)) (func(title, text string) []string, error) {
	tool, missing := "notify-send", "there is no notify-send, which shows notifications here; install libnotify (Debian: libnotify-bin), or use --on-change"
	if system == "darwin" {
		tool, missing = "osascript", "there is no osascript, which shows notifications on macOS"
	}
	path, err := look(tool)
	if err != nil {
		return nil, errors.New(missing)
	}
	return func(title, text string) []string {
		if system == "darwin" {
			return append(append([]string{path}, script...), title, text)
		}
		// Some desktops read the text as HTML.
		return []string{path, "--app-name=minibot", "--", title, html.EscapeString(text)}
	}, nil
}
