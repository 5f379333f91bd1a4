# Two commands for a fresh machine: "make demo" and "make test". On Debian, as root, both
# install and start a Docker Engine if none answers; elsewhere start Docker first.

TESTBED = go run ./internal/testbed/cmd/testbed

SHELL = bash

# What makes releases, from the Go module proxy. They are tools, and no part of minibot.
GORELEASER = go run github.com/goreleaser/goreleaser/v2@v2.15.1
CYCLONEDX = go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

.PHONY: build demo demo-down test test-pure lint cross fuzz bench clean \
	example-check review review-post release release-check release-files sbom formula

build: ## the program, in this folder
	go build -o minibot ./cmd/minibot

demo: build ## the reference stack on this machine: secrets, plan, apply, verify
	$(TESTBED) demo ./minibot minibot.hcl.example

demo-down: build ## stop it and the engine; VOLUMES=delete deletes its data and secrets too
	$(TESTBED) undo $(if $(filter delete,$(VOLUMES)),--volumes) ./minibot minibot.hcl.example

test: lint cross ## everything, on a real engine with the four real services
	$(TESTBED) run -- go test -timeout 60m ./...

test-pure: ## what needs no engine; it says what it left out
	@set -o pipefail; env -u MINIBOT_TEST_ENGINE go test -v ./... 2>&1 | grep -E '^(ok|FAIL|panic)|--- (SKIP|FAIL)|SKIPPED'

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "not gofmt-ed"; exit 1; }
	go vet ./...

cross: ## the platforms that users have
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 go build ./...
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build ./...

fuzz: ## each parser, for a minute
	go test ./spec -run '^$$' -fuzz FuzzParse -fuzztime 60s
	go test ./spec -run '^$$' -fuzz FuzzFormat -fuzztime 60s
	go test ./spec -run '^$$' -fuzz FuzzTemplate -fuzztime 60s
	go test ./render -run '^$$' -fuzz FuzzLoad -fuzztime 60s
	go test ./internal/adopt -run '^$$' -fuzz FuzzFromFile -fuzztime 60s
	go test ./cmd/minibot -run '^$$' -fuzz FuzzParseEnv -fuzztime 60s

bench: ## what is claimed about speed, beside docker compose and the bare engine; BENCH="-n 4 -rounds 3" for less
	go test ./spec ./render ./internal/plan ./internal/secret -run '^$$' -bench . -benchmem
	$(TESTBED) run -- go test ./cmd/minibot -run '^$$' -bench VerifyReference -benchtime 20x
	go run ./internal/testbed/cmd/bench $(BENCH)

EXAMPLE = minibot.hcl.example golden/render/example.yml

example-check: ## is the example's rendered file what the example says?
	go run ./cmd/minibot -f $(firstword $(EXAMPLE)) render --check $(lastword $(EXAMPLE))

review: build ## the example's rendered file and plan as Markdown; BASE=COMMIT for what changed since
	@MINIBOT=./minibot .ci/review $(EXAMPLE) $(BASE)

review-post: build ## the same below the pull request PR, by GitHub's gh
	@MINIBOT=./minibot .ci/review $(EXAMPLE) $(BASE) >.review.md; found=$$?; \
	cat .review.md >>"$${GITHUB_STEP_SUMMARY:-/dev/null}"; \
	gh pr comment $(PR) --edit-last --create-if-none --body-file .review.md || \
		echo "nothing was posted: a pull request from a fork may not; the review is in the summary of this run" >&2; \
	exit $$found

release: ## a draft at the tag that is checked out; on a Mac, whose keychain needs its compiler
	@test "$$(uname)" = Darwin || { echo "make release needs a Mac, see .goreleaser.yaml"; exit 1; }
	$(GORELEASER) release --clean

release-check: ## on Linux: the configuration, all of a release but the Mac's programs, and two equal ones of one commit
	$(GORELEASER) check
	$(GORELEASER) release --snapshot --clean
	cd dist && sha256sum --check --quiet checksums.txt
	first=$$(cat dist/checksums.txt) && $(GORELEASER) release --snapshot --clean && diff <(echo "$$first") dist/checksums.txt
	.ci/reproducible

release-files: ## the manual and the completions, in .release
	rm -rf .release && mkdir -p .release/completions
	CGO_ENABLED=0 go build -trimpath -ldflags '-X main.version=$(VERSION)' -o .release/minibot ./cmd/minibot
	.release/minibot __man .release/man
	.release/minibot completion bash >.release/completions/minibot.bash
	.release/minibot completion zsh >.release/completions/_minibot
	.release/minibot completion fish >.release/completions/minibot.fish

sbom: ## what the program ARTIFACT is made of, in DOCUMENT
	@$(CYCLONEDX) bin -json -noserial $(ARTIFACT) | grep -v '"timestamp": ' >$(DOCUMENT) # which alone would differ each time

formula: ## dist/minibot.rb, for Homebrew, from the checksums of a release
	@repository=$$(git remote get-url origin | sed -e 's,^git@\([^:]*\):,https://\1/,' -e 's,\.git$$,,'); \
	version=$$(sed -n 's/.* minibot_\(.*\)_darwin_arm64.tar.gz$$/\1/p' dist/checksums.txt); \
	test -n "$$repository" && test -n "$$version" || { echo "there is no release in dist, or no remote origin"; exit 1; }; \
	sed -e "s,@REPOSITORY@,$$repository,g; s,@VERSION@,$$version,g" \
		$$(sed -nE 's/^([0-9a-f]+)  minibot_.*_((darwin|linux)_[a-z0-9]+)\.tar\.gz$$/-e s,@\2@,\1,/p' dist/checksums.txt) \
		.github/minibot.rb >dist/minibot.rb
	@! grep "@.*@" dist/minibot.rb || { echo "there is no checksum for these"; exit 1; }

clean:
	rm -rf minibot dist .release .review.md
