package secret

import (
	"context"
	"errors"
	"sync"
)

// Once returns a store that asks another one for each value once, and remembers the answer:
// a run looks at a secret several times, and a program or a person behind a store would be
// bothered each time. What it stores or deletes it asks for anew. Other errors are not
// remembered, but for one: a store that gave no answer in time is not waited for again.
func Once(store Store) Store { return &onceStore{Store: store, got: map[string]answer{}} }

type onceStore struct {
	Store
	mu  sync.Mutex
	got map[string]answer
	// silent is why the store is not asked any more.
	silent error
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
	if s.silent != nil {
		return Value{}, s.silent
	}
	value, err := s.Store.Get(ctx, name)
	switch {
	case err == nil, errors.Is(err, ErrNotFound):
		s.got[name] = answer{value, err}
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		s.silent = err
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
