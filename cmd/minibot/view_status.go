package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"minibot/spec"
)

// viewStatus prints how the stack is doing at a moment.
func (a *app) viewStatus(status stackStatus, now time.Time) error {
	if a.JSON {
		return a.json(status)
	}
	_, err := io.WriteString(a.stdout, statusText(status, now, a.width, paint(a.colorOut)))
	return err
}

// statusText is a table of services, and below it what somebody should look at.
func statusText(status stackStatus, now time.Time, width int, paint painter) string {
	var out strings.Builder
	fmt.Fprintf(&out, "The stack %s on %s (%s)\n\n", paint(bold, status.Stack), status.Engine, status.source)
	table := table{{"service", "state", "up", "memory", "", "restarts", "ports"}}
	for _, service := range status.Services {
		memory, share := memoryWords(service)
		up, restarts := "", ""
		if service.StartedAt != nil {
			up = span(now.Sub(*service.StartedAt))
		}
		if service.State != "absent" {
			restarts = fmt.Sprint(service.Restarts)
		}
		table = append(table, []string{service.Service, stateWords(service), up, memory, share, restarts, strings.Join(service.Ports, " ")})
	}
	table.write(&out, width, func(row, column int, text string) string {
		if row == 0 {
			return paint(dim, text)
		}
		return paint(statusColor(status.Services[row-1], column), text)
	})
	var notes []string
	if len(status.Services) > 1 && !slices.ContainsFunc(status.Services, func(s serviceStatus) bool { return s.State != "absent" }) {
		notes = []string{"no service has a container. To make them: minibot apply"}
	} else {
		for _, service := range status.Services {
			notes = append(notes, statusNotes(service)...)
		}
	}
	if len(notes) > 0 {
		out.WriteString("\n")
	}
	for _, note := range notes {
		for i, line := range wrapWords(note, width-2) {
			sign := paint(red, "✗")
			if i > 0 {
				sign = " "
			}
			fmt.Fprintf(&out, "%s %s\n", sign, line)
		}
	}
	if status.LastDeed != nil || status.LastVerify != nil {
		out.WriteString("\n")
	}
	last := func(title, words string) {
		for _, line := range wrapWords(words, width-14) {
			fmt.Fprintf(&out, "%s%s\n", paint(dim, fmt.Sprintf("%-14s", title)), line)
			title = ""
		}
	}
	if status.LastDeed != nil {
		last("last change", deedWords(*status.LastDeed, now))
	}
	if v := status.LastVerify; v != nil {
		last("last verify", fmt.Sprintf("%s ago: %s", span(now.Sub(v.Time)), v.Summary))
	}
	return out.String()
}

// stateWords is health where there is some: it says more.
func stateWords(service serviceStatus) string {
	switch {
	case service.State == "running" && service.Health != "":
		return service.Health
	case service.State == "exited" && service.Well:
		return "done"
	}
	return service.State
}

// memoryWords are what is used of what is allowed, and the share.
func memoryWords(service serviceStatus) (text, share string) {
	limit := string(spec.SizeOf(service.MemoryLimit))
	if service.MemoryUsed == nil {
		return "", ""
	}
	return fmt.Sprintf("%s of %s", bytesWords(*service.MemoryUsed), limit), fmt.Sprintf("%d%%", memoryShare(service))
}

// memoryShare is in percent of the limit.
func memoryShare(service serviceStatus) int64 {
	if service.MemoryUsed == nil || service.MemoryLimit <= 0 {
		return 0
	}
	return *service.MemoryUsed * 100 / service.MemoryLimit
}

func bytesWords(bytes int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "K"}} {
		if bytes >= unit.bytes {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(bytes)/float64(unit.bytes)), ".0") + unit.name
		}
	}
	return fmt.Sprintf("%dB", bytes)
}

// The columns of the table that have a colour.
const columnState, columnShare, columnRestarts, columnPorts = 1, 4, 5, 6

func statusColor(service serviceStatus, column int) string {
	switch {
	case column == 0:
		return bold
	case column == columnState && service.Well:
		return green
	case column == columnState && (service.Health == "starting" || service.State == "restarting" || service.State == "paused"):
		return yellow
	case column == columnState, column == columnShare && memoryShare(service) >= 95, column == columnPorts && len(exposed(service)) > 0:
		return red
	case column == columnShare && memoryShare(service) >= 80, column == columnRestarts && service.Restarts > 0:
		return yellow
	}
	return ""
}

// statusNotes say what is not well, and what to do next.
func statusNotes(service serviceStatus) (notes []string) {
	look := "minibot logs " + service.Service
	switch {
	case service.OOMKilled:
		notes = append(notes, fmt.Sprintf("%s was killed: it needed more memory than its limit. What it said: %s", service.Service, look))
	case service.Well, service.Health == "starting":
	case service.State == "absent":
		notes = append(notes, fmt.Sprintf("%s has no container. To make it: minibot apply", service.Service))
	case service.State == "running":
		notes = append(notes, fmt.Sprintf("%s is %s. What it said: %s", service.Service, service.Health, look))
	case service.State == "restarting":
		notes = append(notes, fmt.Sprintf("%s keeps ending with exit code %d. What it said: %s", service.Service, service.ExitCode, look))
	case service.State == "paused":
		notes = append(notes, fmt.Sprintf("%s is paused. To go on: minibot apply", service.Service))
	default:
		notes = append(notes, fmt.Sprintf("%s ended with exit code %d. To start it: minibot apply. What it said: %s", service.Service, service.ExitCode, look))
	}
	if service.State == "running" && len(service.MissingPorts) > 0 {
		notes = append(notes, fmt.Sprintf("%s does not publish %s. To mend it: minibot apply", service.Service, strings.Join(service.MissingPorts, ", ")))
	}
	if open := exposed(service); len(open) > 0 {
		notes = append(notes, fmt.Sprintf("%s is open to the network on %s. To close it: minibot apply", service.Service, strings.Join(open, ", ")))
	}
	return notes
}

// exposed are the ports that are not on a loopback address.
func exposed(service serviceStatus) []string {
	return slices.DeleteFunc(slices.Clone(service.Ports), func(port string) bool {
		return strings.HasPrefix(port, "127.") || strings.HasPrefix(port, "[::1]")
	})
}

// span is a time that has passed, in its two largest units.
func span(d time.Duration) string {
	d = max(d, 0)
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%dd %dh", days, hours)
	case hours > 0:
		return fmt.Sprintf("%dh %dm", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%dm %ds", minutes, int(d.Seconds())%60)
	}
	return fmt.Sprintf("%ds", int(d.Seconds()))
}
