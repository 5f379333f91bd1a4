package spec

import (
	"fmt"
	"slices"
	"strings"
)

// ownerOfMachine lists capabilities that let a container take over its host.
var ownerOfMachine = []string{
	"ALL", "BPF", "DAC_READ_SEARCH", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "PERFMON",
	"SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_TIME",
}

// capabilities are those of capabilities(7), and the engine's word for all of them.
var capabilities = []string{
	"ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN",
	"DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE",
	"MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON",
	"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE",
	"SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM",
}

// checkCapabilities refuses names that the engine does not know, and those that are refused.
func (d *decoder) checkCapabilities(names []string, at Range, refused []string) {
	for i, name := range names {
		plain := strings.TrimPrefix(strings.ToUpper(name), "CAP_")
		switch {
		case slices.Contains(refused, plain):
			d.diags.add(d.part(at, i), "Capability that owns the machine", fmt.Sprintf("With %s a container can take over its host. minibot has no switch for it.", name))
		case !slices.Contains(capabilities, plain):
			detail := fmt.Sprintf("%q is no capability of Linux, such as \"NET_BIND_SERVICE\".", name)
			if near := Nearest(plain, capabilities); near != "" {
				detail = fmt.Sprintf("%q is no capability of Linux. Did you mean %q?", name, near)
			}
			d.diags.add(d.part(at, i), "Unknown capability", detail)
		}
	}
}
