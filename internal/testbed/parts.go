package testbed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// busybox gives an image its /bin/sh and the usual small tools, where nothing of that name is yet.
func (b *builder) busybox(ctx context.Context, debian tree, l *layer) error {
	list, err := run(ctx, "", nil, filepath.Join(debian[0].Name(), "bin/busybox"), "--list")
	if err != nil {
		return err
	}
	l.copy(debian, "usr/bin/busybox", "usr/bin/busybox")
	for applet := range strings.Lines(list) {
		l.link("usr/bin/"+strings.TrimSpace(applet), "busybox")
	}
	return nil
}

// listenOnAll does to Postgres's sample configuration what the official image does: without it a server in a
// container hears only itself.
func listenOnAll(_ context.Context, b *builder, l *layer) error {
	const sample = "usr/share/postgresql/15/postgresql.conf.sample"
	debian, err := b.debian()
	if err != nil {
		return err
	}
	content, err := debian.readFile(sample)
	if err != nil {
		return err
	}
	l.file(sample, 0o644, content+"listen_addresses = '*'\n")
	return nil
}

// addFerret builds FerretDB, which speaks MongoDB's protocol, and adds it.
func addFerret(ctx context.Context, b *builder, l *layer) error {
	dir, err := cached(b.state, "ferretdb-"+ferretVersion+"-"+runtime.GOARCH, func(dir string) error {
		return timed(b.log, "compile FerretDB "+ferretVersion, func() error { return compileFerret(ctx, dir) })
	})
	if err != nil {
		return err
	}
	t, err := openTree(dir)
	if err != nil {
		return err
	}
	defer t[0].Close()
	l.copy(t, "ferretdb", "usr/local/bin/ferretdb")
	return nil
}

// compileFerret leaves the binary in dir. FerretDB is a tool of the module in tools/, which is vendored into dir
// because its main package refuses to start without a version file that the released module lacks.
func compileFerret(ctx context.Context, dir string) error {
	const command = "github.com/FerretDB/FerretDB/cmd/ferretdb"
	env := append(toolEnv(), "CGO_ENABLED=0", "GOOS=linux")
	tools, err := toolsDir(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(tools, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	if _, err := run(ctx, dir, env, "go", "mod", "vendor"); err != nil {
		return err
	}
	vendor := filepath.Join(dir, "vendor")
	version := filepath.Join(vendor, "github.com/FerretDB/FerretDB/build/version/version.txt")
	if err := os.WriteFile(version, []byte(ferretVersion+"\n"), 0o644); err != nil {
		return err
	}
	if _, err := run(ctx, dir, env, "go", "build", "-mod=vendor", "-buildvcs=false", "-ldflags=-s -w",
		"-tags=ferretdb_no_postgresql", "-o", "ferretdb", command); err != nil {
		return err
	}
	return os.RemoveAll(vendor)
}

// addOpenclaw adds OpenClaw and the Node.js it asks for, both from npm.
func addOpenclaw(ctx context.Context, b *builder, l *layer) error {
	node := "node-linux-" + map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	key := "openclaw-" + openclawVersion + "-node-" + nodeVersion + "-" + runtime.GOARCH
	dir, err := cached(b.state, key, func(dir string) error {
		return timed(b.log, "npm install openclaw@"+openclawVersion, func() error {
			return installOpenclaw(ctx, b, dir, node+"@"+nodeVersion)
		})
	})
	if err != nil {
		return err
	}
	t, err := openTree(dir)
	if err != nil {
		return err
	}
	defer t[0].Close()
	debian, err := b.debian()
	if err != nil {
		return err
	}
	binary := "node_modules/" + node + "/bin/node"
	names, err := append(t, debian...).closure(binary)
	if err != nil {
		return err
	}
	for _, name := range names {
		l.copy(append(t, debian...), name, strings.Replace(name, binary, "usr/local/bin/node", 1))
	}
	l.copyDir(t, "node_modules", "app/node_modules", func(name string) bool {
		return strings.HasPrefix(name, "node_modules/"+node) || name == "node_modules/.bin/node" ||
			strings.HasSuffix(name, ".map") || strings.HasSuffix(name, ".d.ts")
	})
	return nil
}

// installOpenclaw leaves node_modules in dir. No package's install script runs but OpenClaw's own, which
// takes away a marker that would keep it from starting on a read-only file system. That script runs under the
// Node.js just installed: npm puts node_modules/.bin first in its PATH.
func installOpenclaw(ctx context.Context, b *builder, dir, node string) error {
	if _, err := exec.LookPath("npm"); err != nil {
		if err := timed(b.log, "install npm", func() error { return aptInstall(ctx, b.aptUpdate, "npm") }); err != nil {
			return err
		}
	}
	openclaw := "openclaw@" + openclawVersion
	if _, err := run(ctx, dir, nil, "npm", "install", "--prefix", dir, "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund",
		openclaw, node); err != nil {
		return err
	}
	if _, err := run(ctx, dir, nil, "npm", "rebuild", "--prefix", dir, "openclaw"); err != nil {
		return err
	}
	marker := filepath.Join(dir, "node_modules/openclaw/.openclaw-lifecycle-pending")
	if _, err := os.Stat(marker); err == nil {
		return fmt.Errorf("%s: its install script has not done its work", openclaw)
	}
	return nil
}
