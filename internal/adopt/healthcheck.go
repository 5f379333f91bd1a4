package adopt

import (
	"maps"
	"slices"
	"strings"

	"minibot/spec"
)

func (s *service) healthcheck(d *spec.Draft) {
	h := s.HealthCheck
	if h == nil {
		return
	}
	if h.StartInterval != nil {
		s.note(LeftOut, s.origin("healthcheck", "start_interval"), "healthcheck start_interval", noRoom)
	}
	test := []string(h.Test)
	if h.Disable {
		test = []string{"NONE"}
	}
	if len(test) == 0 {
		s.note(LeftOut, s.origin("healthcheck"), "healthcheck", "It has no test: the image's own is used as it is.")
		return
	}
	test, ok := s.testWithoutSecrets(test)
	if !ok {
		return
	}
	d.Blank()
	d.Open(s.at("healthcheck"), "healthcheck")
	d.Set("test", s.words(test), s.at("healthcheck", "test"))
	if h.Interval != nil {
		d.Set("interval", period(*h.Interval), s.at("healthcheck", "interval"))
	}
	if h.Timeout != nil {
		d.Set("timeout", period(*h.Timeout), s.at("healthcheck", "timeout"))
	}
	if h.Retries != nil && *h.Retries > 0 {
		d.Set("retries", spec.Integer(int64(*h.Retries)), s.at("healthcheck", "retries"))
	}
	if h.StartPeriod != nil && *h.StartPeriod > 0 {
		d.Set("start_period", period(*h.StartPeriod), s.at("healthcheck", "start_period"))
	}
	d.Close()
	d.Blank()
}

// testWithoutSecrets is a test whose secrets come from the container's environment, since everybody who may ask the
// engine sees a test. That takes a shell.
func (s *service) testWithoutSecrets(test []string) ([]string, bool) {
	at := s.origin("healthcheck", "test")
	all := []string{test[0]}
	for i, word := range test[1:] {
		name := ""
		if match := flagAlone.FindStringSubmatch(test[i]); match != nil {
			name = match[1]
		}
		if name != "" && !marked(word) {
			word = s.hideIn("healthcheck", name, word)
		} else {
			word = s.hide("healthcheck", "PASSWORD", word, at)
		}
		for secret := s.marks.secretIn(word); secret != ""; secret = s.marks.secretIn(word) {
			variable := s.holding(secret)
			if variable == "" || test[0] != "CMD-SHELL" {
				s.note(LeftOut, at, "healthcheck", "Its test has the secret "+secret+" in it, and everybody who may ask the engine sees a test. Write one that takes it from a file or from the container's environment.")
				return nil, false
			}
			s.note(Changed, at, "healthcheck test", "It takes "+secret+" from the container's environment now, as $"+variable+".")
			word = s.unmark(word, secret, "$"+variable)
		}
		all = append(all, word)
	}
	return all, true
}

// holding is the variable of the service's environment that holds a secret, and nothing else.
func (s *service) holding(secret string) string {
	for _, key := range slices.Sorted(maps.Keys(s.env)) {
		one := s.env[key]
		if markPattern.ReplaceAllString(one.text, "") == "" && strings.Count(one.text, string(markOpen)) == 1 && s.marks.secretIn(one.text) == secret {
			return key
		}
	}
	return ""
}

// unmark puts a text in the place of a secret's marks.
func (s *service) unmark(text, secret, by string) string {
	return markPattern.ReplaceAllStringFunc(text, func(mark string) string {
		if s.marks.secretIn(mark) == secret {
			return by
		}
		return mark
	})
}
