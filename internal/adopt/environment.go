package adopt

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"

	"minibot/spec"
)

// entry is a variable of a service's environment.
type entry struct {
	text string
	from origin
	file string // the env file that it came from; empty for the compose file
}

// gather reads what the service's program finds in its environment: of the env files, and over it what the compose
// file says. What is a secret as a whole is one from then on.
func (s *service) gather() {
	all := map[string]entry{}
	s.env = all
	s.envFiles(all)
	for key, value := range s.Environment {
		at := s.origin("environment", key)
		if value == nil {
			if text, ok := s.inherited(key, at); ok {
				all[key] = entry{text: text, from: at}
			}
			continue
		}
		all[key] = entry{text: *value, from: at}
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		one := all[key]
		one.text = s.whole(key, one)
		all[key] = one
	}
}

// environment writes the service's environment.
func (s *service) environment(d *spec.Draft) {
	var entries []spec.Entry
	for _, key := range slices.Sorted(maps.Keys(s.env)) {
		one := s.env[key]
		wanted, about := s.wanted(key, one)
		text := s.hideAt("environment "+key, one.text, one.from, wanted, about)
		entries = append(entries, spec.Entry{Key: key, Value: s.text(text), From: s.from(one.from)})
	}
	d.Blank()
	d.Map("env", entries)
	d.Blank()
}

// inherited is a variable that compose takes from the shell that it is called from.
func (s *service) inherited(key string, at origin) (text string, ok bool) {
	if s.compose == nil {
		return "", false
	}
	value, known := s.vars.values[key]
	switch {
	case s.vars.isSecret(key) && (!known || value != ""):
		return s.marks.of("secret." + s.variableSecret(key, value, at) + ".value"), true
	case known && s.vars.declare(key, value):
		s.firstLine(key, at)
		return s.marks.of("var." + key), true
	case known:
		return value, true
	}
	s.note(LeftOut, at, "environment "+key, "Its value would come from the shell that calls compose. To give it one: --var "+key+"=VALUE")
	return "", false
}

// envFiles reads the env files of a service, in their order.
func (s *service) envFiles(all map[string]entry) {
	for _, file := range s.EnvFiles {
		at := s.origin("env_file", file.Path)
		text, err := s.compose.Read(s.compose.inDir(file.Path))
		switch {
		case errors.Is(err, fs.ErrNotExist) && !bool(file.Required):
			s.note(LeftOut, at, "env_file "+file.Path, "It is not there, and need not be.")
			continue
		case err != nil:
			s.note(Refused, at, "env_file "+file.Path, "It cannot be read: "+plainError(err)+". Make it, with what the service needs.")
			continue
		}
		values, err := envFile(text, file.Format, s.compose.lookup)
		if err != nil {
			s.note(Refused, at, "env_file "+file.Path, "It is no .env file.") // the library's error may quote a value
			continue
		}
		for key, value := range values {
			all[key] = entry{text: value, from: at, file: file.Path}
		}
	}
}

// envFile reads an env file. In the format raw a value stands as it is.
func envFile(text []byte, format string, lookup dotenv.LookupFn) (map[string]string, error) {
	if format != "raw" {
		return dotenv.UnmarshalBytesWithLookup(text, lookup)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if key, value, found := strings.Cut(line, "="); found && !strings.HasPrefix(line, "#") {
			values[key] = value
		}
	}
	return values, nil
}

func plainError(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}

// wanted is the secret that an entry would be.
func (s *service) wanted(key string, one entry) (secret Secret, about string) {
	switch {
	case one.file != "":
		return Secret{Name: key, File: one.file}, key + " of " + s.Name + " in " + one.file
	case s.compose == nil:
		return Secret{Name: key, Container: s.container.Name, Variable: key}, key + " of " + s.Name
	}
	return Secret{Name: key, Line: one.from.line}, key + " of " + s.Name + s.inFile()
}

// whole is the text of an entry, or the secret that all of it is.
func (s *service) whole(key string, one entry) string {
	if one.file != "" && marked(one.text) {
		s.note(Refused, one.from, "env_file "+one.file, "It has a character for private use, such as U+E000, which no spec can hold.")
		return ""
	}
	wanted, about := s.wanted(key, one)
	switch {
	case !marked(one.text) && likeSecret(key, one.text):
		return s.literal(wanted, one.text, about, one.from, "environment "+key)
	case marked(one.text) && namesSecret(key) && markPattern.ReplaceAllString(one.text, "") != "":
		// A password of which the file has a part: all of it is one secret.
		secret := s.secrets.add(wanted, s.Name, "", about)
		s.note(Todo, one.from, "environment "+key, "It is put together of several values, and is the one secret "+secret.Name+" now.")
		return s.marks.of("secret." + secret.Name + ".value")
	}
	return one.text
}
