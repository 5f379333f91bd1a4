package adopt

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"minibot/spec"
)

// secrets are those of the spec, and for as long as a translation lasts their values: two places with one value are
// one secret, or they would get two different ones.
type secrets struct {
	all []*secret
}

type secret struct {
	Secret
	value string // "" if it is not known
	about string // for people
	used  bool
}

var notWord = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// add finds or makes the secret for a value, or, where that is not known, for a name.
func (s *secrets) add(wanted Secret, service, value, about string) *secret {
	if value != "" {
		if i := slices.IndexFunc(s.all, func(one *secret) bool { return one.value == value }); i >= 0 {
			return s.all[i]
		}
	}
	name := strings.Trim(notWord.ReplaceAllString(wanted.Name, "_"), "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "SECRET_" + name
	}
	if value == "" {
		if one := s.named(name); one != nil && one.value == "" && one.about == about {
			return one
		}
	}
	unique := name
	if s.named(unique) != nil && service != "" {
		unique = strings.ToUpper(notWord.ReplaceAllString(service, "_")) + "_" + name
	}
	for n := 2; s.named(unique) != nil; n++ {
		unique = fmt.Sprintf("%s_%d", name, n)
	}
	wanted.Name = unique
	one := &secret{Secret: wanted, value: value, about: about}
	s.all = append(s.all, one)
	return one
}

func (s *secrets) named(name string) *secret {
	for _, one := range s.all {
		if one.Name == name {
			return one
		}
	}
	return nil
}

// use notes what a spec names.
func (s *secrets) use(ref string) {
	if name, ok := strings.CutPrefix(ref, "secret."); ok {
		name, _, _ = strings.Cut(name, ".")
		s.named(name).used = true
	}
}

// list are those that the spec uses.
func (s *secrets) list() []Secret {
	var all []Secret
	for _, one := range s.all {
		if one.used {
			all = append(all, one.Secret)
		}
	}
	slices.SortFunc(all, func(a, b Secret) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// write declares them. None may be made up: there is a value already, or only a person can get one.
func (s *secrets) write(d *spec.Draft) {
	for _, one := range s.all {
		if !one.used {
			continue
		}
		d.Open(0, "secret", one.Name)
		d.Set("generate", spec.Boolean(false), 0)
		d.Set("description", spec.Quote(one.about), 0)
		d.Close()
		d.Blank()
	}
}
