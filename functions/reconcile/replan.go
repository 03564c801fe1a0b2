package reconcile

import (
	"context"
	"fmt"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// replan starts the workflow that brings an enterprise's passwords in line with its
// policy where that should have ended: whoever changed the policy may have died before
// it was started. It costs one read where there is nothing to do.
func (s *Sweeper) replan(ctx context.Context, enterprise string, sum *Summary) error {
	now := s.Now().UTC()
	p, err := s.DB.PasswordPolicy(ctx, enterprise)
	if err != nil {
		return s.without(ctx, err)
	}
	if _, overdue := p.Overdue(now); !overdue {
		return nil
	}
	// First the row, or two at once would start it twice, and an event that cannot be
	// published would be tried every time.
	var next password.Policy
	var overdue bool
	err = s.DB.Update(ctx, func(tx *record.Tx) error {
		p, err := tx.PasswordPolicy(enterprise)
		if err != nil {
			return err
		}
		if next, overdue = p.Overdue(now); !overdue {
			return nil
		}
		return tx.PutPasswordPolicy(next)
	})
	if err != nil || !overdue {
		return s.without(ctx, err)
	}
	data, err := workflow.Command{
		Enterprise: enterprise, Op: workflow.Replan, RequestedBy: actor, RequestedAt: now,
		RequestID: fmt.Sprintf("replan-%d-%d", next.Revision, now.Unix()),
	}.Marshal()
	if err != nil {
		return err
	}
	if _, err = s.Bus.Publish(ctx, event.Provision, data); err == nil {
		sum.Replanned++
	}
	return err
}

// without drops the error that there is no policy, and tells of one that cannot be
// read; neither stops the work on others.
func (s *Sweeper) without(ctx context.Context, err error) error {
	switch {
	case fault.KindOf(err) == fault.Permanent:
		s.damaged(ctx, "password policies", 1)
		return nil
	case fault.KindOf(err) == fault.NotFound:
		return nil
	}
	return err
}
