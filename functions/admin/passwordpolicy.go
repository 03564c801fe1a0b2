package admin

import (
	"context"
	"net/http"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// policyBody is a password policy as an admin sends it: what GET answers, changed,
// and whether only to tell what it would mean.
type policyBody struct {
	password.Policy
	DryRun bool `json:"dryRun"`
}

// policyView is a password policy with its defaults filled in.
type policyView struct {
	Policy password.Policy `json:"policy"`
}

// policyReply answers a change of the policy.
type policyReply struct {
	policyView
	// Effects counts the passwords by what the policy means for them, and Truncated
	// says that there are more than were counted.
	Effects   map[password.Effect]int `json:"effects"`
	Truncated bool                    `json:"truncated,omitzero"`
	// Changed: the policy is another than the stored one was.
	Changed bool `json:"changed"`
	// The rest is of the workflow that brings the passwords in line.
	EventID   string `json:"eventId,omitempty"`
	RequestID string `json:"requestId,omitempty"`
}

// noPolicy says what to do where passwords are not generated for an enterprise.
func noPolicy(enterprise string) error {
	return fault.New(fault.NotFound, "password-policy-missing",
		"the enterprise %q has no password policy, so no passwords are generated for it; to give it one: rollcall password policy %s --length 16", enterprise, enterprise)
}

// passwordPolicy returns the policy of an enterprise, or noPolicy.
func (o *Office) passwordPolicy(ctx context.Context, enterprise string) (password.Policy, error) {
	p, err := o.DB.PasswordPolicy(ctx, enterprise)
	if fault.KindOf(err) == fault.NotFound {
		err = noPolicy(enterprise)
	}
	return p, err
}

// mayRenew refuses a renewal where no passwords are generated.
func (o *Office) mayRenew(ctx context.Context, enterprise string) error {
	_, err := o.passwordPolicy(ctx, enterprise)
	if f := fault.As(err); f != nil && f.Kind == fault.NotFound {
		c := *f
		c.Kind = fault.Conflict
		return &c
	}
	return err
}

func (o *Office) showPasswordPolicy(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	p, err := o.passwordPolicy(r.Context(), e.ID)
	if err != nil {
		return err
	}
	return answer(r, policyView{p.WithDefaults()})
}

// setPasswordPolicy replaces the policy whole, tells what that means for the
// passwords there are, and starts the workflow that brings them in line. The same
// policy again does nothing once they are.
func (o *Office) setPasswordPolicy(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	var body policyBody
	if err := r.body(&body); err != nil {
		return err
	}
	if body.Enterprise != "" && body.Enterprise != e.ID {
		return fault.Field("enterprise", "the path names the enterprise %q; leave this member out, or give the same", e.ID)
	}
	old, err := o.DB.PasswordPolicy(r.Context(), e.ID)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	next, changed, err := o.nextPolicy(r, e.ID, old, body.Policy)
	if err != nil {
		return err
	}
	out := policyReply{policyView: policyView{next}, Changed: changed}
	if out.Effects, out.Truncated, err = o.effects(r.Context(), next); err != nil {
		return err
	}
	if body.DryRun || !changed && next.ReplanAt.IsZero() {
		return answer(r, out)
	}
	c, err := o.stamp(r, workflow.Command{Enterprise: e.ID, Op: workflow.Replan})
	if err != nil {
		return err
	}
	if out.Policy, out.Changed, err = o.storePolicy(r, body.Policy, c); err != nil {
		return err
	}
	// Also for the same policy again, while nobody knows whether the workflow that its
	// change asked for was ever started.
	if out.Policy.ReplanAt.IsZero() {
		return answer(r, out)
	}
	if out.EventID, err = o.replan(r, c, "stored"); err != nil {
		return err
	}
	out.RequestID = c.RequestID
	return answer(r, out)
}

// removePasswordPolicy ends the generation of passwords. It is refused while a
// setting needs one; the passwords that there are stay at Google.
func (o *Office) removePasswordPolicy(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	c, err := o.stamp(r, workflow.Command{Enterprise: e.ID, Op: workflow.Replan})
	if err != nil {
		return err
	}
	err = o.DB.Update(r.Context(), func(tx *record.Tx) error {
		if _, err := tx.PasswordPolicy(e.ID); fault.KindOf(err) == fault.NotFound {
			return noPolicy(e.ID)
		} else if err != nil {
			return err
		}
		book, err := tx.MailBook(e.ID)
		if err != nil {
			return err
		}
		if ids := book.NeedsGenerated(); len(ids) > 0 {
			return fault.New(fault.Conflict, "password-policy-needed",
				"these mail settings need generated passwords: %s; change them, or remove them with: rollcall setting remove", strings.Join(ids, ", "))
		}
		if err := tx.DeletePasswordPolicy(e.ID); err != nil {
			return err
		}
		return tx.Audit(o.note(r, e.ID, "password-policy.remove", "enterprise:"+e.ID, "request "+c.RequestID))
	})
	if err != nil {
		return err
	}
	if _, err := o.replan(r, c, "removed"); err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}
