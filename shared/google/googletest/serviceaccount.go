package googletest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"

	"github.com/go-jose/go-jose/v4"
)

// AccountState says whether a service account works.
type AccountState int

// The states of a service account.
const (
	AccountActive AccountState = iota
	AccountDisabled
	AccountDeleted
)

// registered is a service account as the token endpoint knows it.
type registered struct {
	keys      map[string]*rsa.PublicKey // by key id
	delegated map[string]bool           // by scope
	state     AccountState
}

// verifies reports whether one of the account's keys signed: the one that kid
// names, or any where there is no kid (a P12 file knows none).
func (a *registered) verifies(jws *jose.JSONWebSignature) bool {
	if len(jws.Signatures) != 1 {
		return false
	}
	if kid := jws.Signatures[0].Header.KeyID; kid != "" {
		key, ok := a.keys[kid]
		if !ok {
			return false
		}
		_, err := jws.Verify(key)
		return err == nil
	}
	for _, key := range a.keys {
		if _, err := jws.Verify(key); err == nil {
			return true
		}
	}
	return false
}

// ServiceAccount is a new service account with one key.
type ServiceAccount struct {
	Email    string
	ClientID string
	KeyID    string
	// Key is the private key, for tests that sign by themselves.
	Key *rsa.PrivateKey
	// JSON is the key file as Google's console hands it out, with the token_uri
	// that NewServiceAccount was told.
	JSON []byte
}

// NewServiceAccount makes a service account with an RSA key and registers it. name is the part of its address before the @; making the same
// name again adds a key to the account. tokenURI goes into the key file and is
// the address of this endpoint.
func (t *TokenEndpoint) NewServiceAccount(name, tokenURI string) (ServiceAccount, error) {
	key, err := t.opt.NewKey()
	if err != nil {
		return ServiceAccount{}, fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return ServiceAccount{}, fmt.Errorf("marshal key: %w", err)
	}
	id := make([]byte, 20)
	// crypto/rand never fails.
	_, _ = rand.Read(id)
	sa := ServiceAccount{
		Email:    name + "@sim-project.iam.gserviceaccount.com",
		ClientID: "1" + new(big.Int).SetBytes(id[:8]).String(),
		KeyID:    hex.EncodeToString(id),
		Key:      key,
	}
	sa.JSON, err = json.MarshalIndent(map[string]string{
		"type":            "service_account",
		"project_id":      "sim-project",
		"private_key_id":  sa.KeyID,
		"private_key":     string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email":    sa.Email,
		"client_id":       sa.ClientID,
		"auth_uri":        "https://accounts.google.com/o/oauth2/auth",
		"token_uri":       tokenURI,
		"universe_domain": "googleapis.com",
	}, "", "  ")
	if err != nil {
		return ServiceAccount{}, fmt.Errorf("marshal key file: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.accounts[sa.Email]
	if a == nil {
		a = &registered{keys: map[string]*rsa.PublicKey{}, delegated: map[string]bool{}}
		t.accounts[sa.Email] = a
	}
	a.keys[sa.KeyID] = &key.PublicKey
	return sa, nil
}

// SetAccount changes the state of the service account with this address.
func (t *TokenEndpoint) SetAccount(email string, s AccountState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.accounts[email]; a != nil {
		a.state = s
	}
}

// DeleteKey makes Google forget one key of the service account.
func (t *TokenEndpoint) DeleteKey(email, keyID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.accounts[email]; a != nil {
		delete(a.keys, keyID)
	}
}

// Delegate grants scopes to the service account for every person of the domain,
// as an administrator does under domain-wide delegation. It adds to what is
// granted; without scopes it takes all grants away.
func (t *TokenEndpoint) Delegate(email string, scopes ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.accounts[email]
	if a == nil {
		return
	}
	if len(scopes) == 0 {
		clear(a.delegated)
	}
	for _, s := range scopes {
		a.delegated[s] = true
	}
}
