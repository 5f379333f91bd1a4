package spec

import (
	"fmt"
	"slices"
)

var authKinds = []string{"mongo", "openclaw", "postgres", "redis"}

// checkAuth is about how verify tries the service's door.
func (d *decoder) checkAuth(s *Service) {
	if a := s.Auth; a != nil {
		if !slices.Contains(authKinds, a.Kind) {
			d.diags.add(a.KindRange, "Unknown kind of auth", oneOf(a.Kind, authKinds))
		}
		if a.UserRange.Empty() && (a.Kind == "postgres" || a.Kind == "mongo") {
			d.diags.add(a.KindRange, "Auth without a user", fmt.Sprintf("%s knows people by name. Write user = \"…\", as the service's environment has it.", a.Kind))
		}
		if parts := a.Password.Parts(); len(parts) != 1 || parts[0].Secret == "" {
			d.diags.add(a.PasswordRange, "Password is not a secret", "Write password = secret.NAME.value: the whole of one secret, and nothing else.")
		}
		if len(s.Binds) == 0 && !d.incomplete[s.Name] {
			d.diags.add(a.KindRange, "Nothing to check", fmt.Sprintf("%q binds no port, so verify cannot try its door. Give it a bind block, or take auth out.", s.Name))
		}
	}
}
