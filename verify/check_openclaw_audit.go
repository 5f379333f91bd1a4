package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"
)

// auditWait bounds OpenClaw's audit of itself. It takes 6 to 11 seconds on a machine that has nothing else to do.
const auditWait = 2 * time.Minute

// auditID begins the ids of what the audit finds.
const auditID = "auth.openclaw.audit."

// finding is one of the audit's own.
type finding struct {
	CheckID     string `json:"checkId"`
	Severity    string `json:"severity"`
	Title       string `json:"title"`
	Detail      string `json:"detail"`
	Remediation string `json:"remediation"`
}

// findingID is what the ids of findings look like, such as "gateway.bind_no_auth".
var findingID = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)

// auditSeverities are the audit's own words, and what they count as here.
var auditSeverities = map[string]Severity{"critical": High, "warn": Medium, "info": Info}

func audit(ctx context.Context, s Subject) []Result {
	var results []Result
	for _, p := range s.guarded("openclaw") {
		for _, result := range s.audit(ctx, p) {
			results = append(results, result.of(p.spec.Name, ""))
		}
	}
	return results
}

func (s Subject) audit(ctx context.Context, p pair) []Result {
	switch {
	case p.have == nil:
		return []Result{absent}
	case !p.running():
		return []Result{skip("the container does not run")}
	}
	output, err := s.Inside.Run(ctx, p.have.ID, []string{"openclaw", "security", "audit", "--json"}, auditWait)
	byHand := fmt.Sprintf("Run it by hand: docker exec %s openclaw security audit", p.have.Name)
	switch {
	case err != nil:
		return []Result{unknown("%v", err).remedy("%s", byHand)}
	case output.Missing:
		return []Result{skip("the image has no program openclaw")}
	case output.Killed:
		return []Result{unknown("it was not done within %s", auditWait).remedy("%s", byHand)}
	}
	findings, err := readAudit(output.Stdout)
	if err != nil {
		return []Result{unknown("%v (exit code %d)", err, output.Code).remedy("%s", byHand)}
	}
	return judgeAudit(findings)
}

// readAudit reads what the audit prints. What else a program may say before it is left out; what is no such report is an
// error, and is not quoted.
func readAudit(text string) ([]finding, error) {
	var report struct {
		Summary *struct {
			Critical, Warn, Info int
		}
		Findings []finding
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil || report.Summary == nil {
		return nil, fmt.Errorf("the audit printed no report")
	}
	if told := report.Summary.Critical + report.Summary.Warn + report.Summary.Info; told != len(report.Findings) {
		return nil, fmt.Errorf("the audit counts %d findings and lists %d", told, len(report.Findings))
	}
	for _, f := range report.Findings {
		if !findingID.MatchString(f.CheckID) || auditSeverities[f.Severity] == "" {
			return nil, fmt.Errorf("the audit has a finding that cannot be read")
		}
	}
	return report.Findings, nil
}

// judgeAudit makes a result of each finding, and one of all together if there is nothing to put right.
func judgeAudit(findings []finding) []Result {
	clean := true
	var results []Result
	for _, f := range findings {
		severity := auditSeverities[f.Severity]
		result := fail("%s", f.Title).remedy("%s", printable(f.Remediation))
		if severity == Info { // it says how things are, and blames nothing
			result = pass("%s", f.Title)
		}
		clean = clean && result.Status == Pass
		result.Check = auditID + f.CheckID
		results = append(results, result.as(severity))
	}
	if clean {
		results = append([]Result{pass("nothing critical and no warning among %s", count(len(findings), "finding"))}, results...)
	}
	return results
}
