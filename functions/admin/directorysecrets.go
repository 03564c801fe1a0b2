package admin

import (
	"context"
	"net/http"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Bounds of the body that holds a password.
const (
	maxPasswordBody = 8 << 10
	maxPassword     = 1024
)

// secretView says whether a secret is there, and never what it is.
type secretView struct {
	Set bool `json:"set"`
}

func (o *Office) showBindPassword(r *request) error {
	_, set, err := o.stored(r, directory.BindSecret)
	if err != nil {
		return err
	}
	return api.WriteJSON(r.w, http.StatusOK, secretView{Set: set})
}

// setBindPassword stores the password of LDAP.BindDN. No refusal quotes the body:
// a password in the wrong place of it is a password still (invariant E3).
func (o *Office) setBindPassword(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	raw, err := api.ReadJSON(r.w, r.Request, maxPasswordBody)
	if err != nil {
		return err
	}
	var body struct {
		Password string `json:"password"`
	}
	if api.Decode(raw, &body) != nil {
		return fault.Field("password", `send one JSON object with this member alone: {"password": "..."}`)
	}
	if n := len(body.Password); n == 0 || n > maxPassword || strings.ContainsRune(body.Password, 0) {
		return fault.Field("password", "give a password of 1 to %d bytes; for an anonymous bind delete it and configure no bindDn", maxPassword)
	}
	rec := o.note(r, e.ID, "directory.bind-password", "enterprise:"+e.ID, "set")
	err = o.recorded(r.Context(), rec, func() error {
		return o.keep(r.Context(), directory.BindSecret(e.ID), secret.New(body.Password))
	})
	if err != nil {
		return err
	}
	return api.WriteJSON(r.w, http.StatusOK, secretView{Set: true})
}

func (o *Office) removeBindPassword(r *request) error {
	return o.forget(r, "directory.bind-password", directory.BindSecret)
}

// stored returns a secret of the enterprise that the path names, if it is set.
func (o *Office) stored(r *request, name func(string) string) (v secret.Value, set bool, err error) {
	if err := r.accept(); err != nil {
		return v, false, err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return v, false, err
	}
	v, err = o.Secrets.Access(r.Context(), name(e.ID))
	if fault.KindOf(err) == fault.NotFound {
		return v, false, nil
	}
	return v, err == nil, err
}

// keep stores a secret; whoever gave up waiting has the record in the trail, so it
// is stored all the same.
func (o *Office) keep(ctx context.Context, name string, v secret.Value) error {
	return o.Secrets.Put(context.WithoutCancel(ctx), name, v)
}

func (o *Office) forget(r *request, action string, name func(string) string) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	err = o.recorded(r.Context(), o.note(r, e.ID, action, "enterprise:"+e.ID, "deleted"), func() error {
		return o.Secrets.Delete(r.Context(), name(e.ID))
	})
	if err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}
