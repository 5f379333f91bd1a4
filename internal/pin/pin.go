// Package pin reads and writes minibot.lock: which image the tag of each service stood for when it was locked. A tag
// can be moved by whoever owns it; a digest names one image for good.
//
// It is pure, and knows neither spec nor engine: a pin is a service's name, the image as the spec wrote it, and a digest.
package pin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Lock is what a file says, by the names of services.
type Lock map[string]Pin

// Pin is the image of one service.
type Pin struct {
	// Image is what the spec said, such as postgres:17.
	Image string `yaml:"image" json:"image"`
	// Digest is what that stood for, such as sha256:0123….
	Digest string `yaml:"digest" json:"digest"`
}

// Reference is the image by its digest. The tag stays, for people; engines go by the digest alone.
func (p Pin) Reference() string { return p.Image + "@" + p.Digest }

// FileOf is where the lock of a spec is: beside it, minibot.lock for minibot.hcl.
func FileOf(spec string) string { return strings.TrimSuffix(spec, ".hcl") + ".lock" }

// file is the file as YAML.
type file struct {
	Version  int            `yaml:"version"`
	Services map[string]Pin `yaml:"services"`
}

// version is that of the file's format.
const version = 1

const header = `# Which image each tag of %s stood for when it was locked. It is made by
#     minibot lock                    for services that are not in it yet
#     minibot lock --update SERVICE   for what the tag stands for today
# and shown against today's by minibot outdated. Check it in: render, plan and apply
# use these images and no others. A service that is not in it is used by its tag.
#
# version: of this format.   services: by name, sorted.
#     image: as the spec says it; with another one there the lock is out of date.
#     digest: the image, in every registry that has it.
`

var digests = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Read reads a file. It takes nothing that Text would not have written, but for comments and layout.
func Read(text []byte) (Lock, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var f file
	if err := decoder.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New(strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "\n  ", " "))
	}
	if f.Version != version {
		return nil, fmt.Errorf("it has version %d, and this minibot knows version %d", f.Version, version)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Services)) {
		switch p := f.Services[name]; {
		case p.Image == "":
			return nil, fmt.Errorf("%s has no image", name)
		case !digests.MatchString(p.Digest):
			return nil, fmt.Errorf("%s: %q is not a digest, such as sha256: and 64 hexadecimal digits", name, p.Digest)
		}
	}
	return f.Services, nil
}

// Text is the file. The same lock always gives the same bytes.
func (l Lock) Text(spec string) ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, header, filepath.Base(spec))
	encoder := yaml.NewEncoder(&out) // it sorts the names
	encoder.SetIndent(2)
	if err := encoder.Encode(file{version, l}); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}
