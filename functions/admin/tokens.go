package admin

import (
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// tokenView is an enrollment token as admins see it.
type tokenView struct {
	enrollment.Token
	// Status is active, expired, revoked or exhausted.
	Status string `json:"status"`
	// Used is how many devices enrolled, for one token that counts its uses.
	Used *int `json:"used,omitempty"`
}

// newTokenView is the reply to a creation, the one place where a secret is shown.
type newTokenView struct {
	tokenView
	Secret string     `json:"secret"`
	QR     *qrPayload `json:"qr,omitzero"`
}

func (o *Office) viewToken(t enrollment.Token) tokenView {
	return tokenView{Token: t, Status: t.Status(o.Now())}
}

func (o *Office) listTokens(r *request) error {
	p, err := r.page()
	if err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	tokens, next, err := o.DB.Tokens(r.Context(), e.ID, p)
	if err != nil {
		return err
	}
	items := make([]tokenView, len(tokens))
	for i, t := range tokens {
		items[i] = o.viewToken(t)
	}
	return list(r, items, next)
}

func (o *Office) createToken(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	var body tokenRequest
	if err := r.body(&body); err != nil {
		return err
	}
	t, err := body.token(e, r.actor, o.Now().UTC())
	if err != nil {
		return err
	}
	if body.QR != nil {
		if err := body.QR.validate(); err != nil {
			return err
		}
	}
	if e.State == enterprise.Gone {
		return fault.New(fault.Conflict, account.ReasonEnterpriseMissing,
			"Google no longer knows the enterprise %q, so no device can enroll; bind it again and start the workflow verify", e.ID)
	}
	key, err := enrollment.NewSecret(o.Random)
	if err != nil {
		return err
	}
	t.ID = enrollment.ID(key)
	err = o.DB.Update(r.Context(), func(tx *record.Tx) error {
		if err := tx.PutToken(t); err != nil {
			return err
		}
		return tx.Audit(o.note(r, e.ID, "enrollment-token.create", "enrollment-token:"+t.ID, tokenSubject(t)))
	})
	if err != nil {
		return err
	}
	return api.WriteJSON(r.w, http.StatusCreated, o.reveal(t, key, body.QR))
}

// reveal makes the one reply that holds a token's secret.
func (o *Office) reveal(t enrollment.Token, key secret.Value, qr *qrRequest) newTokenView {
	v := newTokenView{tokenView: o.viewToken(t), Secret: key.Reveal()}
	if qr != nil {
		v.QR = qr.payload(o.EnrollURL, key)
	}
	return v
}

func tokenSubject(t enrollment.Token) string {
	if t.Person == "" {
		return "dedicated devices"
	}
	return string(account.Person) + ":" + t.Person
}

// token returns the token that the path names, if it is the enterprise's.
func (o *Office) token(r *request) (enrollment.Token, error) {
	id, err := r.id("enrollment token")
	if err != nil {
		return enrollment.Token{}, err
	}
	if _, err := o.enterprise(r); err != nil {
		return enrollment.Token{}, err
	}
	t, err := o.DB.Token(r.Context(), id)
	if err == nil && t.Enterprise != r.PathValue("enterprise") {
		err = missing("enrollment token", id)
	}
	return t, err
}

func (o *Office) showToken(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	t, err := o.token(r)
	if err != nil {
		return err
	}
	v := o.viewToken(t)
	if t.Uses > 0 {
		n, err := o.used(r, t)
		if err != nil {
			return err
		}
		v.Used = &n
	}
	return api.WriteJSON(r.w, http.StatusOK, v)
}

// used adds up the token's shards. Each is read in a transaction of its own, so
// that no enrolling device waits for the sum.
func (o *Office) used(r *request, t enrollment.Token) (int, error) {
	counts := make([]int, t.Shards())
	g, ctx := errgroup.WithContext(r.Context())
	g.SetLimit(8)
	for i := range counts {
		g.Go(func() error {
			return o.DB.Update(ctx, func(tx *record.Tx) error {
				s, err := tx.Shard(t.ShardID(i))
				counts[i] = s.Used
				return err
			})
		})
	}
	err := g.Wait()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum, err
}

// revokeToken ends a token's use. A revoked token stays as it is.
func (o *Office) revokeToken(r *request) error {
	t, err := o.token(r)
	if err != nil {
		return err
	}
	err = o.DB.Update(r.Context(), func(tx *record.Tx) error {
		// Not into t: a run whose read failed would leave the next one no id.
		found, err := tx.Token(t.ID)
		if err != nil {
			return err
		}
		if t = found; !t.RevokedAt.IsZero() {
			return nil
		}
		t.RevokedAt = o.Now().UTC()
		if err := tx.PutToken(t); err != nil {
			return err
		}
		return tx.Audit(o.note(r, t.Enterprise, "enrollment-token.revoke", "enrollment-token:"+t.ID, tokenSubject(t)))
	})
	if err != nil {
		return err
	}
	return api.WriteJSON(r.w, http.StatusOK, o.viewToken(t))
}
