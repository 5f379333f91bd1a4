package verify

import "context"

var remoteChecks = []Check{
	{
		ID: "remote.tailscale.up", Severity: Medium, Must: true,
		Claim:   "Tailscale is up, where the spec declares it.",
		Why:     "It is one of the two ways in from elsewhere.",
		How:     "Not looked at yet: it is skipped.",
		Applies: `stacks with remote "tailscale"`, Attribute: "remote.tailscale",
		Remedy: "Run: tailscale up.",
		run:    remote("tailscale"),
	},
	{
		ID: "remote.ssh", Severity: Medium, Must: true,
		Claim:   "The machine is reached by SSH, where the spec declares it.",
		Why:     "It is one of the two ways in from elsewhere.",
		How:     "Not looked at yet: it is skipped.",
		Applies: `stacks with remote "ssh"`, Attribute: "remote.ssh",
		Remedy: "Switch on Remote Login in the system settings.",
		run:    remote("ssh"),
	},
}

// remote makes a check of a way in that is declared.
func remote(kind string) func(context.Context, Subject) []Result {
	return func(_ context.Context, s Subject) []Result {
		var results []Result
		for _, r := range s.Stack.Remotes {
			if r.Kind == kind {
				results = append(results, skip("declared%s; not checked by this version", prefixed(" as ", r.Destination)).on("host"))
			}
		}
		return results
	}
}
