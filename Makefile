# Two commands for a fresh machine: "make demo" and "make test". On Debian, as root, both
# install and start a Docker Engine if none answers; elsewhere start Docker first.

TESTBED = go run ./internal/testbed/cmd/testbed

SHELL = bash

.PHONY: build demo demo-down test test-pure lint cross fuzz bench clean

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
	go run ./internal/testbed/cmd/bench $(BENCH)

clean:
	rm -f minibot
