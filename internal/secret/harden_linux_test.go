package secret

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// hardenChild runs in a process of its own, since Harden cannot be taken back.
func hardenChild() int {
	if err := Harden(); err != nil {
		fmt.Println(err)
		return 1
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		fmt.Println(err)
		return 1
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	fmt.Println(limit.Cur, limit.Max, dumpable, err)
	return 0
}

func TestHarden(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "MINIBOT_TEST_HARDEN=1")
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "0 0 0 <nil>\n" {
		t.Errorf("%s, %v", out, err)
	}
}
