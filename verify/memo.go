package verify

import "sync"

// memo remembers what was made for a key, so that checks that share a question ask it once. It is safe for concurrent
// use: who comes second waits.
type memo[K comparable, V any] struct {
	mu   sync.Mutex
	made map[K]func() V
}

func (m *memo[K, V]) get(key K, make func() V) V {
	m.mu.Lock()
	if m.made == nil {
		m.made = map[K]func() V{}
	}
	once, there := m.made[key]
	if !there {
		once = sync.OnceValue(make)
		m.made[key] = once
	}
	m.mu.Unlock()
	return once()
}
