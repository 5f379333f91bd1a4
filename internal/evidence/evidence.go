// Package evidence keeps what verify looks at, and gives it back on another machine: the outputs of commands, the files
// that were read, network interfaces, the engine's answers and those of the doors that were knocked at. From it the
// same report is made without engine, machine or store.
//
// It records at the narrowest places, so that the code which makes sense of what it sees runs again on a replay. It
// judges nothing. What it gives away is reduced to what matters, and marked where a secret stood: see Bundle.
package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"minibot/internal/plan"
)

// FormatVersion is the version of a Bundle's form. It grows with each change that an older minibot would misread.
const FormatVersion = 1

// Bundle is all that one report was made from. It is written as JSON, to be read and changed by people too.
//
// Every value of a secret of the stack is replaced by a mark that names it. Of other projects' containers no value of an
// environment and no argument is kept; of programs' outputs and of files, what minibot reads of them. Names of networks,
// containers and images, addresses, and paths that the report shows stay.
type Bundle struct {
	FormatVersion int       `json:"format_version"`
	Minibot       string    `json:"minibot"` // its version
	Made          time.Time `json:"made"`
	Spec          Spec      `json:"spec"`
	Offline       bool      `json:"offline,omitempty"`
	Engine        Engine    `json:"engine"`
	Store         Store     `json:"store"`
	Machine       Machine   `json:"machine"`
	// Calls are the answers of doors, and of containers that were looked into.
	Calls []Call `json:"calls"`
}

// Spec is the spec that the machine was held against.
type Spec struct {
	File      string            `json:"file"`
	Source    string            `json:"source"`
	Variables map[string]string `json:"variables,omitempty"`
}

// Engine is where the engine was asked, and what it said.
type Engine struct {
	Host   string `json:"host"`
	Source string `json:"source"`
	Local  bool   `json:"local"`
	// Unseen is why it was not observed; nil if it was.
	Unseen  *Failure `json:"unseen,omitempty"`
	Answers []Answer `json:"answers,omitempty"`
}

// Store is what the secret store said.
type Store struct {
	plan.Store
	// Changed are the secrets that a container has an older value of, by its ID.
	Changed map[string][]string `json:"changed,omitempty"`
	// Marks stand in the place of values; Failures say why there is none.
	Marks    map[string]string   `json:"marks,omitempty"`
	Failures map[string]*Failure `json:"failures,omitempty"`
}

// Encode writes the bundle, the same bytes for the same content.
func (b Bundle) Encode() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(b); err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return out.Bytes(), nil
}

// Decode reads a bundle.
func Decode(data []byte) (Bundle, error) {
	var b Bundle
	if err := json.Unmarshal(data, &b); err != nil {
		return Bundle{}, fmt.Errorf("evidence: %w", err)
	}
	switch {
	case b.FormatVersion == 0:
		return Bundle{}, errors.New("evidence: this is no file of minibot verify --collect")
	case b.FormatVersion > FormatVersion:
		return Bundle{}, fmt.Errorf("evidence: it has format %d, of a newer minibot (%s); this one reads %d", b.FormatVersion, b.Minibot, FormatVersion)
	}
	return b, nil
}
