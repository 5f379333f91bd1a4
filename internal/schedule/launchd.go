package schedule

import (
	"encoding/xml"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Launchd is the job as an agent of a user; agents is the folder of those, ~/Library/LaunchAgents.
func Launchd(job Job, agents string, uid int) (Unit, error) {
	if err := job.check(); err != nil {
		return Unit{}, err
	}
	label := "minibot.verify." + job.Name
	path := filepath.Join(agents, label+".plist")
	domain := fmt.Sprintf("gui/%d", uid)
	bootout := Command{Argv: []string{"launchctl", "bootout", domain + "/" + label}, MayFail: true}
	return Unit{
		System: "launchd", Name: label,
		Files: []File{{path, job.plist(label)}},
		Start: []Command{
			bootout, // one that runs keeps what it was loaded with otherwise
			{Argv: []string{"launchctl", "bootstrap", domain, path}},
		},
		Stop:   []Command{bootout},
		Active: Command{Argv: []string{"launchctl", "print", domain + "/" + label}},
		Advice: "An agent runs in the session of a user who has logged in at the screen: over SSH alone there is none.",
	}, nil
}

// plist is the agent as launchd.plist(5) has it.
func (j Job) plist(label string) string {
	var out strings.Builder
	out.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Made by minibot schedule install; minibot schedule remove takes it away. -->
<plist version="1.0">
<dict>
`)
	text := func(indent, element, value string) {
		fmt.Fprintf(&out, "%s<%s>", indent, element)
		_ = xml.EscapeText(&out, []byte(value)) // a Builder takes all
		fmt.Fprintf(&out, "</%s>\n", element)
	}
	entry := func(key, value string) { text("  ", "key", key); text("  ", "string", value) }
	entry("Label", label)
	text("  ", "key", "ProgramArguments")
	out.WriteString("  <array>\n")
	for _, arg := range j.Argv {
		text("    ", "string", arg)
	}
	out.WriteString("  </array>\n")
	text("  ", "key", "EnvironmentVariables")
	out.WriteString("  <dict>\n")
	for _, variable := range j.Environ {
		name, value, _ := strings.Cut(variable, "=")
		text("    ", "key", name)
		text("    ", "string", value)
	}
	out.WriteString("  </dict>\n")
	entry("WorkingDirectory", j.Dir)
	text("  ", "key", "StartInterval")
	fmt.Fprintf(&out, "  <integer>%d</integer>\n", int(j.Every/time.Second))
	text("  ", "key", "RunAtLoad")
	out.WriteString("  <true/>\n")
	entry("ProcessType", "Background")
	entry("StandardOutPath", "/dev/null")
	entry("StandardErrorPath", j.Log)
	out.WriteString("</dict>\n</plist>\n")
	return out.String()
}
