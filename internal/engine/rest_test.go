package engine

import (
	"testing"
	"time"

	"github.com/docker/docker/api/types/events"
)

// When an engine began to stop a container, by its events.
func TestStopping(t *testing.T) {
	event := func(id string, action events.Action, second int64) events.Message {
		return events.Message{Type: events.ContainerEventType, Action: action, Actor: events.Actor{ID: id}, TimeNano: second * int64(time.Second)}
	}
	kill, die, start := event("a", events.ActionKill, 5), event("a", events.ActionDie, 6), event("a", events.ActionStart, 7)
	var crowd []events.Message
	for range many {
		crowd = append(crowd, event("b", events.ActionExecStart, 3))
	}
	for _, c := range []struct {
		name   string
		told   []events.Message
		second int64 // 0 if it did not
		sure   bool
	}{
		{"quiet", nil, 0, false},
		{"another one", []events.Message{event("b", events.ActionKill, 5)}, 0, false},
		{"another kind", []events.Message{{Type: events.NetworkEventType, Action: events.ActionKill, Actor: events.Actor{ID: "a"}}}, 0, false},
		{"stopping", []events.Message{start, kill}, 5, true},
		{"twice", []events.Message{kill, event("a", events.ActionKill, 8)}, 8, true},
		{"stopped", []events.Message{kill, die}, 0, false},
		{"started since", []events.Message{kill, die, start}, 0, false},
		{"forgotten", crowd, 3, false},
		{"forgotten before", append(crowd[1:many:many], kill), 5, true},
		{"started after what is forgotten", append(crowd[1:many:many], start), 0, false},
	} {
		begun, sure := rested{id: "a"}.stopping(c.told)
		if c.second == 0 && !begun.IsZero() || c.second != 0 && begun.Unix() != c.second || sure != c.sure {
			t.Errorf("%s: %v, %t", c.name, begun, sure)
		}
	}
}
