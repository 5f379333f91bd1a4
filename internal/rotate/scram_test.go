package rotate

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"testing"
)

// The example of RFC 7677, section 3: user "user", password "pencil".
func TestSCRAMVerifier(t *testing.T) {
	decode := func(text string) []byte {
		t.Helper()
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	const (
		salt         = "W22ZaJ0SNY7soEsUEjb6gQ=="
		conversation = "n=user,r=rOprNGfwEbeRWgbNEkqO," +
			"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096," +
			"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
		proof     = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
		signature = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
	)
	verifier, err := scramVerifier("pencil", decode(salt), scramIterations)
	if err != nil {
		t.Fatal(err)
	}
	keys, ok := strings.CutPrefix(verifier, "SCRAM-SHA-256$4096:"+salt+"$")
	storedText, serverText, two := strings.Cut(keys, ":")
	if !ok || !two {
		t.Fatalf("verifier %q", verifier)
	}
	stored := decode(storedText)
	clientKey := decode(proof)
	subtle.XORBytes(clientKey, clientKey, mac(stored, conversation))
	if sum := sha256.Sum256(clientKey); !hmac.Equal(sum[:], stored) {
		t.Error("the client of the example would be refused")
	}
	if got := base64.StdEncoding.EncodeToString(mac(decode(serverText), conversation)); got != signature {
		t.Errorf("server signature %s, want %s", got, signature)
	}
}

func TestHashedAlike(t *testing.T) {
	for password, want := range map[string]bool{
		"abcXYZ019": true, `'"\$;-- ` + "\t": true, "Grüße, Σωκράτης, Жук, 100 €": true, "パスワード密码암호": true,
		"\xff":         false, // not UTF-8
		"a\x00b":       false, // ends a string in C
		"\ufb01sh":     false, // a ligature: libpq makes two letters of it, pgx does not
		"u\u0308":      false, // composes
		"a\u00a0b":     false, // a space of another kind
		"a\u00adb":     false, // a soft hyphen: libpq leaves it out
		"\u05d0":       false, // right to left: SASLprep has rules of its own
		"\U0001f600":   false, // not in Unicode 3.2
		"\ufffd":       false,
		"\u212a":       false, // the Kelvin sign, which is a K
		"\u0132\u00aa": false,
	} {
		if got := hashedAlike(password); got != want {
			t.Errorf("%+q: %t", password, got)
		}
	}
}

func TestQuoted(t *testing.T) {
	if got := quoted(`a"b\'`); got != `"a""b\'"` {
		t.Error(got)
	}
}

func TestKnowsSCRAM(t *testing.T) {
	for version, want := range map[string]bool{
		"15.18 (Debian 15.18-0+deb12u1)": true, "10.0": true, "18beta1": true, "9.6.24": false, "": false, "CockroachDB": false,
	} {
		if got := knowsSCRAM(version) == nil; got != want {
			t.Errorf("%q: %t", version, got)
		}
	}
}
