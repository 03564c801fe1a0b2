package checkin_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/functions/checkin"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// hangs is a Google that answers nothing before whoever asks gives up.
func hangs(ctx context.Context) error {
	<-ctx.Done()
	return fault.Wrap(ctx.Err(), fault.Transient, "google-deadline", "")
}

// sweep does what the function passwordsweep leads to, once the row is due.
func (o *office) sweep() password.Ledger {
	o.t.Helper()
	due := o.ledger().Due()
	if due.IsZero() {
		o.t.Fatalf("no sweep ever finds the row: %+v", o.ledger())
	}
	if due.After(o.now) {
		o.now = due
	}
	l, err := o.pusher.Push(o.t.Context(), "acme", adaKey)
	if err != nil {
		o.t.Fatal(err)
	}
	return l
}

// TestCheckIn_C5_PasswordBeforeSetting: however Google answers within the request, a
// setting that needs the password waits for Google's word, the others do not, and the
// device comes back when there may be news.
func TestCheckIn_C5_PasswordBeforeSetting(t *testing.T) {
	t.Parallel()
	permanent := fault.New(fault.Permanent, "workspace-password", "")
	for _, tc := range []struct {
		name   string
		budget time.Duration
		answer func(context.Context) error
		calls  int
		state  password.State
		back   int // the seconds until the next check-in
		swept  bool
	}{
		{"in time", time.Minute, nil, 1, password.Active, 60, false},
		{"never within a request", 0, nil, 0, password.Pending, 60, true},
		{"Google hangs", 20 * time.Millisecond, hangs, 1, password.Retry, 60, true},
		{"Google is down", time.Minute, func(context.Context) error { return transient() }, 1, password.Retry, 60, true},
		{"Google is down for long", time.Minute, func(context.Context) error {
			return fault.New(fault.Transient, "google-backend", "").After(2 * time.Hour)
		}, 1, password.Retry, 7202, true},
		{"Google refuses", time.Minute, func(context.Context) error { return permanent }, 1, password.Failed, 14400, false},
		{"Google does not know the person", time.Minute, func(context.Context) error { return notFound() }, 1, password.Failed, 14400, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, sales())
			h := o.handset()
			o.desk.Budget, o.answer = tc.budget, tc.answer
			reply := h.report(protocol.CheckInRequest{})
			all := h.read(reply)
			sent := tc.state == password.Active
			if o.calls != tc.calls || o.ledger().State != tc.state || len(all) == 1 != sent {
				t.Fatalf("%d calls, the row is %s for %q, told %v", o.calls, o.ledger().State, o.ledger().Last, list(all))
			}
			if reply.NextCheckInSeconds != tc.back {
				t.Errorf("back in %d s, want %d", reply.NextCheckInSeconds, tc.back)
			}
			if due := h.row().Mail.Due; due != tc.swept {
				t.Errorf("looked at again with the next check-in: %v, want %v", due, tc.swept)
			}
			if !tc.swept {
				return
			}
			o.answer = nil
			if l := o.sweep(); l.State != password.Active || l.Version != 1 {
				t.Fatalf("the sweep leaves the row %s", l.State)
			}
			if diff := cmp.Diff([]string{"applySetting sales"}, list(h.checkIn())); diff != "" {
				t.Errorf("told afterwards (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCheckIn_C5_TheBudgetIsTheRequests: Google gets what reading has left of it, and
// is not asked where that is next to nothing.
func TestCheckIn_C5_TheBudgetIsTheRequests(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		reads time.Duration // how long reading took
		calls int
	}{{"at once", 0, 1}, {"slowly", time.Second, 1}, {"too slowly", 1500 * time.Millisecond, 0}, {"far too slowly", time.Minute, 0}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, sales())
			h := o.handset()
			o.desk.Budget = 2 * time.Second
			o.desk.Settings = slow{o.desk.Settings, func() { o.now = o.now.Add(tc.reads) }}
			began := time.Now()
			o.answer = func(ctx context.Context) error {
				end, ok := ctx.Deadline()
				if left := end.Sub(began); !ok || left > 2*time.Second-tc.reads+time.Since(began) {
					t.Errorf("Google is given %v", left)
				}
				return nil
			}
			h.checkIn()
			if o.calls != tc.calls {
				t.Errorf("%d calls, want %d", o.calls, tc.calls)
			}
		})
	}
}

// slow is a store whose reading of the book takes time.
type slow struct {
	checkin.Settings
	takes func()
}

func (s slow) MailBook(ctx context.Context, ent string) (mail.Book, error) {
	s.takes()
	return s.Settings.MailBook(ctx, ent)
}

// late is a pusher that the store keeps waiting for longer than a request may take.
type late struct{ checkin.Passwords }

func (late) Push(ctx context.Context, _, _ string) (password.Ledger, error) {
	<-ctx.Done()
	return password.Ledger{}, ctx.Err()
}

// TestCheckIn_C5_ThePushIsCutShort before it began: that is no trouble, and the row
// is due.
func TestCheckIn_C5_ThePushIsCutShort(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sales(), voice())
	h := o.handset()
	o.desk.Budget = 20 * time.Millisecond
	o.desk.Passwords = func(context.Context) (checkin.Passwords, error) { return late{o.pusher}, nil }
	reply := h.report(protocol.CheckInRequest{})
	if diff := cmp.Diff([]string{"applySetting voice"}, list(h.read(reply))); diff != "" || reply.NextCheckInSeconds != 60 {
		t.Errorf("back in %d s, told (-want +got):\n%s", reply.NextCheckInSeconds, diff)
	}
	h.checkIn(did(h.read(reply))...)
	if reply := h.report(protocol.CheckInRequest{}); reply.NextCheckInSeconds != 60 || !h.row().Mail.Due {
		t.Errorf("back in %d s", reply.NextCheckInSeconds)
	}
	if l := o.sweep(); l.State != password.Active || l.Version != 1 {
		t.Errorf("the sweep leaves the row %s", l.State)
	}
}

// TestCheckIn_W6_UntilSomethingChanges: a device asks nothing more of a password that
// failed, until it is renewed.
func TestCheckIn_W6_UntilSomethingChanges(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sales())
	h := o.handset()
	o.answer = func(context.Context) error { return notFound() }
	for range 4 {
		h.checkIn()
		o.now = o.now.Add(4 * time.Hour)
	}
	if l := o.ledger(); o.calls != 1 || l.Reason != password.ReasonUnknownPerson {
		t.Fatalf("%d calls, failed for %q", o.calls, l.Reason)
	}
	o.answer = nil
	o.renew()
	o.now = o.now.Add(4 * time.Hour)
	if all := h.checkIn(); len(all) != 1 || all[0].Mail.Account.PasswordVersion != 2 {
		t.Errorf("told %v after the renewal", list(all))
	}
}

// TestCheckIn_W7_RenewalWithTheNextCheckIn: the older password works until a device
// asks, and what the device has stays until Google has the newer one.
func TestCheckIn_W7_RenewalWithTheNextCheckIn(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sales(), voice())
	h := o.handset()
	h.checkIn(did(h.checkIn())...)
	o.renew()
	o.answer = func(context.Context) error { return transient() }
	o.now = o.now.Add(15 * time.Minute)
	if all := h.checkIn(); len(all) != 0 || cmp.Diff([]string{"sales applied", "voice applied"}, h.holds()) != "" {
		t.Fatalf("told %v, and holds %v", list(all), h.holds())
	}
	o.answer = nil
	o.sweep()
	all := h.checkIn()
	if len(all) != 1 || all[0].Mail.Account.PasswordVersion != 2 {
		t.Errorf("told %v, want sales with the second password", list(all))
	}
}

// TestCheckIn_NoPolicyNoPassword: without a policy none is made, and the device is not
// kept coming back for it.
func TestCheckIn_NoPolicyNoPassword(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sales(), voice())
	h := o.handset()
	o.put(func(tx *record.Tx) error { return tx.DeletePasswordPolicy("acme") })
	reply := h.report(protocol.CheckInRequest{Outcomes: did(h.checkIn())})
	if len(reply.Directives) != 0 || reply.NextCheckInSeconds != 14400 || h.row().Mail.Due || o.ledger().State != password.None {
		t.Errorf("told %v, back in %d s, due %v, the row is %s", reply.Directives, reply.NextCheckInSeconds, h.row().Mail.Due, o.ledger().State)
	}
}

// TestCheckIn_C6_MailThatIsNotAnswered: a device is expected soon while it may answer;
// an agent that knows no settings is not kept coming back every minute.
func TestCheckIn_C6_MailThatIsNotAnswered(t *testing.T) {
	t.Parallel()
	o := newOffice(t, voice())
	h := o.handset()
	var back []int
	for range 3 {
		back = append(back, h.report(protocol.CheckInRequest{}).NextCheckInSeconds)
		o.now = o.now.Add(8 * time.Minute)
	}
	if diff := cmp.Diff([]int{60, 60, 14400}, back); diff != "" {
		t.Errorf("back in (-want +got):\n%s", diff)
	}
	all := h.checkIn()
	if reply := h.report(protocol.CheckInRequest{Outcomes: cannot(all)}); reply.NextCheckInSeconds != 14400 {
		t.Errorf("after a failure that waits for an operator back in %d s", reply.NextCheckInSeconds)
	}
}
