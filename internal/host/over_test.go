package host

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// What another machine tells of its LAN and its packet filter is read as this one's.
func TestOver(t *testing.T) {
	const wall = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 127.0.0.0/8 ! -i lo -j DROP\nCOMMIT\n"
	over := func(uid, more string) (Machine, error) {
		return Over(t.Context(), func(_ context.Context, argv ...string) ([]byte, error) {
			switch argv[0] {
			case "/bin/sh":
				return []byte("Linux\n" + uid + "\nfile /usr/sbin/iptables-save\nlink lo 0x9\nlink eth0 0x1003\nlink eth1 0x1002\nlink tap0 0x1103\nfile /sys/class/net/tap0/brport\n" + more), nil
			case "/usr/sbin/iptables-save":
				return []byte(wall), nil
			}
			return nil, errors.New("no such program")
		})
	}
	m, err := over("0", "")
	if err != nil {
		t.Fatal(err)
	}
	if lan, err := m.LAN(nil); !slices.Equal(lan, []string{"eth0"}) || err != nil {
		t.Errorf("%q, %v", lan, err)
	}
	if filter, err := m.Filter(t.Context(), true); len(filter.tables) == 0 || err != nil {
		t.Errorf("%v, %v", filter, err)
	}
	if m, err = over("1000", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Filter(t.Context(), false); !errors.Is(err, ErrNeedsRoot) {
		t.Errorf("not root: %v", err)
	}
	for _, odd := range []string{"Welcome to the machine\n", "link eth2 up\n"} {
		if _, err := over("0", odd); err == nil {
			t.Errorf("%q is taken for an answer", odd)
		}
	}
}

// This machine, asked as another would be, has the interfaces that it has.
func TestOverThis(t *testing.T) {
	this := This()
	if this.GOOS != "linux" {
		t.Skip("SKIPPED, needs Linux")
	}
	m, err := Over(t.Context(), this.Run)
	if err != nil {
		t.Fatal(err)
	}
	want, err := this.LAN(nil)
	got, err2 := m.LAN(nil)
	if !slices.Equal(got, want) || errors.Join(err, err2) != nil || m.Root != this.Root {
		t.Errorf("%s, want %s; %v", strings.Join(got, " "), strings.Join(want, " "), errors.Join(err, err2))
	}
}
