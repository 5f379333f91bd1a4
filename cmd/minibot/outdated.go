package main

import (
	"context"
	"io"
	"strings"
	"sync"

	"minibot/internal/engine"
	"minibot/spec"
)

type outdatedCmd struct {
	Services []string `arg:"" optional:"" name:"service" help:"The services whose images are asked for; all if left out." complete:"service"`
}

func (*outdatedCmd) Examples() []example {
	return []example{
		{"minibot outdated", "which tags have moved since minibot.lock was written; exit 2 if one has"},
		{"minibot outdated --json", "the same for scripts"},
	}
}

// age is how the image of one service stands to its tag.
type age struct {
	Service string `json:"service"`
	Image   string `json:"image"`
	// State is current, outdated, unlocked or unknown.
	State  string `json:"state"`
	Locked string `json:"locked,omitempty"`
	Now    string `json:"now,omitempty"`
	Error  string `json:"error,omitempty"`
}

// The states.
const (
	ageCurrent  = "current"
	ageOutdated = "outdated"
	ageUnlocked = "unlocked"
	ageUnknown  = "unknown"
)

// Run asks the registries, through the engine, what the tags stand for now. It changes nothing.
func (c *outdatedCmd) Run(ctx context.Context, a *app) error {
	stack, lock, err := a.specAndLock()
	if err != nil {
		return err
	}
	if err := a.pinImages(stack); err != nil {
		return err
	}
	services, err := servicesNamed(stack, c.Services)
	if err != nil {
		return err
	}
	endpoint, err := a.endpoint()
	if err != nil {
		return err
	}
	e, err := engine.Connect(ctx, endpoint)
	if err != nil {
		return err
	}
	defer e.Close()
	ages := make([]age, len(services))
	perService(services, func(i int, service *spec.Service) {
		pin, there := lock[service.Name]
		if !there {
			ages[i] = age{Service: service.Name, Image: service.Image, State: ageUnlocked}
			return
		}
		ages[i] = age{Service: service.Name, Image: pin.Image, Locked: pin.Digest, State: ageUnknown}
		now, err := e.RegistryDigest(ctx, pin.Image)
		switch {
		case err != nil:
			ages[i].Error = err.Error()
		case now == pin.Digest:
			ages[i].State, ages[i].Now = ageCurrent, now
		default:
			ages[i].State, ages[i].Now = ageOutdated, now
		}
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := a.viewAges(ages); err != nil {
		return err
	}
	err = nil
	for _, one := range ages {
		switch {
		case one.State == ageOutdated:
			return errDiffers
		case one.State == ageUnknown:
			err = errIncomplete
		}
	}
	return err
}

func (a *app) viewAges(ages []age) error {
	if a.JSON {
		return a.json(map[string]any{"format_version": "1", "services": ages})
	}
	var out strings.Builder
	paint := paint(a.colorOut)
	colors := map[string]string{ageCurrent: green, ageOutdated: red, ageUnknown: yellow, ageUnlocked: yellow}
	rows := table{{"service", "image", "state", ""}}
	var moved []string
	for _, one := range ages {
		words := ""
		switch one.State {
		case ageOutdated:
			words = "the tag stands for " + one.Now + "; locked is " + one.Locked
			moved = append(moved, one.Service)
		case ageUnknown:
			words = harmless(one.Error)
		case ageUnlocked:
			words = "minibot lock takes it in"
		}
		rows = append(rows, []string{one.Service, one.Image, one.State, words})
	}
	rows.write(&out, a.width, func(row, column int, text string) string {
		if row > 0 && column == 2 {
			return paint(colors[text], text)
		}
		return text
	})
	if _, err := io.WriteString(a.stdout, out.String()); err != nil {
		return err
	}
	if len(moved) > 0 {
		a.say("To take what the tags stand for today: minibot lock --update %s", strings.Join(moved, " "))
	}
	return nil
}

// perService does something for every service, side by side.
func perService(services []*spec.Service, act func(i int, service *spec.Service)) {
	slots := make(chan struct{}, 8)
	var all sync.WaitGroup
	for i, service := range services {
		slots <- struct{}{}
		all.Go(func() {
			act(i, service)
			<-slots
		})
	}
	all.Wait()
}
