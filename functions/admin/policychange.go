package admin

import (
	"context"
	"fmt"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// storePolicy stores what body makes of the policy by then, with the record.
func (o *Office) storePolicy(r *request, body password.Policy, c workflow.Command) (next password.Policy, changed bool, err error) {
	err = o.DB.Update(r.Context(), func(tx *record.Tx) error {
		old, err := tx.PasswordPolicy(c.Enterprise)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		if next, changed, err = o.nextPolicy(r, c.Enterprise, old, body); err != nil || !changed {
			return err
		}
		if err := tx.PutPasswordPolicy(next); err != nil {
			return err
		}
		return tx.Audit(o.note(r, c.Enterprise, "password-policy.set", "enterprise:"+c.Enterprise,
			describePolicy(next)+", request "+c.RequestID))
	})
	return next, changed, err
}

// nextPolicy returns the policy that takes old's place, with defaults filled in, and
// whether it is another one. A revision in body that is not old's is fault.Conflict.
func (o *Office) nextPolicy(r *request, enterprise string, old, body password.Policy) (password.Policy, bool, error) {
	switch {
	case body.Revision == 0 || body.Revision == old.Revision:
	case old.Revision == 0:
		return body, false, fault.New(fault.Conflict, "password-policy-changed",
			"the policy of the revision %d was removed; leave the member revision out to make it anew", body.Revision)
	default:
		return body, false, fault.New(fault.Conflict, "password-policy-changed",
			"the policy was changed by %s and has the revision %d by now, not %d; read it again, or leave the member revision out to replace it",
			old.UpdatedBy, old.Revision, body.Revision)
	}
	next := body.WithDefaults()
	next.Enterprise, next.Revision, next.UpdatedAt, next.UpdatedBy, next.ReplanAt = enterprise, old.Revision, old.UpdatedAt, old.UpdatedBy, old.ReplanAt
	if next == old.WithDefaults() {
		return next, false, nil
	}
	return next.Changed(old, o.Now().UTC(), r.actor), true, nil
}

func describePolicy(p password.Policy) string {
	rotation := "no rotation"
	if p.RotateDays > 0 {
		rotation = fmt.Sprintf("rotation every %d days", p.RotateDays)
	}
	s := fmt.Sprintf("revision %d: %d characters, %s, %d attempts, %d hours of deferral", p.Revision, p.Length, rotation, p.MaxAttempts, p.DeferralHours)
	if p.RotateOnLoss {
		s += ", rotation on loss"
	}
	return s
}

// replan starts the workflow that brings the passwords in line with what was done.
func (o *Office) replan(r *request, c workflow.Command, done string) (eventID string, err error) {
	if eventID, err = o.publish(r, c); err != nil {
		return "", fault.Wrap(err, fault.Transient, "replan-not-started",
			"the password policy was %s, but the passwords are not yet brought in line; that is tried again within %s, or send the policy once more", done, password.ReplanTime)
	}
	return eventID, nil
}

// effects counts what a policy means for the passwords of its enterprise.
func (o *Office) effects(ctx context.Context, p password.Policy) (n map[password.Effect]int, truncated bool, err error) {
	n = map[password.Effect]int{}
	now := o.Now().UTC()
	var end ending
	for l := range every(maxCounted, o.passwordRows(ctx, p.Enterprise), &end) {
		_, effect := l.Replan(now, p)
		n[effect]++
	}
	return n, end.more, end.err
}
