package spec

import (
	"fmt"
	"regexp"
	"slices"
)

// release is a version as min_engine takes it.
var release = regexp.MustCompile(`^[0-9]{1,4}\.[0-9]{1,4}(\.[0-9]{1,4})?$`)

func (d *decoder) checkHost(h *Host) {
	for i, name := range h.Sharing {
		at := d.part(h.SharingRange, i)
		if !slices.Contains(SharingKinds(), name) {
			d.diags.add(at, "Unknown sharing", oneOf(name, SharingKinds()))
		} else if slices.Index(h.Sharing, name) < i {
			d.diags.add(at, "Sharing named twice", fmt.Sprintf("%q is in the list already. Take one out.", name))
		}
	}
	for _, minimum := range []struct {
		text string
		at   Range
	}{{h.MinEngine, h.MinEngineRange}, {h.MinRunc, h.MinRuncRange}} {
		if !minimum.at.Empty() && !release.MatchString(minimum.text) {
			d.diags.add(minimum.at, "Bad version", fmt.Sprintf("%q is not a version, such as %q.", minimum.text, DefaultMinEngine))
		}
	}
}

func (d *decoder) checkRemotes() {
	seen := once{d: d, what: "remote"}
	for _, remote := range d.stack.Remotes {
		seen.note(remote.Kind, remote.KindRange)
		switch {
		case !slices.Contains(remoteKinds, remote.Kind):
			d.diags.add(remote.KindRange, "Unknown remote", oneOf(remote.Kind, remoteKinds)+" Nothing else may reach the machine from outside.")
		case remote.Kind == "ssh":
			d.checkRemoteSSH(remote)
		default:
			d.checkTailscale(remote)
		}
	}
}

func (d *decoder) checkRemoteSSH(r *Remote) {
	switch {
	case r.DestinationRange.Empty():
		d.diags.add(r.KindRange, "SSH without a destination", "Write destination = \"user@host\".")
	case !destination.MatchString(r.Destination):
		d.diags.add(r.DestinationRange, "Bad destination", fmt.Sprintf("%q is not user@host, such as \"minibot@mini.local\".", r.Destination))
	}
	for _, of := range []struct {
		name string
		at   Range
	}{{"serve", r.ServeRange}, {"ssh", r.SSHRange}} {
		if !of.at.Empty() {
			d.diags.add(of.at, "Attribute of Tailscale", fmt.Sprintf("Only remote \"tailscale\" has %s. Take it out.", of.name))
		}
	}
}

func (d *decoder) checkTailscale(r *Remote) {
	if !r.DestinationRange.Empty() {
		d.diags.add(r.DestinationRange, "Destination without a use", "Only remote \"ssh\" has a destination. Take it out.")
	}
	for i, port := range r.Serve {
		at := d.part(r.ServeRange, i)
		if port < 1 || port > lastPort {
			d.diags.add(at, "Bad port", fmt.Sprintf("%d is not a port of this machine, such as 18789.", port))
		} else if slices.Index(r.Serve, port) < i {
			d.diags.add(at, "Port served twice", fmt.Sprintf("%d is in the list already. Take one out.", port))
		}
	}
}
