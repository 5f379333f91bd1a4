package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"minibot/internal/plan"
)

var stackChecks = []Check{
	{
		ID: "stack.engine.reachable", Severity: High, Must: true,
		Claim:   "The container engine answers.",
		Why:     "Whoever cannot ask the engine knows nothing of containers, ports and limits.",
		How:     "The engine is asked for its version. If it does not answer, this and every check that needs it is an error.",
		Applies: "every stack",
		Remedy:  "Start the engine, and see that the Docker context is the one meant (docker context ls).",
		run:     engineReachable,
	},
	{
		ID: "stack.service.present", Severity: High, Must: true,
		Claim:   "Every service has exactly one container of this stack.",
		Why:     "A service without a container does not serve, and two would work on the same data.",
		How:     "The engine's containers are matched with the services by compose's labels and by their names.",
		Applies: "every service",
		Remedy:  "Run minibot apply.",
		needs:   theEngine, run: servicePresent,
	},
	{
		ID: "stack.service.running", Severity: High, Must: true,
		Claim:   "Every service runs, or ended well where others wait for its end.",
		Why:     "A container that crashes again and again is there, and serves nobody.",
		How:     "The state of the container as the engine tells it: status, exit code, restarts, and whether it was killed for want of memory.",
		Applies: "every service",
		Remedy:  "Look at its last lines (docker logs CONTAINER), then run minibot apply.",
		needs:   theEngine, run: serviceRunning,
	},
	{
		ID: "stack.service.healthy", Severity: Medium, CIS: "5.27",
		Claim:   "Every service's own healthcheck says that it works.",
		Why:     "A process can run and answer nobody.",
		How:     "What the engine last learned from the healthcheck of the container. One that is still starting is an error, not a pass.",
		Applies: "services whose container runs", Attribute: "healthcheck",
		Remedy: "Look at what the healthcheck says: docker inspect -f '{{json .State.Health}}' CONTAINER.",
		needs:  theEngine, run: perContainer(serviceHealthy),
	},
	{
		ID: "stack.image.match", Severity: Medium, Must: true, CIS: "5.28",
		Claim:   "Every container is made from the image that the spec names.",
		Why:     "A tag is a name that moves: what runs may be older, or another program, than what the spec names.",
		How:     "The digest of the container's image is compared with the one that the image's name stands for on the engine now.",
		Applies: "every service", Attribute: "image",
		Remedy: "Run minibot apply: it replaces the container.",
		needs:  theEngine, run: imageMatch,
	},
	{
		ID: "stack.image.pinned", Severity: Low, CIS: "5.28",
		Claim:   "Every image is named by a digest or by the tag of a version.",
		Why:     "What latest or stable means is decided by somebody else, on another day: two machines with one spec then run two programs.",
		How:     "The name in the spec must have a digest (@sha256:…), or a tag with a number in it. A tag of a version can still move: stack.image.match sees that.",
		Applies: "every service", Attribute: "image",
		Remedy: "Write the version that runs now, or its digest: docker image inspect -f '{{json .RepoDigests}}' IMAGE.",
		run:    imagePinned,
	},
	{
		ID: "stack.drift", Severity: Medium, Must: true,
		Claim:   "The machine is what the spec says, field by field: the plan is empty.",
		Why:     "What somebody changed by hand lasts until the next apply, and nobody else knows of it.",
		How:     "A plan is made, field by field from the live containers. Each difference that it would put right is a failure.",
		Applies: "every stack",
		Remedy:  "Look at minibot plan, then run minibot apply.",
		needs:   theEngine, run: drift,
	},
	{
		ID: "stack.extra.container", Severity: Medium, CIS: "5.9",
		Claim:   "No container that the spec does not know touches the stack.",
		Why:     "A container on the stack's network reaches every service there behind the published ports, and one on its ports stands in its place.",
		How:     "All containers of the engine are searched for those on the stack's networks or ports, or with its labels, that stand for no service.",
		Applies: "every stack",
		Remedy:  "Remove it (docker rm -f CONTAINER), take it off the network, or declare it in the spec.",
		needs:   theEngine, run: extraContainer,
	},
}

func engineReachable(_ context.Context, s Subject) []Result {
	if s.Unseen != nil {
		result := unknown("%v", s.Unseen)
		if errors.Is(s.Unseen, fs.ErrPermission) {
			result = result.remedy("Run minibot as a user who may use the engine's socket: one of the group docker, or root.")
		}
		return []Result{result.on("engine")}
	}
	e := s.Live.Engine
	return []Result{pass("version %s, API %s%s", e.Version, e.API, prefixed(", on ", e.OperatingSystem)).on("engine")}
}

func servicePresent(_ context.Context, s Subject) []Result {
	var results []Result
	for _, p := range s.pairs() {
		var second, foreign []string
		for _, other := range s.others() {
			switch {
			case other.Project == s.Project.Name && other.Service == p.spec.Name && s.stray(other):
				second = append(second, other.Name)
			case other.Name == p.spec.ContainerName:
				foreign = append(foreign, other.Name+prefixed(" of the project ", other.Project))
			}
		}
		var result Result
		switch {
		case p.have == nil && len(foreign) > 0:
			result = fail("the container %s is there and is not this stack's", foreign[0]).remedy("Rename or remove it, then run minibot apply.")
		case p.have == nil:
			result = fail("there is no container %s", p.spec.ContainerName)
		case len(second) > 0:
			result = fail("it has a second container: %s", strings.Join(second, ", ")).remedy("Remove it: docker rm -f %s.", strings.Join(second, " "))
		default:
			result = pass("%s", p.have.Name)
		}
		results = append(results, result.of(p.spec.Name, ""))
	}
	return results
}

func serviceRunning(_ context.Context, s Subject) []Result {
	return s.eachContainer(func(p pair) Result {
		state := p.have.State
		job := plan.Job(s.Project, p.spec.Name)
		switch {
		case state.Status == "running":
			return pass("running%s", history(state))
		case state.Status == "exited" && state.ExitCode == 0 && job:
			return pass("done: it ended with exit code 0, as others wait for")
		case state.Status == "created":
			return fail("%s was made and never started%s", p.have.Name, history(state)).remedy("%s", advice(p))
		case state.Status == "exited", state.Status == "dead", state.Status == "restarting":
			return fail("%s is %s, exit code %d%s", p.have.Name, state.Status, state.ExitCode, history(state)).remedy("%s", advice(p))
		}
		return fail("%s is %s%s", p.have.Name, state.Status, history(state)).remedy("%s", advice(p))
	})
}

// history says what happened to a container before.
func history(state plan.State) string {
	text := ""
	if state.OOMKilled {
		text += ", killed for want of memory (OOMKilled)"
	}
	if state.RestartCount > 0 {
		text += ", restarted " + count(state.RestartCount, "time")
	}
	return text + prefixed(": ", state.Error)
}

func advice(p pair) string {
	if p.have.State.OOMKilled {
		return fmt.Sprintf("It needed more than %s: raise limits.memory of service %q, then run minibot apply.", size(int64(p.have.Actual.MemLimit)), p.spec.Name)
	}
	return fmt.Sprintf("Look at its last lines (docker logs --tail 20 %s), then run minibot apply.", p.have.Name)
}

func serviceHealthy(p pair) Result {
	asked := p.want.HealthCheck != nil && !p.want.HealthCheck.Disable && !slices.Equal(p.want.HealthCheck.Test, []string{"NONE"})
	state := p.have.State
	switch {
	case state.Status != "running":
		return skip("the container does not run")
	case state.Health == "healthy":
		return pass("healthy")
	case state.Health == "unhealthy":
		return fail("%s runs, but its healthcheck fails", p.have.Name).remedy("See what it says: docker inspect -f '{{json .State.Health}}' %s", p.have.Name)
	case state.Health == "starting":
		return unknown("its healthcheck is still starting: it cannot be told yet").remedy("Verify again in a moment.")
	case !asked:
		return fail("it has no healthcheck, so nobody knows whether it works").as(Low).remedy("Give service %q a healthcheck block.", p.spec.Name)
	}
	return fail("the container has no healthcheck, and the file asks for one").remedy("Run minibot apply.")
}

func imageMatch(_ context.Context, s Subject) []Result {
	return s.eachContainer(func(p pair) Result {
		image, there := s.Live.Images[p.want.Image]
		switch {
		case p.have.Actual.Image != p.want.Image:
			return fail("%s is made from %s, not from %s", p.have.Name, p.have.Actual.Image, p.want.Image)
		case !there:
			return unknown("the engine no longer has %s, so what it named cannot be told", p.want.Image).remedy("Fetch it (docker pull %s) and verify again.", p.want.Image)
		case image.ID != p.have.ImageID:
			return fail("the tag %s has moved: the container is made from %s, the tag names %s", p.want.Image, short(p.have.ImageID), short(image.ID))
		}
		return pass("%s, %s", p.want.Image, short(image.ID))
	})
}

func imagePinned(_ context.Context, s Subject) []Result {
	var results []Result
	for _, p := range s.pairs() {
		name, digest, pinned := strings.Cut(p.want.Image, "@")
		tag := ""
		if i := strings.LastIndex(name, ":"); i > strings.LastIndex(name, "/") { // before a slash it is a port
			tag = name[i+1:]
		}
		result := fail("%s says no version: the tag %s is moved at will", p.want.Image, tag)
		switch {
		case pinned:
			result = pass("%s", digest)
		case tag == "":
			result = fail("%s has no tag, which means latest", p.want.Image)
		case strings.ContainsAny(tag, "0123456789"):
			result = pass("tag %s", tag)
		}
		results = append(results, result.of(p.spec.Name, ""))
	}
	return results
}

func extraContainer(_ context.Context, s Subject) []Result {
	var results []Result
	for _, stray := range s.Plan.Strays {
		results = append(results, fail("%s (image %s) %s", stray.Name, stray.Image, strings.Join(stray.Why, "; ")).on(stray.Name).
			remedy("Remove it (docker rm -f %s), or declare it in the spec.", stray.Name))
	}
	if results == nil {
		return []Result{pass("there is none").on("stack")}
	}
	return results
}

// prefixed is the text after a prefix; nothing if there is no text.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// short is an image's digest as people read it.
func short(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(12, len(id))]
}
