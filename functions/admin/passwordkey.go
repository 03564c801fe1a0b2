package admin

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
)

// passwordKeyView is what may be seen of the key set that seals passwords.
type passwordKeyView struct {
	Set  bool          `json:"set"`
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

func (o *Office) answerPasswordKey(r *request) error {
	keys, err := keyring.Keys(r.Context(), o.Secrets, keyring.SecretName)
	if err != nil {
		return err
	}
	return answer(r, passwordKeyView{Set: len(keys) > 0, Keys: keys})
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
		detail = "made"
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
