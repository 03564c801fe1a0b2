package admin

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
)

// passwordKeyView is what may be seen of the key set that seals passwords.
type passwordKeyView struct {
	Set bool `json:"set"`
	// Lost: there is no key set, and passwords are stored that were sealed with one.
	Lost bool          `json:"lost,omitzero"`
	Keys []keyring.Key `json:"keys"`
}

// showPasswordKey shows the key set, which is one for all enterprises.
func (o *Office) showPasswordKey(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	if _, err := o.enterprise(r); err != nil {
		return err
	}
	return o.answerPasswordKey(r)
}

func (o *Office) answerPasswordKey(r *request) (err error) {
	var v passwordKeyView
	if v.Keys, err = keyring.Keys(r.Context(), o.Secrets, keyring.SecretName); err != nil {
		return err
	}
	if v.Set = len(v.Keys) > 0; !v.Set {
		if v.Lost, err = o.DB.AnyPassword(r.Context()); err != nil {
			return err
		}
	}
	return answer(r, v)
}

// rotatePasswordKey makes the key set, or adds a key that seals from now on. The
// record is in the system's trail, for the key set belongs to no enterprise.
func (o *Office) rotatePasswordKey(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	var body struct {
		Rotate bool `json:"rotate"`
		// Anew: make a key set although passwords wait for the one that was lost.
		Anew bool `json:"anew"`
	}
	if err := r.body(&body); err != nil {
		return err
	}
	if !body.Rotate {
		return fault.Field("rotate", "give true; what the older keys sealed goes on to open")
	}
	keys, err := keyring.Keys(r.Context(), o.Secrets, keyring.SecretName)
	if err != nil {
		return err
	}
	detail := "rotated"
	if len(keys) == 0 {
		if detail, err = o.firstKey(r.Context(), body.Anew); err != nil {
			return err
		}
	}
	rec := o.note(r, systemTrail, "password-key.rotate", "secret:"+keyring.SecretName, detail+", asked for in "+e.ID)
	err = o.recorded(r.Context(), rec, func() error {
		// Whoever gave up waiting has the record in the trail.
		ctx := context.WithoutCancel(r.Context())
		if len(keys) == 0 {
			// Another admin may have made it meanwhile.
			if err := keyring.Create(ctx, o.Secrets, keyring.SecretName); fault.KindOf(err) != fault.Conflict {
				return err
			}
		}
		return keyring.Rotate(ctx, o.Secrets, keyring.SecretName)
	})
	if err != nil {
		return err
	}
	return o.answerPasswordKey(r)
}

// firstKey returns the trail's word for a key set that is made where there is none,
// or refuses it where one was lost: a new one opens nothing that is stored.
func (o *Office) firstKey(ctx context.Context, anew bool) (string, error) {
	lost, err := o.DB.AnyPassword(ctx)
	switch {
	case err != nil:
		return "", err
	case !lost:
		return "made", nil
	case !anew:
		return "", fault.New(fault.Conflict, "password-key-lost",
			"the secret %q is gone, and passwords are stored that were sealed with it; put its last version back, and nothing is lost. "+
				"If it is gone for good: rollcall password key --rotate --anew, then rollcall password renew --all in each enterprise", keyring.SecretName)
	}
	return "made anew", nil
}
