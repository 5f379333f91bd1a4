package apply

import (
	"time"

	"minibot/internal/plan"
)

// EventKind says what an Event reports.
type EventKind string

// The kinds of events. Each step ends with one of Done, Failed and Skipped.
const (
	Begun    EventKind = "begun"
	Acting   EventKind = "acting"
	Progress EventKind = "progress"
	Undoing  EventKind = "undoing"
	Done     EventKind = "done"
	Failed   EventKind = "failed"
	Skipped  EventKind = "skipped"
)

// Event is something that happened to a step.
type Event struct {
	Kind   EventKind
	Step   plan.Step
	Action plan.Action // of Acting, Progress and Undoing
	// Text is a short note for people.
	Text string
	// Err is why a step Failed: a *StepError.
	Err error
	// Elapsed is how long a step took that is Done or Failed.
	Elapsed time.Duration
}
