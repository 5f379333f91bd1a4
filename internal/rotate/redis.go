package rotate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"minibot/internal/probe"
	"minibot/internal/secret"
)

// changeRedis takes the old password from the user and gives it the new one, in one command, which Redis carries out as
// a whole or not at all. Both are sent as hashes. For the default user this does what CONFIG SET requirepass does, other
// passwords of the user aside, which stay; only CONFIG GET goes on showing the old one. It takes Redis 6 or
// later, and a user who may use ACL.
func changeRedis(ctx context.Context, a Account, old, new secret.Value) (probe.Answer, error) {
	return probe.RedisSession(ctx, a.Addr, a.User, old, func(command probe.RedisCommand) error {
		refusal, err := command("ACL", "SETUSER", cmp.Or(a.User, "default"), "!"+hashed(old), "#"+hashed(new))
		switch {
		case err != nil:
			return fmt.Errorf("ACL SETUSER: its answer was not heard: %w", err)
		case refusal == "NOPERM":
			return errors.New("ACL SETUSER: NOPERM: the user may not change passwords")
		case refusal != "":
			return errors.New("ACL SETUSER: the server says no; it takes Redis 6 or later")
		}
		return nil
	})
}

// hashed is a password as ACL SETUSER takes it after # and !.
func hashed(password secret.Value) string {
	sum := sha256.Sum256(password.Reveal())
	return hex.EncodeToString(sum[:])
}
