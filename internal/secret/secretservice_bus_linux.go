package secret

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/keybase/dbus"
	"github.com/keybase/go-keychain/secretservice"
)

const (
	// busWait is how long the session bus itself may take: nobody has to be asked for that.
	busWait = 10 * time.Second

	busVariable = "DBUS_SESSION_BUS_ADDRESS"
	serviceName = secretservice.SecretServiceInterface
	promptIface = "org.freedesktop.Secret.Prompt"
)

// busAddress returns where the session bus is, or that there is none. It comes before any use of go-keychain, which
// looks in /run/user/UID alone and then runs dbus-launch: a new bus and a new, empty keyring on every run, both left
// behind (measured).
func busAddress() (string, error) {
	if address := os.Getenv(busVariable); address != "" && !strings.HasPrefix(address, "autolaunch:") {
		return address, nil
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		socket := filepath.Join(dir, "bus")
		if info, err := os.Stat(socket); err == nil && info.Mode().Type() == fs.ModeSocket {
			return "unix:path=" + dbus.EscapeBusAddressValue(socket), nil
		}
	}
	return "", &Error{Store: "secret-service", Kind: ErrUnavailable, Detail: "there is no session bus",
		Remedy: "run in a desktop session (SSH and cron have none), or choose the file store"}
}

// keyring is a connection to the service. Nothing can close it, so a store makes one and keeps it.
type keyring struct {
	attended bool

	ready   chan struct{} // closed when service or err is there
	service *secretservice.SecretService
	err     error

	turn    chan struct{}          // holds a token while a call works: two prompts would take each other's answer
	session *secretservice.Session // of the one that has the turn
}

// connect returns the connection when it is made. A bus that never answers keeps one goroutine for ever (measured:
// NewService hung for ten minutes, until killed), however many calls come to wait for it.
func (s *serviceStore) connect(ctx context.Context) (*keyring, error) {
	address, err := busAddress()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	k := s.current
	if k == nil {
		k = &keyring{attended: s.attended, ready: make(chan struct{}), turn: make(chan struct{}, 1)}
		s.current = k
		go k.dial(address)
	}
	s.mu.Unlock()

	limit := min(s.wait, busWait)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNoAnswer)
	defer cancel()
	select {
	case <-k.ready:
		if k.err != nil {
			s.forget(k)
		}
		return k, k.err
	case <-ctx.Done():
		return nil, busLate(ctx, address, limit)
	}
}

// dial sets the variable, the one way to tell go-keychain the address. It would do the same.
func (k *keyring) dial(address string) {
	defer close(k.ready)
	if k.err = os.Setenv(busVariable, address); k.err != nil {
		return
	}
	if k.service, k.err = secretservice.NewService(); k.err != nil {
		k.err = dialError(address, k.err)
		return
	}
}

// forget makes the next call connect anew.
func (s *serviceStore) forget(k *keyring) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == k {
		s.current = nil
	}
}

// inTurn connects and lets the work be done, one call at a time, within the store's limit and the context.
func inTurn[T any](ctx context.Context, s *serviceStore, name string, work func(context.Context, *keyring) (T, error)) (T, error) {
	var none T
	ctx, cancel := context.WithTimeoutCause(ctx, s.wait, errNoAnswer)
	defer cancel()
	k, err := s.connect(ctx)
	if err != nil {
		return none, named(err, name)
	}
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return none, serviceLate(ctx, name, s.wait)
	}
	result, err := await(ctx, func() (T, error) {
		defer func() { <-k.turn }()
		return work(ctx, k)
	})
	switch {
	case err == nil:
		return result, nil
	case ctx.Err() != nil:
		return none, serviceLate(ctx, name, s.wait)
	}
	if lost(err) {
		s.forget(k)
	}
	return none, serviceError(name, err)
}

// lookSecretService sees whether there is a service and whether its keyring is open. It starts no service, opens no
// dialog and leaves no connection.
func lookSecretService(ctx context.Context, _ string, _ Options) error {
	address, err := busAddress()
	if err != nil {
		return err
	}
	limit := min(callWait(), busWait)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNoAnswer)
	defer cancel()
	_, err = await(ctx, func() (none struct{}, err error) {
		conn, err := dbus.Connect(address, dbus.WithContext(ctx)) // the end of ctx closes it, also in the middle of this
		if err != nil {
			return none, dialError(address, err)
		}
		defer func() { _ = conn.Close() }()
		return none, lookAt(ctx, conn)
	})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return busLate(ctx, address, limit)
	}
	return serviceError("", err)
}

func lookAt(ctx context.Context, conn *dbus.Conn) error {
	var runs bool
	if err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, serviceName).Store(&runs); err != nil {
		return err
	}
	if !runs {
		var startable []string
		if err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.ListActivatableNames", 0).Store(&startable); err != nil {
			return err
		}
		if slices.Contains(startable, serviceName) {
			return &Error{Store: "secret-service", Detail: "no keyring is running; the first use starts it"}
		}
		return noProvider()
	}
	collection, err := defaultCollection(ctx, conn.Object(serviceName, secretservice.SecretServiceObjectPath), dbus.FlagNoAutoStart)
	if err != nil {
		return err
	}
	locked, err := isLocked(ctx, conn.Object(serviceName, collection), dbus.FlagNoAutoStart)
	if err == nil && locked {
		return keyringLocked()
	}
	return err
}
