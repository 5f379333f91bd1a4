package host

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// toolPaths are where programs are looked for. PATH is not asked: whoever sets it could name a program of his own.
var toolPaths = []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"}

// tool finds a program by its name. The error is [ErrNotInstalled] if it is in none of the usual places, nor in others.
func (m Machine) tool(name string, others ...string) (string, error) {
	for _, dir := range toolPaths {
		others = append(others, dir+"/"+name)
	}
	for _, path := range others {
		if _, err := fs.Stat(m.Files, strings.TrimPrefix(path, "/")); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, ErrNotInstalled)
}

// only is [ErrNotApplicable] if the machine is of another system than that of a fact.
func (m Machine) only(goos string) error {
	if m.GOOS == goos {
		return nil
	}
	name := map[string]string{"darwin": "macOS", "linux": "Linux"}[goos]
	return fmt.Errorf("%w: it is a thing of %s, and this is %s", ErrNotApplicable, name, m.GOOS)
}

// Remembering is the machine as it is now: each command is run once, however often it is asked for. It is safe for
// concurrent use if the machine is.
func (m Machine) Remembering() Machine {
	type answer struct {
		once sync.Once
		out  []byte
		err  error
	}
	var answers sync.Map
	run := m.Run
	m.Run = func(ctx context.Context, argv ...string) ([]byte, error) {
		kept, _ := answers.LoadOrStore(strings.Join(argv, "\x00"), &answer{})
		a := kept.(*answer)
		a.once.Do(func() { a.out, a.err = run(ctx, argv...) })
		return a.out, a.err
	}
	return m
}
