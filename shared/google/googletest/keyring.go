package googletest

import (
	"crypto/rand"
	"crypto/rsa"
	"sync"
)

// KeyRing returns a source of keys for TokenOptions.NewKey that makes n keys at
// most and then hands them out in turn. Making an RSA key takes a tenth of a
// second, and a test seldom cares whose key it is; n is how many accounts must
// differ. The source may be used concurrently and by many endpoints.
func KeyRing(n int) func() (*rsa.PrivateKey, error) {
	var mu sync.Mutex
	var keys []*rsa.PrivateKey
	next := 0
	return func() (*rsa.PrivateKey, error) {
		mu.Lock()
		defer mu.Unlock()
		if len(keys) < n {
			key, err := newKey()
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
			return key, nil
		}
		key := keys[next%len(keys)]
		next++
		return key, nil
	}
}

func newKey() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }
