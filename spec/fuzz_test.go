package spec_test

import (
	"net/netip"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"minibot/golden"
	"minibot/spec"
)

// FuzzParse holds what minibot promises of every spec that it accepts, and that the
// parser never panics and never shows its marks.
func FuzzParse(f *testing.F) {
	paths, _ := filepath.Glob(filepath.Join(golden.Dir(), "diag", "*.txtar"))
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name == "minibot.hcl" {
				f.Add(string(file.Data))
			}
		}
	}
	f.Add(read(f, "testdata/full.hcl"))
	f.Add(read(f, "../minibot.hcl.example"))
	f.Fuzz(func(t *testing.T, src string) {
		stack, diags := spec.Parse([]byte(src), "minibot.hcl", spec.Variables{})
		if shown := text(t, diags); strings.ContainsAny(shown, "\uE000\uE001\x1b") {
			t.Errorf("a message has a character that it must not have:\n%s", shown)
		}
		if diags.HasErrors() {
			return
		}
		if stack.Name == "" || len(stack.Services) == 0 || len(stack.Networks) == 0 {
			t.Errorf("something is missing: %+v", stack)
		}
		for _, s := range stack.Services {
			checkSafe(t, s)
			checkWhole(t, stack, s)
		}
	})
}

// checkSafe holds a service against what the spec cannot say.
func checkSafe(t *testing.T, s *spec.Service) {
	for _, bind := range s.Binds {
		if address, err := netip.ParseAddr(bind.HostIP); err != nil || !address.IsLoopback() || address.String() != bind.HostIP {
			t.Errorf("bind on %q", bind.HostIP)
		}
		if min(bind.Port, bind.Published) < 1 || max(bind.Port, bind.Published) > 65535 {
			t.Errorf("bind of port %d:%d", bind.Published, bind.Port)
		}
	}
	if s.Limits == nil || s.Limits.CPUs <= 0 || s.Limits.Pids <= 0 {
		t.Errorf("no limits: %+v", s.Limits)
	} else if bytes, err := s.Limits.Memory.Bytes(); err != nil || bytes <= 0 {
		t.Errorf("no memory limit: %q", s.Limits.Memory)
	}
	for _, name := range s.CapAdd {
		refused := []string{"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "SYS_RAWIO", "NET_ADMIN", "MKNOD", "BPF", "DAC_READ_SEARCH", "SYS_BOOT", "SYS_TIME"}
		if slices.Contains(refused, strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(name)), "CAP_")) {
			t.Errorf("capability %q", name)
		}
	}
	for _, mount := range s.Mounts {
		source := strings.ToLower(mount.Source)
		for _, dir := range []string{"/etc", "/proc", "/sys", "/run", "/var/run", "/root", "/dev", "/var/lib/docker"} {
			if source == dir || strings.HasPrefix(source, dir+"/") {
				t.Errorf("mount of %q", mount.Source)
			}
		}
		if !path.IsAbs(source) || source == "/" || path.Clean(source) != source || strings.Contains(source, "docker.sock") || strings.Contains(source, "/.ssh") {
			t.Errorf("mount of %q", mount.Source)
		}
	}
}

// checkWhole makes sure that nothing is left for others to find out.
func checkWhole(t *testing.T, stack *spec.Stack, s *spec.Service) {
	if s.Name == "" || s.Image == "" || s.ContainerName == "" || len(s.Networks) == 0 || s.Restart == "" || s.Logging == nil {
		t.Errorf("something is missing: %+v", s)
	}
	for _, name := range s.SecretNames() {
		if stack.Secret(name) == nil {
			t.Errorf("secret %q is not declared", name)
		}
	}
	core := false
	for _, ulimit := range s.Ulimits {
		core = core || ulimit.Name == "core"
		if ulimit.Hard == nil {
			t.Errorf("ulimit %q has no hard limit", ulimit.Name)
		}
	}
	if !core {
		t.Error("nothing says how large a core dump may be")
	}
	for _, file := range s.Files {
		if file.UID == nil || file.GID == nil {
			t.Errorf("file %q has no owner", file.Target)
		}
		if mode, err := strconv.ParseUint(file.Mode, 8, 16); err != nil || mode&0o444 == 0 || len(file.Content.Secrets()) > 0 && mode&0o002 != 0 {
			t.Errorf("file %q has mode %q", file.Target, file.Mode)
		}
	}
	for _, dependency := range s.DependsOn {
		if stack.Service(dependency.Service) == nil || dependency.Condition == "" {
			t.Errorf("depends_on %q", dependency.Service)
		}
	}
	// What is no Text cannot hold a secret.
	for _, plain := range slices.Concat([]string{s.Image, s.User, s.Hostname, s.WorkingDir, s.Platform, s.Restart}, s.Tmpfs, s.Networks, s.GroupAdd) {
		if strings.ContainsAny(plain, "\uE000\uE001") {
			t.Errorf("the mark of a secret is in %q", plain)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	src := []byte(read(b, "../minibot.hcl.example"))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, diags := spec.Parse(src, "minibot.hcl", spec.Variables{}); diags.HasErrors() {
			b.Fatal(text(b, diags))
		}
	}
}
