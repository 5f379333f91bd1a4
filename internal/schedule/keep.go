package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Archive is a folder with the last reports of a job, a file each, and a record of its last
// run.
type Archive struct {
	Dir string
	// Write replaces a file in one step.
	Write func(path string, content []byte) error
}

// Record is what came of the last run.
type Record struct {
	Time time.Time `json:"time"`
	// Seconds is how long it took.
	Seconds float64 `json:"seconds"`
	// Exit is the exit code.
	Exit int `json:"exit"`
	// Summary is what it came to, in a line; of a run that could not be made it is why.
	Summary string `json:"summary"`
	// Report is the name of its report in the folder; empty if it made none.
	Report string `json:"report,omitempty"`
}

const (
	recordFile = "last.json"
	jobFile    = "schedule.json"
	stamp      = "20060102T150405.000Z" // names in the order of time
)

// Keep files a report, whose name it writes into the record, and the record, and removes the
// oldest reports beyond keep. A report of no bytes is none.
func (a Archive) Keep(report []byte, record *Record, keep int) error {
	if len(report) > 0 {
		record.Report = record.Time.UTC().Format(stamp) + ".json"
		if err := a.write(record.Report, report); err != nil {
			return err
		}
	}
	content, err := json.MarshalIndent(record, "", "  ")
	if err == nil {
		err = a.write(recordFile, append(content, '\n'))
	}
	if err != nil {
		return err
	}
	reports, err := a.Reports()
	if err != nil {
		return err
	}
	for _, old := range reports[:max(0, len(reports)-keep)] {
		if err := os.Remove(filepath.Join(a.Dir, old)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove an old report: %w", err)
		}
	}
	return nil
}

func (a Archive) write(name string, content []byte) error {
	err := os.MkdirAll(a.Dir, 0o700)
	if err == nil {
		err = a.Write(filepath.Join(a.Dir, name), content)
	}
	if err != nil {
		return fmt.Errorf("keep the report: %w", err)
	}
	return nil
}

// Reports lists the names of the reports, the oldest first.
func (a Archive) Reports() ([]string, error) {
	entries, err := os.ReadDir(a.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("kept reports: %w", err)
	}
	var names []string
	for _, entry := range entries {
		name, isJSON := strings.CutSuffix(entry.Name(), ".json")
		if _, err := time.Parse(stamp, name); isJSON && err == nil {
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Last is the record of the last run; nil if there was none.
func (a Archive) Last() (*Record, error) { return read[Record](a, recordFile) }

// Job is what was asked for when the job was installed; nil if none is.
func (a Archive) Job() (*Job, error) { return read[Job](a, jobFile) }

// SetJob keeps what is asked for.
func (a Archive) SetJob(job Job) error {
	content, err := json.MarshalIndent(job, "", "  ")
	if err != nil {
		return err
	}
	return a.write(jobFile, append(content, '\n'))
}

// UnsetJob forgets it.
func (a Archive) UnsetJob() error {
	if err := os.Remove(filepath.Join(a.Dir, jobFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("schedule: %w", err)
	}
	_ = os.Remove(a.Dir) // unless there are reports
	return nil
}

func read[T any](a Archive, name string) (*T, error) {
	content, err := os.ReadFile(filepath.Join(a.Dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	value := new(T)
	if err == nil {
		err = json.Unmarshal(content, value)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(a.Dir, name), err)
	}
	return value, nil
}

// Empty removes all that the archive holds, and the folder if nothing else is in it.
func (a Archive) Empty() (reports int, err error) {
	names, err := a.Reports()
	if err != nil {
		return 0, err
	}
	for _, name := range append(slices.Clone(names), recordFile, jobFile, LogFile) {
		if err := os.Remove(filepath.Join(a.Dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, fmt.Errorf("remove the kept reports: %w", err)
		}
	}
	_ = os.Remove(a.Dir) // unless somebody else put something there
	return len(names), nil
}

// LogFile is the name of a log in the archive's folder, for Job.Log.
const LogFile = "log"
