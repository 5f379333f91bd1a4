package adopt

import (
	"cmp"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"minibot/spec"
)

// files writes the secrets and configs that the service finds as files.
func (s *service) files(d *spec.Draft) {
	for _, one := range s.Secrets {
		s.secretFile(d, one)
	}
	for _, one := range s.Configs {
		s.configFile(d, one)
	}
	d.Blank()
}

func (s *service) secretFile(d *spec.Draft, one types.ServiceSecretConfig) {
	at := s.origin("secrets", one.Source)
	config := s.project.Secrets[one.Source]
	target := path.Join(spec.SecretDir, cmp.Or(one.Target, one.Source))
	if path.IsAbs(one.Target) {
		target = one.Target
	}
	known, there := s.secretFiles[one.Source]
	if !there {
		wanted, value := Secret{Name: one.Source}, ""
		switch {
		case config.Environment != "":
			value = s.vars.values[config.Environment]
			wanted.Name = config.Environment
			if _, inFile := s.vars.dotenv[config.Environment]; inFile {
				wanted.File = ".env"
			}
		case config.File != "":
			wanted.File, wanted.Whole = config.File, true
		case s.compose == nil:
			wanted.Container, wanted.Path = s.container.Name, target
		}
		known = s.secrets.add(wanted, "", value, "the secret "+one.Source+" of "+cmp.Or(s.file, s.Name))
		s.secretFiles[one.Source] = known
	}
	content := s.text(s.marks.of("secret." + known.Name + ".value"))
	s.fileBlock(d, target, content, types.FileReferenceConfig(one), at)
}

func (s *service) configFile(d *spec.Draft, one types.ServiceConfigObjConfig) {
	at := s.origin("configs", one.Source)
	config := s.project.Configs[one.Source]
	target := cmp.Or(one.Target, "/"+one.Source)
	switch {
	case bool(config.External):
		s.note(Refused, at, "configs "+one.Source, "It is kept by Swarm. Write its text into the spec: file \""+target+"\" { content = … }.")
	case config.File != "":
		s.mount(d, types.ServiceVolumeConfig{Target: target, ReadOnly: true}, s.compose.inDir(config.File), at)
	case config.Environment != "":
		text, ok := s.inherited(config.Environment, at)
		if ok {
			s.fileBlock(d, target, s.text(text), types.FileReferenceConfig(one), at)
		}
	default:
		line := keyLine(find(s.compose.root, "configs", one.Source), "content")
		text := s.hide("configs "+one.Source, one.Source, config.Content, origin{line: line, service: s.Name})
		s.fileBlock(d, target, s.text(text), types.FileReferenceConfig(one), at)
	}
}

// fileBlock writes a file of the container. Compose lets everybody in it read one for which nothing else is said, and so
// does the spec where it does not know as whom the service runs.
func (s *service) fileBlock(d *spec.Draft, target string, content spec.Expr, one types.FileReferenceConfig, at origin) {
	from := s.from(at)
	mode := "0444"
	if _, err := strconv.Atoi(strings.Split(s.User, ":")[0]); err == nil && one.UID == "" && one.GID == "" {
		mode = "" // the service's own user is the owner
	}
	if one.Mode != nil {
		mode = fmt.Sprintf("%04o", int64(*one.Mode))
	}
	d.Blank()
	d.Open(from, "file", target)
	d.Set("content", content, from)
	if mode != "" {
		d.Set("mode", spec.Quote(mode), from)
	}
	if mode != "" || one.UID != "" || one.GID != "" {
		d.Set("uid", spec.Integer(number(one.UID)), from)
		d.Set("gid", spec.Integer(number(one.GID)), from)
	}
	d.Close()
}
