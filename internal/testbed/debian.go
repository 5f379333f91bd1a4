package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// debianPackages are the packages the images take files from; all they depend on comes along.
var debianPackages = []string{
	"postgresql-15", "redis-server", "busybox-static", "bash", "tini", "tzdata", "util-linux", "libstdc++6",
}

// debianSkip are the beginnings of package names in that closure which no binary we copy is linked with. They
// are a third of it, and LLVM alone would double it.
var debianSkip = []string{
	"perl", "libperl", "libgdbm", "libllvm", "libz3-", "locales", "libc-l10n", "debconf", "dpkg", "tar", "openssl",
	"passwd", "adduser", "libpam-modules",
}

// debianTree returns a directory with the files of the packages, unpacked and not installed: no maintainer
// script has run, and the machine's own packages are untouched.
func debianTree(ctx context.Context, b *builder) (string, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", errors.New("no apt-get: the images are built on Debian 12; elsewhere give the engine access to an image registry")
	}
	key := "debian-" + digest(debianPackages, debianSkip)[:12]
	return cached(b.state, key, func(dir string) error {
		updateErr := b.aptUpdate()
		if err := download(ctx, dir); err != nil {
			return errors.Join(err, updateErr)
		}
		return unpack(ctx, dir)
	})
}

// unpack unpacks the archives in dir, in their place.
func unpack(ctx context.Context, dir string) error {
	archives, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return err
	}
	for _, archive := range archives {
		if _, err := run(ctx, dir, nil, "dpkg-deb", "-x", archive, dir); err != nil {
			return fmt.Errorf("unpack %s: %w", filepath.Base(archive), err)
		}
		if err := os.Remove(archive); err != nil {
			return err
		}
	}
	return nil
}

// download fetches the archives of the closure of debianPackages into dir. apt works out the closure by simulating the
// installation on a machine that has nothing installed: an empty status file.
func download(ctx context.Context, dir string) error {
	status := filepath.Join(dir, "status")
	if err := os.WriteFile(status, nil, 0o644); err != nil {
		return err
	}
	defer os.Remove(status)
	list, err := apt(ctx, dir, append([]string{"install", "--simulate", "-o", "Dir::State::status=" + status}, debianPackages...)...)
	if err != nil {
		return err
	}
	var names []string
	for line := range strings.Lines(list) {
		fields := strings.Fields(line) // Inst NAME (VERSION …
		if len(fields) > 1 && fields[0] == "Inst" && !skipped(fields[1]) {
			names = append(names, fields[1])
		}
	}
	return aptDownload(ctx, dir, names...)
}

func skipped(name string) bool {
	return strings.HasSuffix(name, "-perl") ||
		slices.ContainsFunc(debianSkip, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// aptDownload fetches the archives of packages, without what they depend on.
func aptDownload(ctx context.Context, dir string, packages ...string) error {
	_, err := apt(ctx, dir, append([]string{"download", "-o", "APT::Sandbox::User=root"}, packages...)...)
	return err
}

// aptInstall installs packages on this machine, after update. It needs root.
func aptInstall(ctx context.Context, update func() error, packages ...string) error {
	updateErr := update()
	if _, err := apt(ctx, "", append([]string{"install"}, packages...)...); err != nil {
		return errors.Join(err, updateErr)
	}
	return nil
}

// aptUpdate fetches the package lists. Its error matters only if what follows fails too: one broken source
// among several does no harm. Two at a time would get in each other's way.
func aptUpdate(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return nil
	}
	_, err := apt(ctx, "", "update")
	return err
}

func apt(ctx context.Context, dir string, args ...string) (string, error) {
	args = append([]string{"-qq", "-y", "-o", "APT::Install-Recommends=false", "-o", "DPkg::Lock::Timeout=120"}, args...)
	return run(ctx, dir, []string{"DEBIAN_FRONTEND=noninteractive"}, "apt-get", args...)
}
