package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Call is one question and its answer.
type Call struct {
	Call   string          `json:"call"`
	Answer json.RawMessage `json:"answer,omitempty"`
	Error  *Failure        `json:"error,omitempty"`
}

// ErrMissing means that a replay was asked what nobody had asked when the evidence was collected.
var ErrMissing = errors.New("the evidence does not hold it")

// tape keeps calls in the order in which each was made, or gives them back in it.
type tape struct {
	mu    sync.Mutex
	calls map[string][]Call
	next  map[string]int
}

func newTape(calls []Call) *tape {
	t := &tape{calls: map[string][]Call{}, next: map[string]int{}}
	for _, call := range calls {
		t.calls[call.Call] = append(t.calls[call.Call], call)
	}
	return t
}

// all lists the calls by their names. One that was made several times with one answer is kept once.
func (t *tape) all() []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []Call
	for _, name := range slices.Sorted(maps.Keys(t.calls)) {
		all = append(all, slices.CompactFunc(slices.Clone(t.calls[name]), sameCall)...)
	}
	return all
}

func sameCall(a, b Call) bool {
	return string(a.Answer) == string(b.Answer) && (a.Error == nil) == (b.Error == nil) && (a.Error == nil || a.Error.Text == b.Error.Text)
}

// name is a call with its arguments. Of a struct it has the fields that are set, so that a later minibot, whose
// questions have more of them, still finds the answers of an earlier one.
func name(what string, args ...any) string {
	for _, arg := range args {
		text, err := json.Marshal(arg)
		if err != nil {
			panic(err) // texts, numbers and structs of them
		}
		var fields map[string]any
		if json.Unmarshal(text, &fields) == nil && fields != nil {
			maps.DeleteFunc(fields, func(_ string, value any) bool { return value == "" || value == false })
			text, _ = json.Marshal(fields)
		}
		what += " " + string(text)
	}
	return what
}

// record makes a call and keeps what came of it.
func record[T any](t *tape, call string, make func() (T, error)) (T, error) {
	answer, err := make()
	kept := Call{Call: call, Error: failure(err)}
	if err == nil {
		var failed error
		if kept.Answer, failed = json.Marshal(answer); failed != nil {
			return answer, fmt.Errorf("evidence: %w", failed)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls[call] = append(t.calls[call], kept)
	return answer, err
}

// replay gives back what came of a call; the last one is given again and again.
func replay[T any](t *tape, call string) (T, error) {
	var answer T
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.calls[call]
	if len(kept) == 0 {
		return answer, fmt.Errorf("%w: %s", ErrMissing, call)
	}
	i := min(t.next[call], len(kept)-1)
	t.next[call]++
	if kept[i].Error != nil {
		return answer, kept[i].Error.Err()
	}
	if err := json.Unmarshal(kept[i].Answer, &answer); err != nil {
		return answer, fmt.Errorf("evidence: %s: %w", call, err)
	}
	return answer, nil
}
