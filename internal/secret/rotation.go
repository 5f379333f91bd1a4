package secret

import (
	"context"
	"encoding/json"
	"errors"
)

// rotationPrefix begins the accounts in which begun rotations are kept.
const rotationPrefix = "_rotation_"

// A Rotation is a change of one secret that has begun: until it ends, a service may answer
// to either value. It is kept in the store beside the secret, so that whatever stops
// minibot in between, the password that is in force is never lost.
type Rotation struct{ Old, New Value }

// rotationJSON is how a Rotation is kept. The values are base64, so they may be any bytes.
type rotationJSON struct {
	Old []byte `json:"old"`
	New []byte `json:"new"`
}

// BeginRotation keeps both values. Errors: as Store.Set; together they take more room than
// one, which a store of small values may refuse.
func BeginRotation(ctx context.Context, store Store, name string, r Rotation) error {
	text, err := json.Marshal(rotationJSON{r.Old.peek(), r.New.peek()})
	if err != nil {
		return &Error{Name: name, Detail: "the two values cannot be encoded"}
	}
	defer clear(text)
	return store.Set(ctx, rotationPrefix+name, NewValue(text))
}

// FindRotation returns the rotation of a secret that was begun and not ended. Errors: as
// Store.Get; [ErrNotFound] if there is none.
func FindRotation(ctx context.Context, store Store, name string) (Rotation, error) {
	kept, err := store.Get(ctx, rotationPrefix+name)
	if err != nil {
		return Rotation{}, err
	}
	var r rotationJSON
	if err := json.Unmarshal(kept.peek(), &r); err != nil || len(r.Old) == 0 || len(r.New) == 0 {
		return Rotation{}, &Error{Name: rotationPrefix + name, Detail: "is not what minibot keeps there"} // err can quote a value
	}
	return Rotation{NewValue(r.Old), NewValue(r.New)}, nil
}

// Rotations returns those of the names whose rotation was begun and not ended. Errors: as
// Store.Get.
func Rotations(ctx context.Context, store Store, names []string) ([]string, error) {
	var begun []string
	for _, name := range names {
		switch _, err := FindRotation(ctx, store, name); {
		case err == nil:
			begun = append(begun, name)
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
	}
	return begun, nil
}

// EndRotation forgets the older value. One that is not there is ended already.
func EndRotation(ctx context.Context, store Store, name string) error {
	err := store.Delete(ctx, rotationPrefix+name)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// NotRotating returns an error if the rotation of one of the names was begun and not ended:
// to change or remove such a secret could lose the value that is in force.
func NotRotating(ctx context.Context, store Store, names ...string) error {
	begun, err := Rotations(ctx, store, names)
	if err != nil || len(begun) == 0 {
		return err
	}
	kind, _ := core(store)
	return &Error{Store: kind, Name: begun[0], Detail: "its rotation was interrupted", Remedy: "run `minibot secret rotate " + begun[0] + "` to its end first"}
}
