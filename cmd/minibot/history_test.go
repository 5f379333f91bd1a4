package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"minibot/internal/journal"
)

func TestHistoryText(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2027, 1, 31, 12, minute, 0, 0, time.UTC) }
	got := historyText([]journal.Entry{
		{Time: at(0), User: "ada", Command: "apply", Result: "done", Summary: "1 to pull, 2 to create", Seconds: 12.34},
		{Time: at(5), User: "ada as root", Command: "secret rotate", Result: "failed", Exit: 1, Summary: "DB", Error: "the new password is not taken,\x1b[2J and this is a long story that goes on below", Seconds: 0.05},
		{Time: at(9), User: "ada", Command: "destroy", Result: journal.Unfinished, Summary: "3 to remove"},
	}, time.UTC, 100, paint(false))
	want := `  when              who          what           result      took    plan
  2027-01-31 12:00  ada          apply          done        12.3 s  1 to pull, 2 to create
  2027-01-31 12:05  ada as root  secret rotate  failed      50 ms   DB: the new password is not
                                                                    taken,\x1b[2J and this is a long
                                                                    story that goes on below
  2027-01-31 12:09  ada          destroy        unfinished          3 to remove
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
