package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"minibot/internal/plan"
	"minibot/internal/secret"
)

// Stack carries out actions for one project, with the secrets of this run.
type Stack struct {
	engine  *Engine
	project *types.Project
	secrets Secrets

	// Clean says that whoever changed the stack last did it to the end: nothing late of theirs is
	// looked for.
	Clean bool

	mu   sync.Mutex
	made map[string]string // containers that this run made: IDs by name

	deaths deaths
}

// Secrets are what a run has of the secret store.
type Secrets struct {
	// Values go into containers that are made.
	Values secret.Values
	// Key makes their fingerprints. With the zero Key containers get none, and a later change of
	// a secret does not show.
	Key secret.Key
	// Mask hides every secret of the stack in what its services wrote. It is asked only when a
	// service fails; where it is nil or has an error, nothing is shown of what they wrote.
	Mask func(context.Context) (secret.Masker, error)
}

// Stack binds the engine to a project and its secrets. Whoever has it make containers closes it.
func (e *Engine) Stack(project *types.Project, secrets Secrets) *Stack {
	return &Stack{engine: e, project: project, secrets: secrets, made: map[string]string{}}
}

// callPatience bounds an action that is not interrupted. Stopping takes as long as the
// service's grace period, which is seldom minutes.
const callPatience = 10 * time.Minute

// lookPatience bounds what is done after a failure to tell what happened.
const lookPatience = 5 * time.Second

// Do carries out one action. Progress, which may be nil, gets lines for people while a
// pull or a wait goes on. A context that ends stops a pull or a wait; any other action is
// not begun then, or brought to its end, so that it is known what was done. The error is
// ErrMoved where somebody else was at it.
func (s *Stack) Do(ctx context.Context, a plan.Action, progress func(string)) error {
	err := s.do(ctx, a, progress)
	if err != nil && s.moved(ctx, a) {
		err = fmt.Errorf("%w (%w)", ErrMoved, err)
	}
	return s.quiet(ctx, err)
}

// ErrMoved says that the container of an action is gone, or goes, which was there when the plan was made.
var ErrMoved = errors.New("the plan is stale: somebody else removed the container since it was made")

// moved reports whether an action failed because its container is gone: what the engine says then may sound like
// anything else.
func (s *Stack) moved(ctx context.Context, a plan.Action) bool {
	switch a.Verb {
	case plan.RenameContainer, plan.StartContainer, plan.StopContainer, plan.ForbidRestart, plan.Unpause, plan.UpdateContainer,
		plan.Connect, plan.Disconnect, plan.Wait:
	default:
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookPatience)
	defer cancel()
	there, err := s.engine.api.ContainerInspect(ctx, a.Target)
	return errdefs.IsNotFound(err) || err == nil && (there.State.Dead || there.State.Status == container.StateRemoving)
}

// quiet takes secrets out of an error: an engine may repeat what it was sent, such as the
// name of a program that it could not start.
func (s *Stack) quiet(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	text := s.secrets.Values.Mask([]byte(err.Error()))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookPatience)
	defer cancel()
	if mask, failed := s.mask(ctx); failed == nil {
		text = mask.Mask(text)
	}
	if string(text) != err.Error() {
		return &plainError{text: string(text), err: err}
	}
	return err
}

func (s *Stack) do(ctx context.Context, a plan.Action, progress func(string)) error {
	if progress == nil {
		progress = func(string) {}
	}
	if a.Verb != plan.PullImage && a.Verb != plan.Wait {
		if err := ctx.Err(); err != nil {
			return err
		}
		whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), callPatience)
		defer cancel()
		ctx = whole
	}
	api := s.engine.api
	switch a.Verb {
	case plan.PullImage:
		return s.pull(ctx, a.Target, progress)
	case plan.CreateNetwork:
		return s.createNetwork(ctx, a.Target)
	case plan.CreateVolume:
		return s.createVolume(ctx, a.Target)
	case plan.CreateContainer:
		return s.createContainer(ctx, a)
	case plan.RenameContainer:
		return s.rename(ctx, a.Target, a.Name)
	case plan.StartContainer:
		return s.start(ctx, a.Target)
	case plan.StopContainer:
		return wrap("stop container", api.ContainerStop(ctx, a.Target, container.StopOptions{}))
	case plan.Unpause:
		return wrap("unpause container", api.ContainerUnpause(ctx, a.Target))
	case plan.UpdateContainer:
		service := s.project.Services[a.Service]
		limits := resources(service)
		limits.Ulimits = nil // fixed when the container was made
		_, err := api.ContainerUpdate(ctx, a.Target, container.UpdateConfig{Resources: limits, RestartPolicy: restart(service.Restart)})
		return wrap("update container", err)
	case plan.ForbidRestart:
		return s.forbidRestart(ctx, a.Target)
	case plan.Connect:
		return wrap("attach to network "+a.Name, api.NetworkConnect(ctx, a.Name, a.Target, endpoint(s.project.Services[a.Service])))
	case plan.Disconnect:
		return wrap("detach from network "+a.Name, api.NetworkDisconnect(ctx, a.Name, a.Target, false))
	case plan.Wait:
		return s.wait(ctx, a, progress)
	case plan.RemoveContainer:
		return s.remove(ctx, a.Target)
	case plan.RemoveNetwork:
		return s.removeNetwork(ctx, a.Target)
	}
	return fmt.Errorf("unknown action %q", a.Verb)
}

func (s *Stack) createNetwork(ctx context.Context, name string) error {
	for key, config := range s.project.Networks {
		if config.Name != name {
			continue
		}
		options := network.CreateOptions{
			Driver: config.Driver, Internal: config.Internal, Options: config.DriverOpts,
			Labels: map[string]string{
				plan.LabelProject: s.project.Name, plan.LabelNetwork: key, plan.LabelVersion: composeVersion,
				plan.LabelHash: networkHash(config),
			},
		}
		for _, pool := range config.Ipam.Config {
			options.IPAM = &network.IPAM{Config: []network.IPAMConfig{{Subnet: pool.Subnet}}}
		}
		return wrap("create network", s.claimNetwork(ctx, name, options))
	}
	return fmt.Errorf("the project has no network %q", name)
}

func (s *Stack) createVolume(ctx context.Context, name string) error {
	for key, config := range s.project.Volumes {
		if config.Name != name {
			continue
		}
		labels := map[string]string{plan.LabelProject: s.project.Name, plan.LabelVolume: key, plan.LabelVersion: composeVersion}
		for label, value := range config.Labels {
			labels[label] = value
		}
		_, err := s.engine.api.VolumeCreate(ctx, volume.CreateOptions{Name: name, Driver: "local", Labels: labels})
		return wrap("create volume", err)
	}
	return fmt.Errorf("the project has no volume %q", name)
}

// createContainer makes a container and puts its files into it. If that fails, the
// half-made container is removed.
func (s *Stack) createContainer(ctx context.Context, a plan.Action) error {
	service, defined, files, err := s.prepare(a.Service)
	if err != nil {
		return err
	}
	have, err := s.image(ctx, service.Image)
	if err != nil {
		return err
	}
	for label, value := range labels(s.project, service, have.ID, defined.fingerprints) {
		defined.config.Labels[label] = value
	}
	var made container.CreateResponse
	err = s.claiming(ctx, a.Target, a.Service, func() (err error) {
		made, err = s.engine.api.ContainerCreate(ctx, defined.config, defined.host, defined.network, platformOf(service.Platform), a.Target)
		return err
	})
	if err != nil {
		_, _, failed := s.unmake(ctx, a.Target, a.Service)
		return errors.Join(wrap("create container", err), failed)
	}
	s.mu.Lock()
	s.made[a.Target] = made.ID
	s.mu.Unlock()
	err = s.fill(ctx, a, service, made.ID, defined.more, files)
	if err != nil {
		err = errors.Join(err, s.undo(ctx, a))
	}
	return err
}

// image is what a container is to be made from; all have been pulled by then.
func (s *Stack) image(ctx context.Context, ref string) (plan.Image, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seen, ok := s.engine.images.use(ref); ok {
		return seen, nil
	}
	have, err := s.engine.api.ImageInspect(ctx, ref)
	if err != nil {
		return plan.Image{}, wrap("inspect image", err)
	}
	s.engine.images.see(ref, observeImage(have))
	seen, _ := s.engine.images.use(ref)
	return seen, nil
}

// silent reports whether nothing tells the health of a service whose container this run
// made.
func (s *Stack) silent(service string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	config := s.project.Services[service]
	image, made := s.engine.images.inUse(config.Image)
	return made && config.HealthCheck == nil && image.Defaults.HealthCheck == nil && !plan.Job(s.project, service)
}

// fill connects a new container to its other networks and delivers its files.
func (s *Stack) fill(ctx context.Context, a plan.Action, service types.ServiceConfig, id string, more []string, files []file) error {
	for _, name := range more {
		if err := s.engine.api.NetworkConnect(ctx, name, id, endpoint(service)); err != nil {
			return wrap("attach to network "+name, err)
		}
	}
	if service.ReadOnly && len(files) > 0 {
		kept, err := s.engine.keep(ctx, id, s.project.Name, service.Name)
		if err != nil {
			return err
		}
		files = append(kept, files...)
	}
	return s.engine.deliver(ctx, id, service.ReadOnly, files)
}

// remove removes a container, whatever it does. One that was put aside leaves nothing behind
// in the volume that it shared with its successor.
func (s *Stack) remove(ctx context.Context, target string) error {
	old, err := s.engine.api.ContainerInspect(ctx, target)
	if errdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return wrap("inspect container", err)
	}
	if service, ours := s.project.Services[old.Config.Labels[plan.LabelService]]; ours && sharesFiles(old) && old.Name != "/"+service.ContainerName {
		if err := s.engine.forget(ctx, old.ID); err != nil {
			return err
		}
	}
	// RemoveVolumes would take anonymous volumes along; minibot removes no data.
	err = s.engine.api.ContainerRemove(ctx, old.ID, container.RemoveOptions{Force: true})
	if errdefs.IsConflict(err) { // somebody else is removing it
		_, err = s.engine.ends(ctx, old.ID, container.WaitConditionRemoved, callPatience)
	}
	if errdefs.IsNotFound(err) {
		return nil
	}
	return wrap("remove container", err)
}

// removeNetwork explains a fault of older engines, which can lose count of a network's
// endpoints (seen on 20.10 when a client dies while containers start).
func (s *Stack) removeNetwork(ctx context.Context, name string) error {
	err := s.engine.api.NetworkRemove(ctx, name)
	if errdefs.IsNotFound(err) {
		return nil
	}
	if err == nil || !strings.Contains(err.Error(), "has active endpoints") {
		return wrap("remove network", err)
	}
	if have, failed := s.engine.api.NetworkInspect(ctx, name, network.InspectOptions{}); failed == nil && len(have.Containers) == 0 {
		return fmt.Errorf("remove network: the engine counts endpoints on %s that no container has; restart the engine, then run this again", name)
	}
	return wrap("remove network", err)
}

// composeVersion is the compose whose labels minibot's follow.
const composeVersion = "2.40.3"

// platformOf reads os/architecture[/variant]; nil leaves the choice to the engine.
func platformOf(text string) *ocispec.Platform {
	if text == "" {
		return nil
	}
	parts := append(strings.Split(text, "/"), "", "")
	return &ocispec.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
}
