package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"minibot/apply"
	"minibot/internal/engine"
	"minibot/internal/plan"
)

// The exact lines that programs read. A field that changes its meaning needs a new version.
func TestProgressAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log, out bytes.Buffer
		a := &app{Globals: Globals{JSON: true}, stdout: &out, stderr: &log, width: 100}
		doer := acting{
			takes: map[string]time.Duration{"wait-healthy": 3 * time.Second, "stop-container": 1500 * time.Millisecond},
			says:  map[string][]string{"wait-healthy redis": {"starting", "starting", "healthy"}},
			fails: map[string]error{"wait-healthy web": &engine.UnhealthyError{
				Container: "box-web", Reason: "is unhealthy", Health: "<refused>", Log: "\x1b[2Jone\ntwo",
			}},
		}
		p := planOf(makesNetwork("net"), replaces("redis", "network/net"), creates("web", "service/redis"), creates("late", "service/web"))
		if err := a.viewSteps(p, nil); err != nil {
			t.Fatal(err)
		}
		planned, rest, _ := bytes.Cut(out.Bytes(), []byte("\n"))
		var first struct {
			lineHead
			Differs bool
			plan.Plan
		}
		if err := json.Unmarshal(planned, &first); err != nil || first.Type != "plan" || first.FormatVersion != "1" || len(first.Steps) != 4 || !first.Differs || len(rest) > 0 {
			t.Errorf("the plan's line: %v, %s", err, out.Bytes())
		}
		out.Reset()
		err := a.carryOut(t.Context(), p, doer)
		a.summarise(err) // once is enough
		same(t, `
{"format_version":"1","type":"begun","at":"2000-01-01T00:00:00.000Z","step":"network/net","object":"network","name":"net","kind":"create"}
{"format_version":"1","type":"acting","at":"2000-01-01T00:00:00.000Z","step":"network/net","object":"network","name":"net","kind":"create","verb":"create-network"}
{"format_version":"1","type":"done","at":"2000-01-01T00:00:00.000Z","step":"network/net","object":"network","name":"net","kind":"create","seconds":0}
{"format_version":"1","type":"begun","at":"2000-01-01T00:00:00.000Z","step":"service/redis","object":"service","name":"redis","kind":"replace"}
{"format_version":"1","type":"acting","at":"2000-01-01T00:00:00.000Z","step":"service/redis","object":"service","name":"redis","kind":"replace","verb":"rename-container"}
{"format_version":"1","type":"acting","at":"2000-01-01T00:00:00.000Z","step":"service/redis","object":"service","name":"redis","kind":"replace","verb":"create-container"}
{"format_version":"1","type":"acting","at":"2000-01-01T00:00:00.000Z","step":"service/redis","object":"service","name":"redis","kind":"replace","verb":"stop-container"}
{"format_version":"1","type":"acting","at":"2000-01-01T00:00:01.500Z","step":"service/redis","object":"service","name":"redis","kind":"replace","verb":"start-container"}
{"format_version":"1","type":"acting","at":"2000-01-01T00:00:01.500Z","step":"service/redis","object":"service","name":"redis","kind":"replace","verb":"wait-healthy"}
{"format_version":"1","type":"progress","at":"2000-01-01T00:00:01.500Z","step":"service/redis","object":"service","name":"redis","kind":"replace","verb":"wait-healthy","text":"starting"}
{"format_version":"1","type":"progress","at":"2000-01-01T00:00:03.500Z","step":"service/redis","object":"service","name":"redis","kind":"replace","verb":"wait-healthy","text":"healthy"}
{"format_version":"1","type":"acting","at":"2000-01-01T00:00:04.500Z","step":"service/redis","object":"service","name":"redis","kind":"replace","verb":"remove-container"}
{"format_version":"1","type":"done","at":"2000-01-01T00:00:04.500Z","step":"service/redis","object":"service","name":"redis","kind":"replace","seconds":4.5,"down_seconds":4.5}
{"format_version":"1","type":"begun","at":"2000-01-01T00:00:04.500Z","step":"service/web","object":"service","name":"web","kind":"create"}
{"format_version":"1","type":"acting","at":"2000-01-01T00:00:04.500Z","step":"service/web","object":"service","name":"web","kind":"create","verb":"create-container"}
{"format_version":"1","type":"acting","at":"2000-01-01T00:00:04.500Z","step":"service/web","object":"service","name":"web","kind":"create","verb":"start-container"}
{"format_version":"1","type":"acting","at":"2000-01-01T00:00:04.500Z","step":"service/web","object":"service","name":"web","kind":"create","verb":"wait-healthy"}
{"format_version":"1","type":"undoing","at":"2000-01-01T00:00:07.500Z","step":"service/web","object":"service","name":"web","kind":"create","verb":"start-container"}
{"format_version":"1","type":"undoing","at":"2000-01-01T00:00:07.500Z","step":"service/web","object":"service","name":"web","kind":"create","verb":"create-container"}
{"format_version":"1","type":"failed","at":"2000-01-01T00:00:07.500Z","step":"service/web","object":"service","name":"web","kind":"create","seconds":3,"error":"box-web is unhealthy","health":"<refused>","log":"\u001b[2Jone\ntwo"}
{"format_version":"1","type":"skipped","at":"2000-01-01T00:00:07.500Z","step":"service/late","object":"service","name":"late","kind":"create","text":"waits for service/web"}
{"format_version":"1","type":"summary","ok":false,"exit_code":5,"error":"create web: box-web is unhealthy","seconds":7.5,"services":{"late":{"kind":"create","result":"skipped","seconds":0},"redis":{"kind":"replace","result":"done","seconds":4.5,"down_seconds":4.5},"web":{"kind":"create","result":"failed","seconds":3}}}
`, out.String())
		if log.Len() > 0 {
			t.Errorf("standard error has lines too: %q", &log)
		}
	})
}

// A step that was not taken back says so, and an interrupt is one.
func TestProgressAsJSONNotTakenBack(t *testing.T) {
	var out bytes.Buffer
	lines := newEventLines(&app{stdout: &out}, func() time.Time { return time.Unix(0, 0) })
	failed := &apply.StepError{Step: creates("web"), Err: context.Canceled, Undo: errors.New("it would not stop")}
	lines.event(apply.Event{Kind: apply.Failed, Step: failed.Step, Err: failed, Elapsed: time.Second}, 0)
	same(t, `
{"format_version":"1","type":"failed","at":"1970-01-01T00:00:00.000Z","step":"service/web","object":"service","name":"web","kind":"create","seconds":1,"error":"context canceled","undo_error":"it would not stop"}
`, out.String())

	a := &app{Globals: Globals{JSON: true}, stdout: &out, stderr: &bytes.Buffer{}}
	out.Reset()
	a.summarise(nil) // no command that carries out steps
	if out.Len() > 0 {
		t.Errorf("%s", &out)
	}
	a.console()
	a.summarise(failed)
	var last summaryLine
	if err := json.Unmarshal(out.Bytes(), &last); err != nil || last.OK || last.ExitCode != exitInterrupted || last.Services == nil {
		t.Errorf("%v: %s", err, &out)
	}
}

// Of a pull that says something many times a second, one line a second is written.
func TestProgressAsJSONSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		lines := newEventLines(&app{stdout: &out}, time.Now)
		for i := range 95 {
			step := pulls("redis:7")
			lines.event(apply.Event{Kind: apply.Progress, Step: step, Action: step.Actions[0], Text: string(rune('a' + i))}, 0)
			time.Sleep(100 * time.Millisecond)
		}
		if got := bytes.Count(out.Bytes(), []byte("\n")); got != 10 {
			t.Errorf("%d lines in 9.5 seconds:\n%s", got, &out)
		}
	})
}
