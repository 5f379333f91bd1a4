package secret

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// fakeVault is a password manager as the exec store meets them.
//
//	get NAME               a value for SEEDED, nothing for others
//	bytes HEX              these bytes
//	flood N                N bytes
//	fail STATUS OUT ERR    both texts, then this exit status
//	environ                its environment
//	session                its pid, process group and session
//	hang FIFO              never ends
//	child FIFO             never ends, and neither does its own child
//	leave FIFO             ends well, and its child holds stdout open
func fakeVault(args []string) int {
	switch args[0] {
	case "get":
		if args[1] == seeded {
			fmt.Println("value of " + seeded)
		}
	case "bytes":
		b, _ := hex.DecodeString(args[1])
		os.Stdout.Write(b)
	case "flood":
		n, _ := strconv.Atoi(args[1])
		fmt.Print(strings.Repeat("x", n))
	case "fail":
		fmt.Fprint(os.Stdout, args[2])
		fmt.Fprint(os.Stderr, args[3])
		status, _ := strconv.Atoi(args[1])
		return status
	case "environ":
		fmt.Println(strings.Join(os.Environ(), "\n"))
	case "session":
		session, _ := unix.Getsid(0)
		fmt.Println(os.Getpid(), unix.Getpgrp(), session)
	case "hang":
		signal.Ignore(syscall.SIGTERM, syscall.SIGPIPE, syscall.SIGHUP)
		if len(args) > 1 {
			announce(args[1])
		}
		select {}
	case "child", "leave":
		child := exec.Command(os.Args[0], "hang", args[1])
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			panic(err)
		}
		if args[0] == "leave" {
			fmt.Println("value")
			return 0
		}
		select {}
	}
	return 0
}

// announce holds the FIFO open for writing from now to the end of the process, which is how the test sees both.
func announce(fifo string) {
	f, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(f, os.Getpid())
}

// newFakeVault returns the path of the fake.
func newFakeVault(t testing.TB) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "vault")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	return program
}
