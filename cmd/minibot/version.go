package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker in a release.
var version = "dev"

type versionCmd struct{}

func (*versionCmd) Examples() []example {
	return []example{
		{"minibot version", "which minibot this is"},
		{"minibot version --json", "for scripts"},
	}
}

// Run prints which minibot this is.
func (c *versionCmd) Run(a *app) error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				revision = setting.Value
			}
		}
	}
	if a.JSON {
		return a.json(map[string]string{"version": version, "revision": revision, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
	}
	_, err := fmt.Fprintln(a.stdout, "minibot "+versionLine())
	return err
}

// versionLine is the version, and what it was built with.
func versionLine() string {
	return fmt.Sprintf("%s (%s, %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
