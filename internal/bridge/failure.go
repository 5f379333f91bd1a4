package bridge

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"unicode"
)

// causes are the words by which programs say why they could not connect: node's and Python's codes, and the texts of
// the C library, which the others print.
var causes = []struct {
	words []string
	err   error // nil: the name does not resolve
}{
	{[]string{"ENOTFOUND", "Name or service not known", "Name does not resolve", "No address associated", "nodename nor servname", "bad address"}, nil},
	{[]string{"EAI_AGAIN", "Temporary failure in name resolution", "Try again"}, nil},
	{[]string{"ECONNREFUSED", "Connection refused"}, syscall.ECONNREFUSED},
	{[]string{"ETIMEDOUT", "Connection timed out", "Operation timed out", "timed out"}, syscall.ETIMEDOUT},
	{[]string{"ENETUNREACH", "Network is unreachable", "Network unreachable"}, syscall.ENETUNREACH},
	{[]string{"EHOSTUNREACH", "No route to host", "Host is unreachable"}, syscall.EHOSTUNREACH},
	{[]string{"ECONNRESET", "Connection reset"}, syscall.ECONNRESET},
	{[]string{"EACCES", "EPERM", "Permission denied", "Operation not permitted"}, syscall.EPERM},
}

// failure is the error that a program's words mean.
func failure(host, words string) error {
	for _, cause := range causes {
		for _, word := range cause.words {
			switch {
			case !strings.Contains(words, word):
			case cause.err != nil:
				return cause.err
			case cause.words[0] == "EAI_AGAIN":
				return &net.DNSError{Err: "no answer from the name server", Name: host, IsTemporary: true}
			default:
				return &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
			}
		}
	}
	return errors.New(plain(words, "the program ended without a word"))
}

// plain is the first of the texts that says something, as one short line that can be printed.
func plain(texts ...string) string {
	for _, text := range texts {
		text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
		if runes := []rune(text); len(runes) > 160 {
			text = string(runes[:160]) + "…"
		}
		if text != "" {
			return text
		}
	}
	return "it said nothing"
}
