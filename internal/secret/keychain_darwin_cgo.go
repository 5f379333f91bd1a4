//go:build darwin && cgo

package secret

import (
	"context"
	"errors"
	"time"

	"github.com/keybase/go-keychain"
)

// This road calls the Security framework through keybase/go-keychain v0.0.1. That package is cgo only: without cgo it
// compiles to nothing and its callers break, hence the build tag. This file cannot be compiled on Linux;
// darwin_test.go checks its types there.

const haveKeychain = true

func openKeychain(stack string, _ Options) (Store, error) {
	return &frameworkStore{stack, callWait()}, nil
}

func whereKeychain(stack string, _ Options) (string, error) {
	return "login keychain, service " + keychainService(stack) + ", by the Security framework", nil
}

// frameworkStore searches by class, service and account and by nothing else: a label in the search would lose an item
// that a person renames in Keychain Access.
type frameworkStore struct {
	stack string
	wait  time.Duration
}

// all begins a search for every item of the stack. NewItem, since the zero Item panics on its first setter.
func (s *frameworkStore) all() keychain.Item {
	item := keychain.NewItem()
	item.SetSecClass(keychain.SecClassGenericPassword)
	item.SetService(keychainService(s.stack))
	return item
}

// one begins a search for one item; the name was checked by guarded and is not empty.
func (s *frameworkStore) one(name string) keychain.Item {
	item := s.all()
	item.SetAccount(name)
	return item
}

func (s *frameworkStore) Get(ctx context.Context, name string) (Value, error) {
	return ask(ctx, s.wait, name, func() (Value, error) {
		query := s.one(name)
		query.SetMatchLimit(keychain.MatchLimitOne)
		query.SetReturnData(true)
		results, err := keychain.QueryItem(query)
		if err != nil {
			return Value{}, frameworkError(name, err)
		}
		if len(results) == 0 { // how go-keychain says errSecItemNotFound
			return Value{}, notFound("keychain", name)
		}
		return NewValue(results[0].Data), nil
	})
}

// Set adds, and updates what is there already. It never deletes first: a crash in between would lose a database's
// password.
func (s *frameworkStore) Set(ctx context.Context, name string, value Value) error {
	_, err := ask(ctx, s.wait, name, func() (struct{}, error) {
		item := s.one(name)
		item.SetLabel(keychainLabel(s.stack, name))
		item.SetDescription(keychainDescription)
		item.SetSynchronizable(keychain.SynchronizableNo)
		item.SetData(value.peek())
		err := keychain.AddItem(item)
		if errors.Is(err, keychain.ErrorDuplicateItem) {
			update := keychain.NewItem() // without the class, which SecItemUpdate doesn't take here
			update.SetLabel(keychainLabel(s.stack, name))
			update.SetDescription(keychainDescription)
			update.SetData(value.peek())
			err = keychain.UpdateItem(s.one(name), update)
		}
		return struct{}{}, frameworkError(name, err)
	})
	return err
}

func (s *frameworkStore) Delete(ctx context.Context, name string) error {
	_, err := ask(ctx, s.wait, name, func() (struct{}, error) {
		return struct{}{}, frameworkError(name, keychain.DeleteItem(s.one(name)))
	})
	return err
}

func (s *frameworkStore) List(ctx context.Context) ([]Item, error) {
	return ask(ctx, s.wait, "", func() ([]Item, error) {
		query := s.all()
		query.SetMatchLimit(keychain.MatchLimitAll)
		query.SetReturnAttributes(true)
		results, err := keychain.QueryItem(query)
		if err != nil {
			return nil, frameworkError("", err)
		}
		items := make([]Item, 0, len(results))
		for _, r := range results {
			items = append(items, Item{r.Account, r.ModificationDate.UTC().Truncate(time.Second)})
		}
		return items, nil
	})
}

// frameworkError maps a status. Other errors of go-keychain are about types of CoreFoundation, and are not passed on
// as they might print what they could not convert.
func frameworkError(name string, err error) error {
	if err == nil {
		return nil
	}
	var status keychain.Error
	if errors.As(err, &status) {
		return keychainError(name, int(status))
	}
	return &Error{Store: "keychain", Name: name, Detail: "the answer of the Security framework could not be read"}
}
