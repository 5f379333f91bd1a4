package secret

import "crypto/rand"

// generatedLength is the length of a generated value in characters: 32 of 62 are 190 bits.
const generatedLength = 32

// base62 needs no quoting in a URL, redis.conf, a conninfo string, SQL, JSON or a shell.
const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Generate returns a new value of 32 random characters from 0-9, A-Z and a-z, each equally likely.
func Generate() (Value, error) {
	// Bytes from 248 up are thrown away: 248 is the last multiple of 62 in a byte, and taking the rest
	// modulo 62 would prefer the first eight characters.
	const limit = 256 - 256%len(base62)

	text := make([]byte, 0, generatedLength)
	random := make([]byte, 2*generatedLength)
	for {
		if _, err := rand.Read(random); err != nil {
			return Value{}, err
		}
		for _, b := range random {
			if int(b) >= limit {
				continue
			}
			text = append(text, base62[int(b)%len(base62)])
			if len(text) == generatedLength {
				return NewValue(text), nil
			}
		}
	}
}
