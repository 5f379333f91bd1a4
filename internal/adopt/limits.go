package adopt

import (
	"cmp"
	"strconv"

	"minibot/spec"
)

// What a service gets that had no limit. It is a guess, and said to be one.
const (
	guessedMemory = 512 << 20 // bytes
	guessedCPUs   = 1
)

// limits writes what the service may take. A limit that there was not is a guess.
func (s *service) limits(d *spec.Draft) {
	memory, cpus, pids := int64(s.MemLimit), exact(s.CPUS), s.PidsLimit
	memoryKey, cpusKey, pidsKey := "mem_limit", "cpus", "pids_limit"
	if s.Deploy != nil && s.Deploy.Resources.Limits != nil {
		limits := s.Deploy.Resources.Limits
		if memory == 0 && limits.MemoryBytes > 0 {
			memory, memoryKey = int64(limits.MemoryBytes), "deploy"
		}
		if cpus == 0 && limits.NanoCPUs > 0 {
			cpus, cpusKey = exact(limits.NanoCPUs.Value()), "deploy"
		}
		if pids == 0 && limits.Pids > 0 {
			pids, pidsKey = limits.Pids, "deploy"
		}
	}
	s.judgeDeploy()
	var missing []string
	comment := func(of string, guessed bool) string {
		if !guessed {
			return ""
		}
		missing = append(missing, of)
		return "a guess: it had none"
	}
	guess := s.guess()
	d.Blank()
	d.Open(0, "limits")
	d.SetNoted("memory", spec.Quote(string(spec.SizeOf(cmp.Or(memory, guess)))), comment("memory", memory == 0), s.at(memoryKey))
	d.SetNoted("cpus", spec.Decimal(cmp.Or(cpus, guessedCPUs)), comment("CPUs", cpus == 0), s.at(cpusKey))
	if pids > 0 {
		d.Set("pids", spec.Integer(pids), s.at(pidsKey))
	}
	d.Close()
	d.Blank()
	if len(missing) > 0 {
		s.note(Todo, s.origin(), "limits", "It has no limit of "+and(missing)+". The spec has "+guesses(missing, guess)+": look at what it needs (docker stats) and change it.")
	}
	if s.MemSwapLimit != 0 && int64(s.MemSwapLimit) != memory {
		s.note(LeftOut, s.origin("memswap_limit"), "memswap_limit", spec.Advice("service.memswap_limit"))
	}
}

// guess is the memory of a service that had no limit: twice what it uses now, if that is more than the usual.
func (s *service) guess() int64 {
	bytes := int64(guessedMemory)
	for bytes < 2*s.stack.memory[s.Name] {
		bytes *= 2
	}
	return bytes
}

func guesses(missing []string, memory int64) string {
	if len(missing) == 1 && missing[0] == "CPUs" {
		return strconv.Itoa(guessedCPUs)
	}
	text := string(spec.SizeOf(memory))
	if len(missing) > 1 {
		text += " and " + strconv.Itoa(guessedCPUs)
	}
	return text
}

func and(words []string) string {
	if len(words) == 2 {
		return words[0] + " and of " + words[1]
	}
	return words[0]
}

// judgeDeploy says what of deploy, and of scale, is not carried over.
func (s *service) judgeDeploy() {
	const one = "minibot runs one container of each service."
	if s.Scale != nil && *s.Scale != 1 {
		s.note(LeftOut, s.origin("scale"), "scale "+strconv.Itoa(*s.Scale), one)
	}
	if s.Deploy == nil {
		return
	}
	if s.Deploy.Replicas != nil && *s.Deploy.Replicas != 1 && s.Scale == nil { // which the loader copies there
		s.note(LeftOut, s.origin("deploy", "replicas"), "deploy.replicas "+strconv.Itoa(*s.Deploy.Replicas), one)
	}
	if mode := s.Deploy.Mode; mode != "" && mode != "replicated" {
		s.note(LeftOut, s.origin("deploy", "mode"), "deploy.mode "+mode, swarm)
	}
	if r := s.Deploy.Resources.Reservations; r != nil {
		if len(r.Devices) > 0 {
			s.note(Refused, s.origin("deploy", "resources", "reservations", "devices"), "deploy.resources.reservations.devices", spec.Advice("service.devices"))
		} else {
			s.note(LeftOut, s.origin("deploy", "resources", "reservations"), "deploy.resources.reservations", "Only limits are kept.")
		}
	}
}

// exact is the number that a person wrote: 0.1 and not 0.10000000149.
func exact(f float32) float64 {
	n, _ := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'f', -1, 32), 64)
	return n
}
