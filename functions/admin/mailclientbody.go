package admin

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
)

// newMailClient is a mail client as an admin registers it.
type newMailClient struct {
	Name string `json:"name"`
	// Key is the client's public key as a JWK (RFC 7517): EC, P-256. A client has this
	// or ServiceAccount.
	Key            jsontext.Value             `json:"key"`
	ServiceAccount *mailclient.ServiceAccount `json:"serviceAccount"`
	Scope          mailclient.Scope           `json:"scope"`
	Allow          mailclient.Allow           `json:"allow"`
}

// client returns the mail client, with its id, after every check.
func (n newMailClient) client(enterprise string) (mailclient.Client, error) {
	c := mailclient.Client{
		Enterprise: enterprise, Name: n.Name, ServiceAccount: n.ServiceAccount, Scope: n.Scope, Allow: n.Allow, State: mailclient.Active,
	}
	switch {
	case (len(n.Key) == 0) == (n.ServiceAccount == nil):
		return c, fault.Field("key", "give the client's public key as a JWK, or serviceAccount, and not both")
	case n.ServiceAccount != nil:
		c.ID = mailclient.AccountID(n.ServiceAccount.Sub)
	default:
		thumb, err := clientThumbprint(n.Key)
		if err != nil {
			return c, err
		}
		c.Thumbprint, c.ID = base64.RawURLEncoding.EncodeToString(thumb), mailclient.KeyID(thumb)
	}
	return c, c.Validate()
}

// clientThumbprint returns the RFC 7638 thumbprint of a public key. No refusal quotes it: it
// may be a private key.
func clientThumbprint(raw []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, fault.Field("key", "give the client's public key as a JWK, which is a JSON object")
	}
	if _, private := members["d"]; private {
		return nil, fault.Field("key", "this is a private key, which is for nobody but the mail client; make a new one, and give its public half")
	}
	var jwk jose.JSONWebKey
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&jwk); err != nil {
		return nil, fault.Field("key", "this is no JWK of a public key (RFC 7517)")
	}
	if key, ok := jwk.Key.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() || !jwk.Valid() {
		return nil, fault.Field("key", "give an EC key on the curve P-256")
	}
	thumb, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fault.Field("key", "this is no JWK of a public key (RFC 7517)")
	}
	return thumb, nil
}

// changedMailClient is a mail client as an admin changes it: what GET answers, changed.
type changedMailClient struct {
	mailclient.Client
	// Mailboxes is what GET counts, and says nothing here.
	Mailboxes int `json:"mailboxes"`
}

// Validate lets the row's own check wait until it is known which it is.
func (changedMailClient) Validate() error { return nil }

// over returns old with what may be changed of it. Whatever else is given must be as
// it is.
func (n changedMailClient) over(old mailclient.Client) (mailclient.Client, error) {
	const fixed = "this cannot be changed; leave it out, or register another mail client"
	switch {
	case n.ID != "" && n.ID != old.ID:
		return old, fault.Field("id", fixed)
	case n.Enterprise != "" && n.Enterprise != old.Enterprise:
		return old, fault.Field("enterprise", fixed)
	case n.Thumbprint != "" && n.Thumbprint != old.Thumbprint:
		return old, fault.Field("thumbprint", fixed)
	case n.ServiceAccount != nil && (old.ServiceAccount == nil || *n.ServiceAccount != *old.ServiceAccount):
		return old, fault.Field("serviceAccount", fixed)
	}
	if err := changedAt(n.UpdatedAt, old); err != nil {
		return old, err
	}
	next := old
	next.Name, next.Scope, next.Allow, next.State = n.Name, n.Scope, n.Allow, n.State
	if next.State == "" {
		// Whoever changes the list of a client that was revoked does not let it in again.
		next.State = old.State
	}
	return next, next.Validate()
}
