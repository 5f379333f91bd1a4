package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
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
		heard := s.audited(ctx, p)
		all := []Result{heard.why}
		if heard.why.Status == "" {
			all = judgeAudit(heard.findings)
		}
		for _, result := range all {
			results = append(results, result.of(p.spec.Name, ""))
		}
	}
	return results
}

// openToAll is the audit's finding that the gateway asks Tailscale for a funnel (OpenClaw 2026.9.6).
const openToAll = "gateway.tailscale_funnel"

// tailscaleMode reads off the audit how the gateway makes itself known. Who leaves the audit out leaves this out, too.
func tailscaleMode(ctx context.Context, s Subject) []Result {
	return sideBySide(s.guarded("openclaw"), func(p pair) Result {
		return s.tailscaleMode(ctx, p).of(p.spec.Name, "")
	})
}

func (s Subject) tailscaleMode(ctx context.Context, p pair) Result {
	const source = "auth.openclaw.audit"
	if slices.ContainsFunc(s.Select.Skip, func(name string) bool { return below(source, name) }) {
		return skip("OpenClaw's own audit tells, and %s is left out", source)
	}
	heard := s.audited(ctx, p)
	if heard.why.Status != "" {
		return heard.why
	}
	if i := slices.IndexFunc(heard.findings, func(f finding) bool { return f.CheckID == openToAll }); i >= 0 {
		return fail("the gateway opens itself to the internet: %s", heard.findings[i].Title)
	}
	return pass("the gateway opens no funnel")
}

// audited is what the audit of a service has found, or why that is not known.
type audited struct {
	findings []finding
	why      Result
}

// audited runs the audit, once for all who ask.
func (s Subject) audited(ctx context.Context, p pair) audited {
	switch {
	case p.have == nil:
		return audited{why: absent}
	case !p.running():
		return audited{why: skip("the container does not run")}
	}
	return s.audits.get(p.have.ID, func() audited { return s.auditNow(ctx, p) })
}

func (s Subject) auditNow(ctx context.Context, p pair) audited {
	output, err := s.Inside.Run(ctx, p.have.ID, []string{"openclaw", "security", "audit", "--json"}, auditWait)
	byHand := fmt.Sprintf("Run it by hand: docker exec %s openclaw security audit", p.have.Name)
	switch {
	case err != nil:
		return audited{why: unknown("%v", err).remedy("%s", byHand)}
	case output.Missing:
		return audited{why: skip("the image has no program openclaw")}
	case output.Killed:
		return audited{why: unknown("it was not done within %s", auditWait).remedy("%s", byHand)}
	}
	findings, err := readAudit(output.Stdout)
	if err != nil {
		return audited{why: unknown("%v (exit code %d)", err, output.Code).remedy("%s", byHand)}
	}
	return audited{findings: findings}
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
