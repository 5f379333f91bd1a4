package adopt

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"minibot/spec"
)

// literal makes a secret of a value that stands plain in the source.
func (t *translator) literal(wanted Secret, value, about string, at origin, what string) string {
	secret := t.secrets.add(wanted, at.service, value, about)
	why := fmt.Sprintf("Its value looks like a password. It is the secret %s now, and the value is not written into the spec.", secret.Name)
	t.note(Changed, at, what, why)
	return t.marks.of("secret." + secret.Name + ".value")
}

// hide names the secrets in a text of a service that is no variable of its environment. A new one gets its name after
// what it is.
func (s *service) hide(what, name, text string, at origin) string {
	return s.hideAt(what, text, at, Secret{Name: strings.ToUpper(s.Name + "_" + name), Line: at.line, Container: s.container.Name}, what+" of "+s.Name+s.inFile())
}

// inFile says where something is that people look for.
func (s *service) inFile() string {
	if s.file == "" {
		return ""
	}
	return " in " + s.file
}

// hideIn is hide for a word of a command, whose name is that of the argument before it.
func (s *service) hideIn(key, name, word string) string {
	at := s.origin(key)
	if name != "" && !marked(word) && likeSecret(name, word) && word != "" {
		return s.literal(Secret{Name: strings.ToUpper(s.Name + "_" + name), Line: at.line, Container: s.container.Name}, word, key+" of "+s.Name+s.inFile(), at, key+" --"+name)
	}
	return s.hide(key, "PASSWORD", word, at)
}

// hideAt names the secrets that stand in a text: passwords in addresses and behind arguments, keys of known services,
// and values that are known to be secret from elsewhere.
func (s *service) hideAt(what, text string, at origin, wanted Secret, about string) string {
	for _, pattern := range []*regexp.Regexp{userinfo, flagged, knownValues} {
		text = s.hidePattern(pattern, what, text, at, wanted, about)
	}
	for _, one := range s.secrets.all {
		if one.value == "" || !strings.Contains(text, one.value) {
			continue
		}
		ref := s.marks.of("secret." + one.Name + ".value")
		text = replaceWord(text, one.value, ref)
	}
	return text
}

func (s *service) hidePattern(pattern *regexp.Regexp, what, text string, at origin, wanted Secret, about string) string {
	var out strings.Builder
	last := 0
	for _, match := range pattern.FindAllStringSubmatchIndex(text, -1) {
		from, to := match[len(match)-2], match[len(match)-1]
		if pattern == knownValues {
			from, to = match[0], match[1]
		}
		value := text[from:to]
		if from < last || marked(value) || value == "" {
			continue
		}
		one := wanted
		if pattern == flagged {
			one.Name = strings.ToUpper(s.Name + "_" + text[match[2]:match[3]])
		} else if pattern != knownValues && !namesSecret(one.Name) {
			one.Name += "_PASSWORD"
		}
		if pattern == userinfo && unescaped(value) != value {
			one.Name += "_ESCAPED" // as the address has it, and no other place
		}
		if whole := from == 0 && to == len(text); !whole {
			one.Variable, one.File = "", "" // it is but a part of that
		}
		out.WriteString(text[last:from])
		out.WriteString(s.literal(one, value, "a part of "+about, at, what))
		last = to
	}
	return out.String() + text[last:]
}

// replaceWord replaces a text where it stands for itself: what is beside it is neither a letter nor a digit. One that is
// a word like any other stays: it says nothing.
func replaceWord(text, word, by string) string {
	if !telling(word) {
		return text
	}
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, word)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		runes, next := []rune(before), []rune(after)
		if len(runes) > 0 && inWord(runes[len(runes)-1]) || len(next) > 0 && inWord(next[0]) {
			out.WriteString(word)
		} else {
			out.WriteString(by)
		}
		text = after
	}
}

// telling reports whether a value is one that stands nowhere by chance: "postgres" and "changeme" do.
func telling(value string) bool {
	return len(value) >= 8 && strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsLower(r) && r != '-' && r != '_' })
}

// guard makes sure that no secret's value is in the spec, wherever it came from.
func (t *translator) guard(source []byte, draft *spec.Draft) {
	for number, line := range strings.Split(string(source), "\n") {
		for _, one := range t.secrets.all {
			if one.value == "" || !telling(one.value) || !strings.Contains(line, one.value) {
				continue
			}
			at := origin{}
			if from := draft.From(number + 1); from > 0 {
				at = t.origins[from-1]
			}
			t.note(Refused, at, "a secret's value", "The value of "+one.Name+" stands here, where no secret can be named. Take it out of this place.")
		}
	}
}
