package probe

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
)

// scram is the server's side of one SCRAM-SHA-256 conversation (RFC 5802, RFC 7677), for the databases of the
// tests. It takes any user who knows the password.
type scram struct {
	password    string
	first, bare string // the server's first message; the client's, without its GS2 header
}

const scramRounds = 4096

// start answers the client's first message.
func (s *scram) start(clientFirst string) (string, error) {
	parts := strings.SplitN(clientFirst, ",", 3)
	if len(parts) != 3 {
		return "", errors.New("no client-first-message")
	}
	s.bare = parts[2]
	_, nonce, ok := strings.Cut(s.bare, "r=")
	if !ok {
		return "", errors.New("no nonce")
	}
	s.first = "r=" + nonce + "server,s=" + base64.StdEncoding.EncodeToString([]byte("salt of the test")) + ",i=4096"
	return s.first, nil
}

// finish checks the proof in the client's final message and returns the server's signature.
func (s *scram) finish(clientFinal string) (signature string, right bool) {
	without, proofText, ok := strings.Cut(clientFinal, ",p=")
	proof, err := base64.StdEncoding.DecodeString(proofText)
	if !ok || err != nil || len(proof) != sha256.Size {
		return "", false
	}
	salted, err := pbkdf2.Key(sha256.New, s.password, []byte("salt of the test"), scramRounds, sha256.Size)
	if err != nil {
		return "", false
	}
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	conversation := s.bare + "," + s.first + "," + without
	key := mac(salted, "Client Key")
	stored := sha256.Sum256(key)
	subtle.XORBytes(proof, proof, mac(stored[:], conversation))
	if !hmac.Equal(proof, key) {
		return "", false
	}
	return "v=" + base64.StdEncoding.EncodeToString(mac(mac(salted, "Server Key"), conversation)), true
}
