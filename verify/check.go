package verify

import (
	"context"
	"slices"
)

// Check is one claim about the machine, and how to find out whether it holds.
type Check struct {
	// ID is family.name, such as "net.publish.loopback". It never changes: accept blocks name it.
	ID string `json:"id"`
	// Claim is the sentence that holds when the check passes.
	Claim string `json:"claim"`
	// Why says what comes of it when the claim does not hold, and How what is looked at.
	Why string `json:"why"`
	How string `json:"how"`
	// Applies says where: which services, networks or machines it looks at.
	Applies string `json:"applies"`
	// Attribute is what of the spec it judges, such as "limits.memory" of a service or "host.firewall". A report
	// points there. Empty is the service as a whole, or the stack.
	Attribute string `json:"attribute,omitempty"`
	// Severity is how bad it is when it fails, at worst: a result may say less, never more.
	Severity Severity `json:"severity"`
	// Must says that the reference machine demands it; others are minibot's own.
	Must bool `json:"must"`
	// CIS is the recommendation of the CIS Docker Benchmark 1.6, if there is one.
	CIS string `json:"cis,omitempty"`
	// Remedy says what to do when it fails. A result may know better.
	Remedy string `json:"remedy"`

	// Findings says that it has results under ids that begin with its own: what another program finds.
	Findings bool `json:"findings,omitempty"`

	needs needs
	// run returns one result for each object. It is nil for checks of the report itself.
	run func(context.Context, Subject) []Result
}

// needs is what a check cannot look without.
type needs uint8

const (
	theEngine   needs = 1 << iota // what the engine holds
	thisMachine                   // what the machine shows that the ports are published on
	theDoors                      // a connection from that machine to its own ports
)

// Severity is how bad a failure is.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical" // open to others, or one step from it
	High     Severity = "high"     // broken, or a guard is down
	Medium   Severity = "medium"   // not as the spec says
	Low      Severity = "low"      // good practice
	Info     Severity = "info"     // worth knowing
)

// severities are all of them, worst first.
var severities = []Severity{Critical, High, Medium, Low, Info}

// rank orders severities, worst first.
func (s Severity) rank() int { return slices.Index(severities, s) }

// Checks is the table of all checks, in the order of reports.
func Checks() []Check {
	return slices.Concat(stackChecks, networkChecks, publishChecks, reachChecks, lanChecks, egressChecks, peerChecks, limitChecks,
		hardeningChecks, isolationChecks, mountChecks, settingChecks, authChecks, openclawChecks, secretChecks,
		probeChecks, hostChecks, engineChecks, remoteChecks, acceptChecks)
}
