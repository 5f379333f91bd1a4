package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"minibot/spec"
)

// ask takes from a person what the flags did not say. Nothing is written before the last
// answer.
func (c *initCmd) ask(ctx context.Context, a *app) error {
	paint := paint(a.colorErr)
	a.say("%s is the one file that says what this machine runs.\n", paint(bold, a.File))
	if file := composeHere(); file != "" {
		a.say("There is a %s here. To translate it: minibot init --from %s\n", file, file)
	}
	reference := presets()
	if c.Name == "" {
		if err := a.askUntil(ctx, paint(bold, "Name of the stack")+" ["+reference.Name+"]: ", func(text string) error {
			c.Name = text
			if text == "" {
				c.Name = reference.Name
			}
			return spec.CheckStackName(c.Name)
		}); err != nil {
			return err
		}
		a.say("")
	}
	a.say("Services to begin with:")
	for i, s := range reference.Services {
		a.say("  %s  %-9s %s", paint(bold, strconv.Itoa(i+1)), s.Name, paint(dim, outline(s)))
	}
	err := a.askUntil(ctx, paint(bold, "Which of them?")+" Names or numbers, all, or none [all]: ", func(text string) (err error) {
		c.Service, err = chosen(reference.Services, text)
		return err
	})
	if err != nil {
		return err
	}
	a.say("")
	return nil
}

// askUntil asks again as long as the answer is not taken.
func (a *app) askUntil(ctx context.Context, question string, take func(string) error) error {
	for {
		text, err := a.answer(ctx, question)
		if errors.Is(err, io.EOF) && strings.TrimSpace(text) == "" {
			a.say("")
			return fmt.Errorf("no answer; nothing was written")
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if err = take(strings.TrimSpace(text)); err == nil {
			return nil
		}
		a.say("%s.", strings.ToUpper(err.Error()[:1])+err.Error()[1:])
	}
}

// chosen reads a choice of services: their names or numbers in any order.
func chosen(services []*spec.Service, text string) ([]string, error) {
	var all []string
	for _, s := range services {
		all = append(all, s.Name)
	}
	picked := map[string]bool{}
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		n, err := strconv.Atoi(word)
		switch {
		case word == "none" && len(picked) == 0 && strings.EqualFold(text, "none"):
			return nil, nil
		case word == "all":
			return all, nil
		case err == nil && n >= 1 && n <= len(all):
			picked[all[n-1]] = true
		case slices.Contains(all, word):
			picked[word] = true
		default:
			return nil, fmt.Errorf("there is no %q; write some of %s, or all, or none", word, strings.Join(all, ", "))
		}
	}
	if len(picked) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(name string) bool { return !picked[name] }), nil
}

// outline says in a line what a service of a spec is.
func outline(s *spec.Service) string {
	text := s.Image
	for _, bind := range s.Binds {
		text += fmt.Sprintf(" on %s:%d", bind.HostIP, bind.Published)
	}
	if bytes, err := s.Limits.Memory.Bytes(); err == nil {
		text += fmt.Sprintf(", memory %s, CPUs %g", spec.SizeOf(bytes), s.Limits.CPUs)
	}
	return text
}

// composeHere names the compose file of the working folder, in the order in which docker compose looks; "" if there is
// none.
func composeHere() string {
	for _, name := range []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"} {
		if isThere(name) {
			return name
		}
	}
	return ""
}
