package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"

	"minibot/internal/plan"
	"minibot/internal/testbed"
)

// follow keeps all that the engine reports, as it keeps only the last few events itself,
// until one has the text last in it. What it returns waits for that.
func follow(t *testing.T, e *exhibits, engine *testbed.Engine, last string) (wait func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	messages, failed := engine.Client.Events(ctx, events.ListOptions{})
	ended := make(chan error, 1)
	go func() {
		for {
			select {
			case err := <-failed:
				ended <- err
				return
			case message := <-messages:
				text, err := json.Marshal(message)
				action, _, _ := strings.Cut(string(message.Action), ":")
				e.add(fmt.Sprintf("event: %s %s", message.Type, action), text)
				if err != nil || strings.Contains(string(text), last) {
					ended <- err
					return
				}
			}
		}
	}()
	return func() {
		t.Helper()
		defer cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("events: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("the last event never came")
		}
	}
}

// plant runs a container with a label that minibot would never give one.
func (l *lab) plant(label string) (id string) {
	l.Helper()
	made, err := l.engine.Client.ContainerCreate(l.Context(), &container.Config{
		Image: l.refs.Redis, User: "999:999", Cmd: []string{"redis-server", "--save", ""},
		Labels: map[string]string{"planted": label, plan.LabelProject: l.stack},
	}, &container.HostConfig{NetworkMode: "none", Tmpfs: map[string]string{"/data": ""}}, nil, nil, l.stack+"-planted")
	if err == nil {
		err = l.engine.Client.ContainerStart(l.Context(), made.ID, container.StartOptions{})
	}
	l.must(err)
	return made.ID
}

// execute runs a program in a container.
func (l *lab) execute(id string, argv ...string) {
	l.Helper()
	made, err := l.engine.Client.ContainerExecCreate(l.Context(), id, container.ExecOptions{Cmd: argv})
	if err == nil {
		err = l.engine.Client.ContainerExecStart(l.Context(), made.ID, container.ExecStartOptions{})
	}
	l.must(err)
}
