package google

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	// assertionLife is the longest that Google documents.
	assertionLife = time.Hour
	// assertionAge is how much younger Google's clock may be than ours.
	assertionAge = 10 * time.Second
)

// claims are those of an assertion ("Using OAuth 2.0 for Server to Server
// Applications").
type claims struct {
	Issuer   string `json:"iss"`
	Scope    string `json:"scope"`
	Audience string `json:"aud"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Subject  string `json:"sub,omitempty"`
}

// signer makes assertions with one credential.
type signer struct {
	owner uint64
	view  credential.View
	raw   secret.Value
	// key is nil where Google signs.
	key    jose.Signer
	readAt time.Time
}

// newSigner checks what the secret store holds.
func (t *Tokens) newSigner(raw secret.Value) (*signer, error) {
	c, err := credential.Read(raw, credential.Options{AnyTokenURI: t.opt.AnyTokenURI})
	if err != nil {
		return nil, fault.New(fault.Permanent, ReasonKey, "The service account's credential is not usable: %s", fault.As(err).Public)
	}
	s := &signer{owner: t.opt.Cache.newOwner(), view: c.View, raw: raw}
	key := c.PrivateKey()
	if key == nil {
		return s, nil
	}
	o := (&jose.SignerOptions{}).WithType("JWT")
	if c.View.KeyID != "" {
		o = o.WithHeader("kid", c.View.KeyID)
	}
	if s.key, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, o); err != nil {
		return nil, fault.New(fault.Permanent, ReasonKey, "The service account's private key cannot sign.")
	}
	return s, nil
}

// signer returns the one in use, read anew where there is none or its credential
// was read long ago. A store that fails for a while does not stop one that works.
func (t *Tokens) signer(ctx context.Context) (*signer, error) {
	s := t.inUse.Load()
	if s != nil && t.opt.Now().Sub(s.readAt) < t.opt.Recheck {
		return s, nil
	}
	next, err := t.readSigner(ctx, s)
	if k := fault.KindOf(err); s != nil && (k == fault.Transient || k == fault.Exhausted) {
		return t.use(s), nil
	}
	return next, err
}

// use takes s into use as read just now.
func (t *Tokens) use(s *signer) *signer {
	now := *s
	now.readAt = t.opt.Now()
	t.inUse.Store(&now)
	return &now
}

// readSigner reads the credential and takes it into use, under old's number where
// it is old's. A credential that is gone, or is none, takes old out of use. Many
// who ask at once make one read.
func (t *Tokens) readSigner(ctx context.Context, old *signer) (*signer, error) {
	v, err, _ := t.reads.Do("", func() (any, error) {
		if s := t.inUse.Load(); s != nil && s != old {
			return s, nil
		}
		raw, err := t.opt.Credential(ctx)
		switch {
		case err != nil && fault.As(err) == nil:
			err = fault.Wrap(err, fault.Transient, ReasonIdentity, "The service account's credential cannot be read.")
		case err == nil && old != nil && raw.Equal(old.raw):
			return t.use(old), nil
		}
		var next *signer
		if err == nil {
			next, err = t.newSigner(raw)
		}
		if err == nil {
			return t.use(next), nil
		}
		if k := fault.KindOf(err); k != fault.Transient && k != fault.Exhausted {
			t.inUse.Store(nil)
		}
		return nil, err
	})
	s, _ := v.(*signer)
	return s, err
}

// assert returns a signed assertion.
func (t *Tokens) assert(ctx context.Context, s *signer, subject string, scopes Scopes) (string, error) {
	now := t.opt.Now()
	payload, err := json.Marshal(claims{
		Issuer: s.view.ClientEmail, Scope: scopes.String(), Audience: s.view.TokenURI, Subject: subject,
		IssuedAt: now.Add(-assertionAge).Unix(), Expires: now.Add(assertionLife - assertionAge).Unix(),
	})
	if err != nil {
		return "", fault.Wrap(errors.New("claims cannot be written"), fault.Permanent, ReasonRefused, "The assertion cannot be made.")
	}
	if s.key == nil {
		return t.signJWT(ctx, s.view.ClientEmail, payload)
	}
	jws, err := s.key.Sign(payload)
	if err != nil {
		return "", fault.New(fault.Permanent, ReasonKey, "The service account's private key cannot sign.")
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		return "", fault.New(fault.Permanent, ReasonKey, "The service account's private key cannot sign.")
	}
	return out, nil
}
