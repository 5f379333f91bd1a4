package secret

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/keybase/dbus"
	"github.com/keybase/go-keychain/secretservice"
)

const haveSecretService = true

// serviceStore keeps items in the default keyring of the desktop (GNOME Keyring, KeePassXC, KWallet) through the
// Secret Service API on the session bus. The values travel encrypted.
//
// Two keyrings look alike that must not: one without the secret, and a locked one. GNOME Keyring, when it was never
// unlocked, answers a search within the collection with an empty list and no error (measured). So the search goes to
// the service, which names locked matches apart, and the collection's own Locked is read before anything counts as
// not found.
type serviceStore struct {
	stack    string
	wait     time.Duration // for one call
	attended bool          // whether a dialog may be shown

	mu      sync.Mutex
	current *keyring
}

func openSecretService(stack string, _ Options) (Store, error) {
	return &serviceStore{stack: stack, wait: callWait(), attended: attended()}, nil
}

func whereSecretService(stack string, _ Options) (string, error) {
	return "default keyring of the desktop, items with application=minibot stack=" + stack, nil
}

// attributes are what an item is found by.
func (s *serviceStore) attributes(name string) secretservice.Attributes {
	return secretservice.Attributes{"application": "minibot", "stack": s.stack, "name": name}
}

func (s *serviceStore) Get(ctx context.Context, name string) (Value, error) {
	return inTurn(ctx, s, name, func(ctx context.Context, k *keyring) (Value, error) {
		items, err := k.search(ctx, s.attributes(name))
		if err != nil {
			return Value{}, err
		}
		switch len(items) {
		case 0:
			return Value{}, notFound("secret-service", name)
		case 1:
		default:
			return Value{}, &Error{Store: "secret-service", Detail: fmt.Sprintf("the keyring has %d items of that name", len(items)),
				Remedy: "delete the wrong ones in Passwords and Keys"}
		}
		session, err := k.openSession(ctx)
		if err != nil {
			return Value{}, err
		}
		plain, err := k.service.GetSecret(items[0], *session)
		if err != nil {
			return Value{}, err
		}
		if plain == nil { // how go-keychain says that it could not decrypt
			return Value{}, &Error{Store: "secret-service", Detail: "the keyring's answer could not be decrypted"}
		}
		defer clear(plain)
		return NewValue(plain), nil
	})
}

// Set has the keyring replace an item with the same attributes, in one call.
func (s *serviceStore) Set(ctx context.Context, name string, value Value) error {
	_, err := inTurn(ctx, s, name, func(ctx context.Context, k *keyring) (none struct{}, err error) {
		collection, err := k.defaultCollection(ctx)
		if err != nil {
			return none, err
		}
		if err := k.unlockCollection(ctx, collection); err != nil {
			return none, err
		}
		session, err := k.openSession(ctx)
		if err != nil {
			return none, err
		}
		plain := value.Reveal() // a copy: go-keychain appends its padding to the slice it is given
		defer clear(plain)
		sealed, err := session.NewSecret(plain)
		if err != nil {
			return none, err
		}
		properties := secretservice.NewSecretProperties("minibot "+s.stack+" "+name, s.attributes(name))
		var item, prompt dbus.ObjectPath
		err = k.service.Obj(collection).CallWithContext(ctx, "org.freedesktop.Secret.Collection.CreateItem", 0,
			properties, sealed, true).Store(&item, &prompt)
		if err != nil {
			return none, err
		}
		return none, k.ask(ctx, prompt, ErrDenied)
	})
	return err
}

func (s *serviceStore) Delete(ctx context.Context, name string) error {
	_, err := inTurn(ctx, s, name, func(ctx context.Context, k *keyring) (none struct{}, err error) {
		items, err := k.search(ctx, s.attributes(name))
		if err != nil {
			return none, err
		}
		if len(items) == 0 {
			return none, notFound("secret-service", name)
		}
		for _, item := range items {
			var prompt dbus.ObjectPath
			if err := k.service.Obj(item).CallWithContext(ctx, "org.freedesktop.Secret.Item.Delete", 0).Store(&prompt); err != nil {
				return none, err
			}
			if err := k.ask(ctx, prompt, ErrDenied); err != nil {
				return none, err
			}
		}
		return none, nil
	})
	return err
}

func (s *serviceStore) List(ctx context.Context) ([]Item, error) {
	return inTurn(ctx, s, "", func(ctx context.Context, k *keyring) ([]Item, error) {
		attributes := s.attributes("")
		delete(attributes, "name") // all of the stack
		paths, err := k.search(ctx, attributes)
		if err != nil {
			return nil, err
		}
		items := make([]Item, 0, len(paths))
		for _, path := range paths {
			var properties map[string]dbus.Variant
			err := k.service.Obj(path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.GetAll", 0,
				"org.freedesktop.Secret.Item").Store(&properties)
			if err != nil {
				return nil, err
			}
			attributes, _ := properties["Attributes"].Value().(map[string]string)
			item := Item{Name: attributes["name"]}
			if seconds, ok := properties["Modified"].Value().(uint64); ok && seconds > 0 {
				item.Changed = time.Unix(int64(seconds), 0).UTC()
			}
			items = append(items, item)
		}
		return items, nil
	})
}
