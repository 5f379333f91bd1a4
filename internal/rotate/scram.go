package rotate

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"unicode"
)

// PostgreSQL's own defaults: SCRAM_SHA_256_DEFAULT_ITERATIONS and SCRAM_DEFAULT_SALT_LEN (postgres/postgres:
// src/include/common/scram-common.h).
const (
	scramIterations = 4096
	scramSaltLength = 16 // bytes
)

// scramVerifier is what a server keeps of a password (RFC 5803, in PostgreSQL's spelling). It tells whether a password is
// right, and does not let anybody in.
func scramVerifier(password string, salt []byte, iterations int) (string, error) {
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	key := func(name string) []byte {
		h := hmac.New(sha256.New, salted)
		h.Write([]byte(name))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(key("Client Key"))
	text := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, text(salt), text(stored[:]), text(key("Server Key"))), nil
}

// hashedAlike reports whether every client hashes this password as the bytes it is. SCRAM has them prepare it by
// SASLprep (RFC 4013) first; libpq does that, pgx does PRECIS (RFC 8265), others do nothing. They agree on ASCII
// (what SASLprep prohibits is taken as it is, by all of them) and on the letters of this table, which neither folds nor composes.
// Elsewhere, with a ligature say, the role would have a password that half of its clients cannot use.
func hashedAlike(password string) bool {
	for _, r := range password {
		if r != unicode.ReplacementChar && unicode.Is(preparedAsIs, r) {
			continue
		}
		return false
	}
	return true
}

var preparedAsIs = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x0001, Hi: 0x007f, Stride: 1}, // ASCII
		{Lo: 0x00a1, Hi: 0x00a7, Stride: 1}, // ¡ to §
		{Lo: 0x00bf, Hi: 0x0131, Stride: 1}, // ¿, Latin
		{Lo: 0x0134, Hi: 0x013e, Stride: 1},
		{Lo: 0x0141, Hi: 0x0148, Stride: 1},
		{Lo: 0x014a, Hi: 0x017e, Stride: 1},
		{Lo: 0x0386, Hi: 0x0386, Stride: 1}, // Greek
		{Lo: 0x0388, Hi: 0x038a, Stride: 1},
		{Lo: 0x038c, Hi: 0x038c, Stride: 1},
		{Lo: 0x038e, Hi: 0x03a1, Stride: 1},
		{Lo: 0x03a3, Hi: 0x03ce, Stride: 1},
		{Lo: 0x0400, Hi: 0x0482, Stride: 1}, // Cyrillic
		{Lo: 0x20ac, Hi: 0x20ac, Stride: 1}, // €
		{Lo: 0x3041, Hi: 0x3094, Stride: 1}, // kana
		{Lo: 0x30a1, Hi: 0x30fa, Stride: 1},
		{Lo: 0x30fc, Hi: 0x30fe, Stride: 1},
		{Lo: 0x4e00, Hi: 0x9fa5, Stride: 1}, // Han
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul
	},
	LatinOffset: 2,
}
