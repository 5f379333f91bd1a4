package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// stackName is also the network's.
const stackName = "minibot-bench"

// stack is a spec and its compose file, three times over: as it is, with another limit of the last service, and with
// another environment of it. None of its services has a healthcheck or a secret.
type stack struct {
	dir string
	n   int
}

// variants are the names of the files, without their endings.
const (
	plain        = "plain"
	otherLimit   = "limit"
	otherSetting = "setting"
)

func (s stack) spec(variant string) string    { return filepath.Join(s.dir, variant+".hcl") }
func (s stack) compose(variant string) string { return filepath.Join(s.dir, variant+".yml") }

// write writes the specs, and has minibot render them.
func (b *bench) write(ctx context.Context, n int) (stack, error) {
	s := stack{dir: filepath.Join(b.dir, fmt.Sprint(n)), n: n}
	first, err := freePorts(n)
	if err != nil {
		return s, err
	}
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		return s, err
	}
	for _, variant := range []string{plain, otherLimit, otherSetting} {
		if err := os.WriteFile(s.spec(variant), specText(n, first, variant), 0o644); err != nil {
			return s, err
		}
		if _, err := b.exec(ctx, b.minibot, "-f", s.spec(variant), "render", "-o", s.compose(variant)); err != nil {
			return s, err
		}
	}
	return s, nil
}

// specText has for each service a port, limits, three variables, a volume and a restart policy. The first four start
// one after the other.
func specText(n, port int, variant string) []byte {
	var text strings.Builder
	fmt.Fprintf(&text, "name = %q\n\nnetwork %q {}\n", stackName, stackName)
	for i := range n {
		memory, last := "64MB", "three"
		if i == n-1 && variant == otherLimit {
			memory = "96MB"
		}
		if i == n-1 && variant == otherSetting {
			last = "four"
		}
		fmt.Fprintf(&text, `
service "s%d" {
  image = %q
  bind { port = %d }
  limits {
    memory = %q
    cpus   = 0.25
  }
  env = {
    A = "one"
    B = "two"
    C = %q
  }
  volume "s%d-data" { target = "/data" }
`, i, imageRef, port+i, memory, last, i)
		if i > 0 && i < chain {
			fmt.Fprintf(&text, "  depends_on \"s%d\" {}\n", i-1)
		}
		text.WriteString("}\n")
	}
	return []byte(text.String())
}

// chain is how many services start one after the other.
const chain = 4

// freePorts returns the first of n ports that nobody listens on.
func freePorts(n int) (int, error) {
	for first := 12000; first < 30000; first += 500 {
		free := true
		for i := range n {
			listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+i))
			if free = err == nil; !free {
				break
			}
			listener.Close()
		}
		if free {
			return first, nil
		}
	}
	return 0, fmt.Errorf("no %d free ports in a row", n)
}
