package secret

import (
	"context"
	"strings"

	"github.com/keybase/dbus"
	"github.com/keybase/go-keychain/secretservice"
)

// search returns the matching items of an open keyring. Matches in the default collection hide those elsewhere, which
// are there if a person made another keyring the default.
func (k *keyring) search(ctx context.Context, attributes secretservice.Attributes) ([]dbus.ObjectPath, error) {
	collection, err := k.defaultCollection(ctx)
	if err != nil {
		return nil, err
	}
	if err := k.unlockCollection(ctx, collection); err != nil {
		return nil, err
	}
	unlocked, locked, err := k.matches(ctx, attributes)
	if err != nil {
		return nil, err
	}
	if len(locked) > 0 { // in another collection, or KeePassXC that wants to confirm
		if err := k.unlock(ctx, locked, ErrDenied); err != nil {
			return nil, err
		}
		if unlocked, locked, err = k.matches(ctx, attributes); err != nil {
			return nil, err
		}
		if len(locked) > 0 {
			return nil, keyringLocked()
		}
	}
	var ours []dbus.ObjectPath
	for _, item := range unlocked {
		if strings.HasPrefix(string(item), string(collection)+"/") {
			ours = append(ours, item)
		}
	}
	if len(ours) > 0 {
		return ours, nil
	}
	return unlocked, nil
}

func (k *keyring) matches(ctx context.Context, attributes secretservice.Attributes) (unlocked, locked []dbus.ObjectPath, err error) {
	err = k.service.ServiceObj().CallWithContext(ctx, "org.freedesktop.Secret.Service.SearchItems", 0, attributes).Store(&unlocked, &locked)
	return unlocked, locked, err
}

func (k *keyring) defaultCollection(ctx context.Context) (dbus.ObjectPath, error) {
	return defaultCollection(ctx, k.service.ServiceObj(), 0)
}

// defaultCollection returns the path of the default keyring.
func defaultCollection(ctx context.Context, service dbus.BusObject, flags dbus.Flags) (dbus.ObjectPath, error) {
	var path dbus.ObjectPath
	if err := service.CallWithContext(ctx, "org.freedesktop.Secret.Service.ReadAlias", flags, "default").Store(&path); err != nil {
		return "", err
	}
	if path == "/" {
		return "", &Error{Store: "secret-service", Kind: ErrUnavailable, Detail: "there is no default keyring yet",
			Remedy: "make one in Passwords and Keys (seahorse), or choose the file store"}
	}
	return path, nil
}

func isLocked(ctx context.Context, collection dbus.BusObject, flags dbus.Flags) (bool, error) {
	var locked bool
	err := collection.CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", flags,
		"org.freedesktop.Secret.Collection", "Locked").Store(&locked)
	return locked, err
}

// unlockCollection makes sure that the keyring is open.
func (k *keyring) unlockCollection(ctx context.Context, collection dbus.ObjectPath) error {
	locked, err := isLocked(ctx, k.service.Obj(collection), 0)
	if err != nil || !locked {
		return err
	}
	if err := k.unlock(ctx, []dbus.ObjectPath{collection}, ErrLocked); err != nil {
		return err
	}
	// Prompts carry no proof of whose answer it was: look.
	if locked, err = isLocked(ctx, k.service.Obj(collection), 0); err != nil || !locked {
		return err
	}
	return keyringLocked()
}

// unlock asks the service to open things. It does that at once if it needs nobody for it, else by a dialog.
func (k *keyring) unlock(ctx context.Context, what []dbus.ObjectPath, dismissed error) error {
	var done []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err := k.service.ServiceObj().CallWithContext(ctx, "org.freedesktop.Secret.Service.Unlock", 0, what).Store(&done, &prompt)
	if err != nil {
		return err
	}
	return k.ask(ctx, prompt, dismissed)
}

// ask shows the dialog that the service wants to show, if there is one to show and a person to see it. A dialog that
// is dismissed, or that no display could show, is the error dismissed.
func (k *keyring) ask(ctx context.Context, prompt dbus.ObjectPath, dismissed error) error {
	if prompt == secretservice.NullPrompt {
		return nil
	}
	dismiss := func() { k.service.Obj(prompt).Call(promptIface+".Dismiss", dbus.FlagNoReplyExpected) }
	if !k.attended {
		dismiss()
		return keyringLocked()
	}
	// go-keychain's own subscription is not a valid rule (the bus: `Unknown key "org.freedesktop.Secret.Prompt"`), so it
	// hears only services that send the answer to it alone. For this prompt only, since it takes the answer to any.
	rule := dbus.WithMatchObjectPath(prompt)
	if err := k.service.ServiceObj().AddMatchSignal(promptIface, "Completed", rule).Err; err != nil {
		return err
	}
	defer k.service.ServiceObj().RemoveMatchSignal(promptIface, "Completed", rule)

	stop := context.AfterFunc(ctx, dismiss) // when nobody waits any more, take the dialog off the screen
	defer stop()
	_, err := k.service.PromptAndWait(prompt)
	if err == nil {
		return nil
	}
	return promptError(err, dismissed)
}
