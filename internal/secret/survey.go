package secret

import (
	"context"
	"errors"
)

// A Finding says of one kind of store whether it can be used here, and where it keeps its values.
type Finding struct {
	Kind      string `json:"kind"`
	Doc       string `json:"doc"`
	Auto      bool   `json:"auto"`              // "auto" is this one, on this platform
	Available bool   `json:"available"`         // it is there; what it holds may still be locked: see Problem
	Where     string `json:"where,omitempty"`   // as in Describe, without the kind
	Problem   string `json:"problem,omitempty"` // why it cannot be used, or not now; empty if nothing is known against it
	Remedy    string `json:"remedy,omitempty"`  // what a person can do about the problem
}

// Survey looks at every kind of store, in the order of Kinds without "auto". It reads no secret but those in the file,
// which needs nobody for that; it opens no dialog, starts no program and no service, creates nothing, and takes
// nothing out of the environment. A keychain is not asked, as macOS may then ask a person. At most one Options.
//
// The error is one of the stack's name, or the context's.
func Survey(ctx context.Context, stack string, options ...Options) ([]Finding, error) {
	auto, err := find("auto", stack)
	if err != nil {
		return nil, err
	}
	var findings []Finding
	for _, k := range Kinds() {
		if k.open == nil {
			continue
		}
		f := Finding{Kind: k.Name, Doc: k.Doc, Auto: k.Name == auto.Name, Available: true}
		f.Where, err = k.where(stack, first(options))
		if err == nil && k.look != nil {
			err = k.look(ctx, stack, first(options))
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			f.Available = !errors.Is(err, ErrUnavailable)
			f.Problem, f.Remedy = factOf(err), remedyOf(err)
		}
		findings = append(findings, f)
	}
	return findings, nil
}

// factOf is the error's text without the store, the secret and the remedy.
func factOf(err error) string {
	if e := new(Error); errors.As(err, &e) {
		return e.fact()
	}
	return err.Error()
}
