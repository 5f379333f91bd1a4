package remote

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// No ssh has a secret of minibot's in its environment or its arguments; what a person set for ssh it has.
func TestEnvironment(t *testing.T) {
	dir := t.TempDir()
	const fake = `#!/bin/sh
echo "$@" >>$RECORD
/usr/bin/env >>$RECORD
case $* in *LocalCommand=*) echo minibot; exec cat ;; esac
`
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte(fake), 0o700); err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(dir, "record")
	for name, value := range map[string]string{
		"PATH": dir + ":" + os.Getenv("PATH"), "TMPDIR": dir, "RECORD": record,
		"SSH_AUTH_SOCK": "/the/agent", "MINIBOT_SECRET_KEY": "s3same", "MINIBOT_AGE_KEY": "s3same",
	} {
		t.Setenv(name, value)
	}
	m, err := New("ssh://me@mini:2222")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := run(t.Context(), m, "true"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(record)
	said := string(text)
	if err != nil || strings.Count(said, "-l me -p 2222 -- mini ") != 2 || strings.Count(said, "SSH_AUTH_SOCK=/the/agent\n") != 2 {
		t.Errorf("%v, ssh was started as\n%s", err, said)
	}
	if strings.Contains(said, "s3same") || strings.Contains(said, "MINIBOT_SECRET_") || strings.Contains(said, "MINIBOT_AGE_") {
		t.Errorf("ssh was given\n%s", said)
	}
}
