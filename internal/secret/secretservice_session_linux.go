package secret

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"math/big"

	"github.com/keybase/dbus"
	"github.com/keybase/go-keychain/secretservice"
)

// sessionPrime is the Second Oakley Group of RFC 2409, section 6.2; its generator is 2.
var sessionPrime, _ = new(big.Int).SetString(
	"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"+
		"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"+
		"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF", 16)

const sessionBytes = 128 // of sessionPrime

// openSession agrees with the service on a key for the values, once.
//
// It does not use go-keychain's OpenSession, which drops the zero bytes that a shared secret begins with, one time in
// 256; GNOME Keyring keeps them. The two then have different keys (measured: 10 of 3000 sessions could not read a
// value; with this, none). Nothing authenticates the values, so with bad luck one side would take garbage for one.
// Of the others some keep the zeros and some do not, so such a secret is thrown away and another one agreed on.
func (k *keyring) openSession(ctx context.Context) (*secretservice.Session, error) {
	for k.session == nil {
		private, err := rand.Int(rand.Reader, sessionPrime)
		if err != nil {
			return nil, err
		}
		var theirs dbus.Variant
		var path dbus.ObjectPath
		err = k.service.ServiceObj().CallWithContext(ctx, "org.freedesktop.Secret.Service.OpenSession", 0,
			secretservice.AuthenticationDHAES, dbus.MakeVariant(new(big.Int).Exp(big.NewInt(2), private, sessionPrime).Bytes())).
			Store(&theirs, &path)
		if err != nil {
			return nil, err
		}
		public, _ := theirs.Value().([]byte)
		shared, err := sharedSecret(public, private)
		if err != nil {
			return nil, err
		}
		if shared[0] == 0 {
			k.service.Obj(path).Call("org.freedesktop.Secret.Session.Close", dbus.FlagNoReplyExpected)
			continue
		}
		key, err := hkdf.Key(sha256.New, shared, nil, "", 16)
		if err != nil {
			return nil, err
		}
		k.session = &secretservice.Session{Mode: secretservice.AuthenticationDHAES, Path: path, AESKey: key}
	}
	return k.session, nil
}

// sharedSecret returns sessionBytes bytes.
func sharedSecret(public []byte, private *big.Int) ([]byte, error) {
	y := new(big.Int).SetBytes(public)
	if last := new(big.Int).Sub(sessionPrime, big.NewInt(1)); y.Cmp(big.NewInt(1)) <= 0 || y.Cmp(last) >= 0 {
		return nil, errors.New("a public key that makes no secret")
	}
	return y.Exp(y, private, sessionPrime).FillBytes(make([]byte, sessionBytes)), nil
}
