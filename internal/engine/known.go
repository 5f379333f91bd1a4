package engine

import (
	"sync"

	"minibot/internal/plan"
)

// known are images as this process saw them last, so that none is asked for twice in a run.
type known struct {
	mu   sync.Mutex
	seen map[string]plan.Image // by reference
	used map[string]bool       // references that containers were made from since
}

func (k *known) see(ref string, image plan.Image) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seen == nil {
		k.seen, k.used = map[string]plan.Image{}, map[string]bool{}
	}
	k.seen[ref] = image
}

// use is what a reference was seen to name, for a container that is about to be made from it.
func (k *known) use(ref string) (plan.Image, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	image, there := k.seen[ref]
	if there {
		k.used[ref] = true
	}
	return image, there
}

// inUse is what it named when a container was made from it: what a look after that is to compare
// the container with.
func (k *known) inUse(ref string) (plan.Image, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.seen[ref], k.used[ref]
}

// forget is for a reference that may name another image from now on.
func (k *known) forget(ref string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.seen, ref)
	delete(k.used, ref)
}
