package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Digest is the SHA-256 of what decides a plan and can change: a plan that was made from
// another digest may do something else than it says. Health, start times and environments
// are left out: the first two change by themselves, and an environment cannot change while
// the container's ID stays, but could be guessed at by its digest.
func (l Live) Digest() string {
	type container struct {
		ID, Name, Image, Status string
		Fields                  Fields
		Published               []Port
		Changed                 []string
	}
	var containers []container
	for _, c := range byName(l.Containers) {
		fields := FieldsOf(c.Actual)
		maps.DeleteFunc(fields, func(path string, _ []string) bool { return isPrivate(path) })
		containers = append(containers, container{c.ID, c.Name, c.ImageID, c.State.Status, fields, c.Published, c.Changed})
	}
	images := map[string]string{}
	for ref, image := range l.Images {
		images[ref] = image.ID
	}
	text, err := json.Marshal([]any{containers, l.Networks, l.Volumes, images, slices.Sorted(slices.Values(l.Store.Rotating))})
	if err != nil {
		panic(fmt.Sprintf("live state as JSON: %v", err)) // plain data
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
