package main

import (
	"fmt"
	"strconv"

	"minibot/spec"
)

// topic is a page of help that is about no command.
type topic struct {
	name string
	text func(s *sheet)
	json func() any
}

func topics() []topic {
	return []topic{
		{"exit-codes", exitCodesText, func() any { return exitCodes }},
		{"environment", environmentText, func() any { return environment }},
		{"spec", func(s *sheet) { specText(s, "") }, func() any { return spec.Language() }},
	}
}

func topicNames() (names []string) {
	for _, topic := range topics() {
		names = append(names, topic.name)
	}
	return names
}

func exitCodesText(s *sheet) {
	var rows [][2]string
	for _, code := range exitCodes {
		rows = append(rows, [2]string{fmt.Sprintf("%3s", strconv.Itoa(code.Code)), code.Meaning})
	}
	s.rows("Exit codes", rows)
	s.paragraph("Results go to standard output, all else to standard error. A program that minibot run starts ends with its own code.")
}

// envVariable is one that minibot reads.
type envVariable struct {
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
}

// environment is what minibot reads of its environment.
var environment = []envVariable{
	{"MINIBOT_VAR_name", "the value of the spec's variable name; -var goes before it"},
	{"MINIBOT_SECRET_NAME", "the value of the secret NAME, for the store env alone: in CI, not in a shell's history"},
	{"MINIBOT_SECRETS_DIR", "where the store file keeps its files, instead of the system's place for data"},
	{"MINIBOT_STATE_DIR", "where locks and the history are kept, instead of the system's place for state"},
	{"DOCKER_HOST", "the engine's address, such as unix:///var/run/docker.sock; --host and --context go before it"},
	{"DOCKER_CONTEXT", "the docker context to use, where DOCKER_HOST is not set"},
	{"DOCKER_CONFIG", "the folder of docker's config.json and contexts; ~/.docker if not set"},
	{"DOCKER_CERT_PATH, DOCKER_TLS_VERIFY", "the keys for a DOCKER_HOST behind TLS, as the docker command takes them"},
	{"XDG_DATA_HOME, XDG_STATE_HOME", "the system's places for data and state on Linux; ~/.local/share and ~/.local/state if not set"},
	{"NO_COLOR", "anything but the empty text turns colour off, as --no-color does; so does TERM=dumb"},
}

func environmentText(s *sheet) {
	var rows [][2]string
	for _, variable := range environment {
		rows = append(rows, [2]string{variable.Name, variable.Meaning})
	}
	s.rows("Environment", rows)
	s.paragraph("A program that minibot starts sees MINIBOT_SECRET_… and the keys of the store file no more. The store exec hands its programs only what password managers need.")
}
