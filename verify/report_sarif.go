package verify

import (
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// sarifSchema names the format: SARIF 2.1.0 of OASIS, with errata 01.
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// The objects of a SARIF log, as far as a report has them.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Details     sarifDetails      `json:"automationDetails"`
		Invocations []sarifInvocation `json:"invocations"`
		ColumnKind  string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifDetails struct {
		ID string `json:"id"`
	}
	// sarifInvocation is unsuccessful if a check could not be carried out. A notice says what
	// was left out.
	sarifInvocation struct {
		Successful bool          `json:"executionSuccessful"`
		Notices    []sarifNotice `json:"toolConfigurationNotifications,omitempty"`
	}
	sarifNotice struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifRule struct {
		ID         string         `json:"id"`
		Short      sarifText      `json:"shortDescription"`
		Full       sarifText      `json:"fullDescription"`
		Help       sarifText      `json:"help"`
		Default    sarifLevel     `json:"defaultConfiguration"`
		Properties sarifRuleExtra `json:"properties"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifRuleExtra struct {
		Tags []string `json:"tags"`
		// Score is what GitHub ranks by, as CVSS does: above 9 is critical.
		Score string `json:"security-severity"`
	}
	sarifResult struct {
		Rule         string             `json:"ruleId"`
		Index        int                `json:"ruleIndex"`
		Kind         string             `json:"kind"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		Line      int `json:"startLine"`
		Column    int `json:"startColumn"`
		EndLine   int `json:"endLine"`
		EndColumn int `json:"endColumn"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
	sarifSuppression struct {
		Kind   string `json:"kind"`
		Status string `json:"status"`
		Reason string `json:"justification"`
	}
)

// writeSARIF writes a log of one run, with a rule for each check that has results. The place
// of a result is that of what it judges in the spec.
func (r Report) writeSARIF(w io.Writer, opt Options) error {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "minibot", Version: opt.Version, Rules: []sarifRule{}}},
		Details:     sarifDetails{"minibot verify/" + r.Stack + "/"},
		Invocations: []sarifInvocation{{Successful: !r.Incomplete()}},
		ColumnKind:  "unicodeCodePoints",
		Results:     []sarifResult{},
	}
	if text := r.LeftOut.String(); text != "" {
		run.Invocations[0].Notices = []sarifNotice{{"warning", sarifText{text}}}
	}
	seen := map[string]int{}
	for _, of := range group(r.Results, func(result Result) string { return result.Check }) {
		c, _ := Find(of[0].Check)
		for _, result := range of {
			print := result.Check + ":" + result.Object
			if seen[print]++; seen[print] > 1 {
				print += fmt.Sprintf(":%d", seen[print])
			}
			one := result.sarif(r.Stack)
			one.Index, one.Fingerprints = len(run.Tool.Driver.Rules), map[string]string{"minibotCheck/v1": print}
			run.Results = append(run.Results, one)
		}
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, c.sarif())
	}
	return writeJSON(w, sarifLog{sarifSchema, "2.1.0", []sarifRun{run}})
}

func (c Check) sarif() sarifRule {
	tags := []string{"security", family(c.ID), c.demand()}
	if c.CIS != "" {
		tags = append(tags, "CIS-Docker-1.6/"+c.CIS)
	}
	return sarifRule{
		ID: c.ID, Short: sarifText{c.Claim}, Full: sarifText{c.Why + " " + c.How}, Help: sarifText{c.Remedy},
		Default: sarifLevel{c.Severity.level()}, Properties: sarifRuleExtra{tags, c.Severity.score()},
	}
}

// sarifKinds are SARIF's words for statuses. Only one that fails may have a level.
var sarifKinds = map[Status]string{Pass: "pass", Fail: "fail", Skip: "notApplicable", Error: "open"}

func (r Result) sarif(stack string) sarifResult {
	one := sarifResult{Rule: r.Check, Kind: sarifKinds[r.Status], Level: "none", Message: sarifText{r.Object + ": " + r.Evidence}}
	if r.Status == Fail {
		one.Level = r.Severity.level()
	}
	one.Message.Text += prefixed("\nThe spec accepted this ", r.Lapsed) + prefixed("\n", r.Remedy)
	if r.Accepted != "" {
		one.Suppressions = []sarifSuppression{{"external", "accepted", r.waiver()}}
	}
	at := sarifLocation{Logical: []sarifLogical{{stack + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(r.Object), "resource"}}}
	if s := r.Source; s != nil {
		at.Physical = &sarifPhysical{sarifArtifact{uri(s.File)}, sarifRegion{s.Line, s.Column, s.EndLine, s.EndColumn}}
	}
	one.Locations = []sarifLocation{at}
	return one
}

// uri is a file as SARIF names it: one that is relative stays so, for it is the repository's.
func uri(file string) string {
	u := url.URL{Path: filepath.ToSlash(file)}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return u.String()
}

func (s Severity) level() string {
	switch s {
	case Critical, High:
		return "error"
	case Medium:
		return "warning"
	}
	return "note"
}

func (s Severity) score() string {
	return []string{"9.5", "8.0", "5.5", "3.0", "0.0"}[slices.Index(severities, s)]
}
