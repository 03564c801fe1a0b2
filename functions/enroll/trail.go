package enroll

import (
	"cmp"
	"context"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/signin"
)

// refused records a refusal, counts it where it was of wrong credentials, and returns
// it. Failures that are not refusals pass.
func (s *Registrar) refused(ctx context.Context, c call, a admission, why error) error {
	reason := fault.ReasonOf(why)
	if fault.KindOf(why) != fault.Unauthorized && reason != signin.ReasonLimit || reason == "proof-reused" {
		return why
	}
	record, count := s.Record(), a.address != "" && reason != signin.ReasonLimit
	if !record && !count {
		return why
	}
	err := s.Update(ctx, func(tx Rows) error {
		if count {
			if err := s.failed(tx, a.address); err != nil {
				return err
			}
		}
		if !record {
			return nil
		}
		return tx.Audit(s.note(c, a, reason))
	})
	if err != nil {
		return err
	}
	return why
}

// note is the trail's line. Of a stranger's words nothing is in it.
func (s *Registrar) note(c call, a admission, result string) audit.Record {
	r := audit.Record{
		Enterprise: cmp.Or(a.enterprise.ID, "-"), At: s.Now(), Actor: "device:" + c.device, Action: "device.enroll", Result: result,
	}
	switch {
	case a.by == "":
		r.Target = "enrollment-token:" + cmp.Or(a.token.ID, "unknown")
	case a.person == "":
		r.Target = "sign-in:" + string(a.by)
	default:
		r.Target, r.Detail = "person:"+a.person, "sign-in:"+string(a.by)
	}
	return r
}
