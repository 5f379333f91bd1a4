package secret

import (
	"context"
	"errors"
	"sync"
)

// Once returns a store that asks another one for each value once, and remembers the answer:
// a run looks at a secret several times, and a program or a person behind a store would be
// bothered each time. What it stores or deletes it asks for anew. Errors other than
// ErrNotFound are not: the next call asks again.
func Once(store Store) Store { return &onceStore{Store: store, got: map[string]answer{}} }

type onceStore struct {
	Store
	mu  sync.Mutex
	got map[string]answer
}

type answer struct {
	value Value
	err   error
}

func (s *onceStore) Get(ctx context.Context, name string) (Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.got[name]; ok && ctx.Err() == nil {
		return known.value, known.err
	}
	value, err := s.Store.Get(ctx, name)
	if err == nil || errors.Is(err, ErrNotFound) {
		s.got[name] = answer{value, err}
	}
	return value, err
}

func (s *onceStore) Set(ctx context.Context, name string, value Value) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.got, name) // after a deadline it is unknown what the store holds
	return s.Store.Set(ctx, name, value)
}

func (s *onceStore) Delete(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.got, name)
	return s.Store.Delete(ctx, name)
}
