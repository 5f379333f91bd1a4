package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// signals are those of signal(7), as the engine knows them.
var signals = []string{
	"SIGABRT", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCLD", "SIGCONT", "SIGFPE", "SIGHUP", "SIGILL", "SIGINT", "SIGIO", "SIGIOT",
	"SIGKILL", "SIGPIPE", "SIGPOLL", "SIGPROF", "SIGPWR", "SIGQUIT", "SIGSEGV", "SIGSTKFLT", "SIGSTOP", "SIGSYS", "SIGTERM",
	"SIGTRAP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGUSR1", "SIGUSR2", "SIGVTALRM", "SIGWINCH", "SIGXCPU", "SIGXFSZ",
}

// otherSignal is a signal by its number, 1 to 64, or one of the real-time signals.
var otherSignal = regexp.MustCompile(`^([1-9]|[1-5][0-9]|6[0-4]|(SIG)?RT(MIN(\+([1-9]|1[0-5]))?|MAX(-([1-9]|1[0-4]))?))$`)

func (d *decoder) checkSignal(s *Service) {
	name := "SIG" + strings.TrimPrefix(s.StopSignal, "SIG")
	if slices.Contains(signals, name) || otherSignal.MatchString(s.StopSignal) {
		return
	}
	advice := ", such as \"SIGINT\"."
	if near := Nearest(name, signals); near != "" {
		advice = fmt.Sprintf(". Did you mean %q?", near)
	}
	d.diags.add(s.StopSignalRange, "Bad signal", fmt.Sprintf("%q is not a signal%s", s.StopSignal, advice))
}
