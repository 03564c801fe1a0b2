package stack_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// TestTrail_E5_TellsTheWholeStory: from the enrollment token to the deletion, each
// step is one record with who, what, on whom, when and with what result, and no
// later step changes an earlier record.
func TestTrail_E5_TellsTheWholeStory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	began := time.Now()
	p := w.phone(w.enrollmentToken("person-1", 1))
	p.settle()
	early := w.trail()
	d := w.theDevice()
	if err := w.deliver(t.Context(), workflow.Delete, d.Desired.AccountID, 1); err != nil {
		t.Fatal(err)
	}
	trail := w.trail()
	if diff := cmp.Diff(early, trail[:len(early)]); diff != "" {
		t.Errorf("earlier records changed (-before +after):\n%s", diff)
	}
	type step struct{ Actor, Action, Target, Result string }
	var got []step
	ids := map[string]bool{}
	for _, r := range trail {
		if r.ID == "" || ids[r.ID] || r.Enterprise != "acme" || r.At.Before(began.Add(-time.Second)) || r.At.After(time.Now()) {
			t.Errorf("record %+v is not whole", r)
		}
		ids[r.ID] = true
		got = append(got, step{r.Actor, r.Action, r.Target, r.Result})
	}
	device, acct := "device:"+d.ID, "account:"+d.Desired.AccountID
	want := []step{
		{"admin:local", "enrollment-token.create", "enrollment-token:" + d.EnrollmentToken, audit.OK},
		{device, "device.enroll", "enrollment-token:" + d.EnrollmentToken, audit.OK},
		{device, "token.request", acct, audit.OK},
		{device, "account.create", acct, audit.OK},
		{device, "token.added", acct, audit.OK},
		{"admin:test", "workflow.delete", device, audit.OK},
		{"admin:test", "account.delete", acct, audit.OK},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// trail returns the enterprise's audit trail, oldest first.
func (w *world) trail() []audit.Record {
	w.t.Helper()
	rs, _, err := w.db().Audit(w.t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return rs
}
