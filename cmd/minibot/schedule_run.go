package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"minibot/internal/schedule"
	"minibot/verify"
)

type scheduleRunCmd struct {
	Dir  string `help:"The folder to keep reports in, instead of the stack's own." placeholder:"DIR"`
	Keep int    `help:"How many reports to keep." default:"30" placeholder:"N"`
}

func (*scheduleRunCmd) Examples() []example {
	return []example{
		{"minibot schedule run", "once, as the system does it"},
	}
}

// Validate refuses to keep none.
func (c *scheduleRunCmd) Validate() error {
	if c.Keep < 1 {
		return errors.New("--keep: write 1 at least")
	}
	return nil
}

// Run verifies and keeps the report, or why there is none. It ends as verify does.
func (c *scheduleRunCmd) Run(ctx context.Context, a *app) error {
	begun := time.Now()
	archive := schedule.Archive{Dir: c.Dir, Write: writeFile}
	loaded, err := a.load()
	if err == nil && c.Dir == "" {
		s, err := a.scheduled(loaded.stack.Name)
		if err != nil {
			return err
		}
		archive = s.archive
	}
	if archive.Dir == "" {
		return err // without a spec nobody knows where
	}
	var report verify.Report
	var out bytes.Buffer
	if err == nil {
		report, err = (&verifyCmd{}).report(ctx, a, loaded)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	record := schedule.Record{Time: begun.UTC(), Seconds: time.Since(begun).Seconds()}
	if err == nil {
		record.Summary, err = report.Summary.String(), verdict(report)
		if failed := report.Write(&out, verify.JSON, verify.Options{Version: version}); failed != nil {
			return failed
		}
	} else {
		record.Summary = err.Error()
	}
	record.Exit = outcomeOf(err).code
	if failed := archive.Keep(out.Bytes(), &record, c.Keep); failed != nil {
		return errors.Join(err, failed)
	}
	if record.Report == "" {
		return err
	}
	if a.JSON {
		return errors.Join(a.json(record), err)
	}
	_, failed := fmt.Fprintf(a.stdout, "%s\n%s\n", record.Summary, filepath.Join(archive.Dir, record.Report))
	return errors.Join(failed, err)
}
