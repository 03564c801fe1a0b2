package admin

import (
	"errors"
	"net/http"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// enterprise returns the enterprise that the path names.
func (o *Office) enterprise(r *request) (enterprise.Enterprise, error) {
	id := r.PathValue("enterprise")
	if enterprise.CheckID(id) != nil {
		return enterprise.Enterprise{}, missing("enterprise", id)
	}
	return o.DB.Enterprise(r.Context(), id)
}

func (o *Office) listEnterprises(r *request) error {
	p, err := r.page()
	if err != nil {
		return err
	}
	items, next, err := o.DB.Enterprises(r.Context(), p)
	if err != nil {
		return err
	}
	return list(r, items, next)
}

func (o *Office) showEnterprise(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	return api.WriteJSON(r.w, http.StatusOK, e)
}

// createEnterprise stores the enterprise as pending and has Google asked for it.
func (o *Office) createEnterprise(r *request) error {
	var body struct {
		ID     string            `json:"id"`
		Name   string            `json:"name"`
		Play   string            `json:"play"`
		Policy enterprise.Policy `json:"policy"`
	}
	if err := r.body(&body); err != nil {
		return err
	}
	e := enterprise.Enterprise{
		ID: body.ID, Name: body.Name, Play: body.Play, Policy: body.Policy,
		State: enterprise.Pending, CreatedAt: o.Now().UTC(),
	}
	if err := e.Validate(); err != nil {
		return err
	}
	err := o.DB.Update(r.Context(), func(tx *record.Tx) error {
		if _, err := tx.Enterprise(e.ID); err == nil {
			return fault.New(fault.Conflict, "enterprise-exists", "there is an enterprise %q already; choose another id", e.ID)
		} else if fault.KindOf(err) != fault.NotFound {
			return err
		}
		if other, err := tx.PlayClaim(e.Play); err == nil {
			return fault.New(fault.Conflict, "play-enterprise-taken",
				"Google's enterprise %s belongs to the enterprise %q already", e.Play, other)
		} else if fault.KindOf(err) != fault.NotFound {
			return err
		}
		if err := errors.Join(tx.PutEnterprise(e), tx.PutPlayClaim(e.Play, e.ID)); err != nil {
			return err
		}
		return tx.Audit(o.note(r, e.ID, "enterprise.create", "enterprise:"+e.ID, "play "+e.Play))
	})
	if err != nil {
		return err
	}
	if _, err := o.publish(r, workflow.Command{Enterprise: e.ID, Op: workflow.Verify}); err != nil {
		return fault.Wrap(err, fault.Transient, "verify-not-started",
			"the enterprise %q was stored, but Google could not be asked for it; start the workflow verify later", e.ID)
	}
	return api.WriteJSON(r.w, http.StatusCreated, e)
}

func (o *Office) setPolicy(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	var policy enterprise.Policy
	if err := r.body(&policy); err != nil {
		return inBody(err)
	}
	err = o.DB.Update(r.Context(), func(tx *record.Tx) error {
		// Not into e: a run whose read failed would leave the next one no id.
		found, err := tx.Enterprise(e.ID)
		if err != nil {
			return err
		}
		found.Policy = policy
		e = found
		if err := tx.PutEnterprise(found); err != nil {
			return err
		}
		return tx.Audit(o.note(r, e.ID, "enterprise.policy", "enterprise:"+e.ID, ""))
	})
	if err != nil {
		return err
	}
	return api.WriteJSON(r.w, http.StatusOK, e)
}

// inBody makes the path of a policy's member one within a body that is the policy.
func inBody(err error) error {
	e := fault.As(err)
	if e == nil || !strings.HasPrefix(e.Field, "policy.") {
		return err
	}
	c := *e
	c.Field = strings.TrimPrefix(e.Field, "policy.")
	return &c
}
