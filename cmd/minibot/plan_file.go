package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"minibot/internal/plan"
)

// savedPlan is what plan -o writes and apply reads: the plan, and digests of all that it was
// made from. It holds no secret.
type savedPlan struct {
	FormatVersion string `json:"format_version"`
	// Rendered is the SHA-256 of the rendered compose file, Seen that of the machine.
	Rendered string       `json:"rendered"`
	Seen     string       `json:"seen"`
	Options  plan.Options `json:"options"`
	Plan     plan.Plan    `json:"plan"`
}

// errNotPlan says that a file holds no plan.
var errNotPlan = errors.New("it is not a plan that this minibot wrote with plan -o")

func newSavedPlan(loaded *loaded, p plan.Plan, live plan.Live, options plan.Options) savedPlan {
	sum := sha256.Sum256(loaded.compose)
	return savedPlan{FormatVersion: planFormat, Rendered: hex.EncodeToString(sum[:]), Seen: live.Digest(), Options: options, Plan: p}
}

// write saves the plan for this user alone.
func (s savedPlan) write(file string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	return nil
}

func readSavedPlan(file string) (savedPlan, error) {
	var saved savedPlan
	text, err := os.ReadFile(file)
	if err != nil {
		return saved, fmt.Errorf("read the plan: %w", err)
	}
	if json.Unmarshal(text, &saved) != nil || saved.FormatVersion != planFormat || saved.Seen == "" {
		return saved, fmt.Errorf("read the plan %s: %w", file, errNotPlan)
	}
	return saved, nil
}

// stale reports whether spec, machine or plan are not those that were saved.
func (s savedPlan) stale(now savedPlan) bool {
	return s.Rendered != now.Rendered || s.Seen != now.Seen || s.Plan.Stack != now.Plan.Stack || !sameSteps(s.Plan.Steps, now.Plan.Steps)
}
