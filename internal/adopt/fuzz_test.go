package adopt_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"minibot/golden"
	"minibot/internal/adopt"
)

// Whatever a compose file says: the spec that comes of it holds, or there is none.
func FuzzFromFile(f *testing.F) {
	for _, c := range golden.Cases(f, "init") {
		f.Add([]byte(c.Section("docker-compose.yml")), []byte(c.Section(".env")))
	}
	f.Fuzz(func(t *testing.T, text, dotenv []byte) {
		result, err := adopt.FromFile(adopt.File{
			Name: "c.yml", Text: text, Dir: dir, Home: "/home/me",
			Read: func(path string) ([]byte, error) {
				if strings.HasSuffix(path, "/.env") {
					return dotenv, nil
				}
				return nil, fs.ErrNotExist
			},
		}, adopt.Options{})
		var file *adopt.FileError
		if errors.As(err, &file) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		holds(t, result)
	})
}
