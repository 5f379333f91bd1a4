package schedule

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Systemd is the job as a timer of the user's manager; config is the folder of its units,
// ~/.config/systemd/user.
func Systemd(job Job, config string) (Unit, error) {
	if err := job.check(); err != nil {
		return Unit{}, err
	}
	name := "minibot-verify-" + job.Name
	timer, service := name+".timer", name+".service"
	systemctl := func(args ...string) Command {
		return Command{Argv: append([]string{"systemctl", "--user"}, args...)}
	}
	return Unit{
		System: "systemd", Name: timer,
		Files: []File{
			{filepath.Join(config, service), job.service()},
			{filepath.Join(config, timer), job.timer()},
		},
		Links: []string{filepath.Join(config, "timers.target.wants", timer)},
		Start: []Command{
			systemctl("daemon-reload"),
			systemctl("enable", timer),
			systemctl("restart", timer), // one that runs goes on by its old interval otherwise
		},
		Stop: []Command{
			mayFail(systemctl("disable", "--now", timer)),
			mayFail(systemctl("stop", service)),
			mayFail(systemctl("reset-failed", service)), // or it stays in the list of units
		},
		Reload: []Command{systemctl("daemon-reload")},
		Active: systemctl("is-active", "--quiet", timer),
		Advice: "A user manager is there for one who has logged in: not after su or sudo, and after a reboot only with: loginctl enable-linger",
	}, nil
}

func mayFail(c Command) Command {
	c.MayFail = true
	return c
}

// service runs the job once. Its failure is that of the program: systemctl --user --failed
// shows it.
func (j Job) service() string {
	var out strings.Builder
	fmt.Fprintf(&out, "# Made by minibot schedule install; minibot schedule remove takes it away.\n")
	fmt.Fprintf(&out, "[Unit]\nDescription=minibot verify of the stack %s\n\n", j.Name)
	fmt.Fprintf(&out, "[Service]\nType=oneshot\nTimeoutStartSec=10min\nNice=10\n")
	fmt.Fprintf(&out, "WorkingDirectory=%s\n", strings.ReplaceAll(j.Dir, "%", "%%"))
	for _, variable := range j.Environ {
		fmt.Fprintf(&out, "Environment=%s\n", systemdQuote(variable))
	}
	out.WriteString("ExecStart=" + systemdQuote(j.Argv[0])) // here alone $ begins no variable
	for _, arg := range j.Argv[1:] {
		out.WriteString(" " + strings.ReplaceAll(systemdQuote(arg), "$", "$$"))
	}
	out.WriteString("\n")
	return out.String()
}

// timer counts from the end of a run, for one that failed has never been active in
// systemd's sense, and OnUnitActiveSec would wait for it for ever.
func (j Job) timer() string {
	seconds := int(j.Every / time.Second)
	return fmt.Sprintf(`# Made by minibot schedule install; minibot schedule remove takes it away.
[Unit]
Description=minibot verify of the stack %s at an interval

[Timer]
OnActiveSec=0
OnUnitInactiveSec=%ds
AccuracySec=%ds

[Install]
WantedBy=timers.target
`, j.Name, seconds, min(max(seconds/60, 1), 60))
}

// systemdQuote writes one word, as systemd.syntax(7) reads it.
func systemdQuote(word string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(word) + `"`
}
