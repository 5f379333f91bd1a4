package bridge

import _ "embed"

// The programs. Each prints the greeting if it can do the work, and ends with its input. The shells move bytes by dd:
// busybox's cat does it by sendfile, which on a pipe keeps its reader out until the next bytes come.
var (
	//go:embed programs/bridge.js
	scriptNode string
	//go:embed programs/bridge.py
	scriptPython string
	//go:embed programs/bridge.bash
	scriptBash string
	//go:embed programs/bridge.pl
	scriptPerl string
	//go:embed programs/bridge.sh
	scriptNetcat string
)

// programs are tried in this order. Those that hold many connections come first: starting a program in a container
// takes an engine about 80 ms.
var programs = []struct {
	name string
	argv []string
	// many says that it holds any number of connections (see many). The others make one, to the
	// host and port that are added to argv, within the seconds that are added as well.
	many bool
}{
	{"node", []string{"node", "-e", scriptNode}, true},
	{"python3", []string{"python3", "-c", scriptPython}, true},
	{"bash", []string{"bash", "-c", scriptBash, "bash"}, false},
	{"perl", []string{"perl", "-e", scriptPerl}, false},
	{"nc", []string{"sh", "-c", scriptNetcat, "sh"}, false}, // busybox's
}
