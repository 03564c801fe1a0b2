package password_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rollcall-emm/rollcall/shared/password"
)

var (
	noon   = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	policy = password.Policy{Enterprise: "acme", RotateDays: 90, MaxAttempts: 3}
)

func at(d time.Duration) time.Time { return noon.Add(d) }

// fresh is the next password of a row; its ciphertext tells the version.
func fresh(l password.Ledger) password.Fresh {
	b := l.NextBound()
	return password.Fresh{Sealed: fmt.Sprintf("sealed-%d", b.Version), Length: 16, For: b}
}

func none() password.Ledger { return password.New("acme", "p1") }

func pending() password.Ledger { return none().Want(noon, fresh(none())) }

// take leases what must be due.
func take(t *testing.T, l password.Ledger, now time.Time) (password.Ledger, password.Ticket) {
	t.Helper()
	l, ticket, ok := l.Lease(now, policy)
	if !ok {
		t.Fatalf("nothing to lease at %v: %+v", now, l)
	}
	return l, ticket
}

func active(t *testing.T) password.Ledger {
	l, ticket := take(t, pending(), noon)
	return l.Succeed(ticket, at(time.Second), policy, "g1")
}

var (
	counted   = password.Verdict{Outcome: password.Counted, Reason: "google-duplicate"}
	permanent = password.Verdict{Outcome: password.Permanent, Reason: "workspace-password"}
	deferred  = password.Verdict{Outcome: password.Deferred, Reason: "google-quota"}
	unknown   = password.Verdict{Outcome: password.PersonUnknown, Reason: "google-not-found"}
	lost      = password.Verdict{Outcome: password.Deferred, Reason: "google-deadline", Unanswered: true}
)

// rotated is the version behind an active one that became too old.
func rotated(t *testing.T) password.Ledger {
	l := active(t)
	return l.Rotate(l.RotateAt, fresh(l))
}

func TestDue(t *testing.T) {
	t.Parallel()
	leased, ticket := take(t, pending(), noon)
	renewedBehind := func(v password.Verdict) password.Ledger {
		l := leased.Fail(ticket, noon, policy, v, 0)
		return l.Renew(at(time.Second), at(time.Second), fresh(l), password.AtOnce)
	}
	renewed := leased.Renew(at(time.Second), at(time.Second), fresh(leased), password.AtOnce)
	wanted := leased.Renew(at(time.Second), at(time.Second), fresh(leased), password.AtCheckIn).Want(at(2*time.Second), password.Fresh{})
	unrotated := leased.Succeed(ticket, noon, password.Policy{}, "g")
	for _, tc := range []struct {
		name string
		row  password.Ledger
		want time.Time
	}{
		{"none", none(), time.Time{}},
		{"pending", pending(), noon},
		{"waiting for a device", active(t).Renew(at(time.Hour), at(time.Hour), fresh(active(t)), password.AtCheckIn), time.Time{}},
		{"leased", leased, at(password.LeaseTime)},
		{"renewed while an older version is on its way", renewed, at(password.LeaseTime)},
		{"renewed, and a device came, while an older version is on its way", wanted, at(password.LeaseTime)},
		{"renewed behind a call that nobody waited for", renewedBehind(lost), at(password.LeaseTime)},
		{"renewed behind a call that Google answered", renewedBehind(deferred), at(time.Second)},
		{"retry behind a call that nobody waited for", leased.Fail(ticket, noon, policy, lost, 0), at(time.Second)},
		{"rotated", rotated(t), rotated(t).Begun.Add(password.RotationGrace)},
		{"active", active(t), active(t).RotateAt},
		{"active without rotation", unrotated, time.Time{}},
		{"failed", leased.Fail(ticket, noon, policy, permanent, 0), time.Time{}},
	} {
		if got := tc.row.Due(); !got.Equal(tc.want) {
			t.Errorf("%s: due at %v, want %v", tc.name, got, tc.want)
		}
		_, _, early := tc.row.Lease(tc.want.Add(-1), policy)
		_, _, now := tc.row.Lease(tc.want, policy)
		free := !tc.want.IsZero() && tc.row.State != password.Active
		if early || now != free {
			t.Errorf("%s: can be leased before it is due: %v, when it is due: %v; want false, %v", tc.name, early, now, free)
		}
	}
}

// TestLease_W3_TheAttemptIsCountedWithTheLease: whoever reads the row that was
// stored with the ticket sees the attempt, and the call must end before the lease.
func TestLease_W3_TheAttemptIsCountedWithTheLease(t *testing.T) {
	t.Parallel()
	l, ticket := take(t, pending(), noon)
	if l.Attempts != 1 || ticket.Attempt != 1 || ticket.Version != 1 || ticket.Person != "p1" {
		t.Errorf("lease = %+v with %d attempts counted, want the first of version 1", ticket, l.Attempts)
	}
	if !ticket.Deadline.Before(l.Until) || !ticket.Deadline.After(noon) {
		t.Errorf("the call may run until %v, the lease until %v", ticket.Deadline, l.Until)
	}
	if again, _, ok := l.Lease(at(time.Minute), policy); ok || again != l {
		t.Errorf("a second worker got a password that a first one has")
	}
}

// TestFail_W3_AnOutageSpendsNoAttempts: deferrals have a budget of time alone, and
// it begins anew once Google answered.
func TestFail_W3_AnOutageSpendsNoAttempts(t *testing.T) {
	t.Parallel()
	l := pending()
	now := noon
	var ticket password.Ticket
	tries := 0
	for ; now.Before(at(72 * time.Hour)); now = l.Due() {
		l, ticket = take(t, l, now)
		l = l.Fail(ticket, now, policy, deferred, 0.5)
		if l.State != password.Retry && now.Before(at(72*time.Hour)) {
			t.Fatalf("after %v of an outage the row is %q", now.Sub(noon), short(l))
		}
		tries++
	}
	if tries < 300 || tries > 800 {
		t.Errorf("asked %d times in three days", tries)
	}
	answered, k := take(t, l, now)
	if got := answered.Fail(k, now, policy, counted, 0); short(got) != "retry 1/1" || !got.DeferredSince.IsZero() {
		t.Errorf("Google answered, and the row is %q, deferred since %v", short(got), got.DeferredSince)
	}
	l, ticket = take(t, l, now)
	l = l.Fail(ticket, now, policy, deferred, 0.5)
	if short(l) != "failed 1/0 password-deferrals" || l.Last != "google-quota" {
		t.Errorf("after the budget the row is %q, last %q", short(l), l.Last)
	}
}

func TestFail_Backoff(t *testing.T) {
	t.Parallel()
	delay := func(n int, v password.Verdict, jitter float64) time.Duration {
		p := password.Policy{MaxAttempts: 20}
		l := pending()
		for i := 0; ; i++ {
			now := l.Due()
			next, ticket, ok := l.Lease(now, p)
			if !ok {
				t.Fatalf("no lease for try %d of %q", i, short(l))
			}
			if l = next.Fail(ticket, now, p, v, jitter); i == n {
				return l.NextAt.Sub(now)
			}
		}
	}
	asked := deferred
	asked.RetryAfter = time.Minute
	for _, v := range []password.Verdict{deferred, counted} {
		for n, most := range map[int]time.Duration{
			0: 5 * time.Second, 1: 9 * time.Second, 2: 17 * time.Second, 7: 513 * time.Second, 8: 901 * time.Second, 18: 901 * time.Second,
		} {
			if least := delay(n, v, 0); least != time.Second {
				t.Errorf("%s try %d waits at least %v, want 1s", v.Outcome, n, least)
			}
			if got := delay(n, v, 1); got != most {
				t.Errorf("%s try %d waits at most %v, want %v", v.Outcome, n, got, most)
			}
		}
	}
	if got := delay(0, asked, 0); got != time.Minute {
		t.Errorf("Google asked for a minute, and the wait is %v", got)
	}
	if got := delay(0, asked, 1); got != time.Minute+4*time.Second {
		t.Errorf("the jitter behind Google's minute makes %v", got)
	}
	for _, wrong := range []float64{-5, 7} {
		if got := delay(0, deferred, wrong); got < time.Second || got > 5*time.Second {
			t.Errorf("a jitter of %v waits %v", wrong, got)
		}
	}
}

func TestRenew_W7_AnEventThatComesTwiceRenewsOnce(t *testing.T) {
	t.Parallel()
	asked := at(time.Hour)
	for _, skew := range []time.Duration{0, time.Minute, -time.Minute} {
		once := active(t).Renew(asked.Add(skew), asked, fresh(active(t)), password.AtOnce)
		twice := once.Renew(asked.Add(skew+time.Hour), asked, fresh(once), password.AtOnce)
		if once.Version != 2 || twice != once {
			t.Errorf("with a clock %v off, the versions are %d and %d, want 2 and 2", skew, once.Version, twice.Version)
		}
		if again := once.Renew(at(9*time.Hour), at(8*time.Hour), fresh(once), password.AtOnce); again.Version != 3 {
			t.Errorf("a later renewal made version %d, want 3", again.Version)
		}
	}
}

// TestBegin_W4_OnlyTheNextVersionIsTaken: ciphertext that was made for another row
// or version, by a closure that ran before, never gets into the row.
func TestBegin_W4_OnlyTheNextVersionIsTaken(t *testing.T) {
	t.Parallel()
	stale := fresh(none())
	other := fresh(active(t))
	other.For.Person = "p2"
	for name, f := range map[string]password.Fresh{"stale": stale, "another person's": other, "none": {}} {
		due := active(t)
		due.RotateAt = noon
		for how, got := range map[string]password.Ledger{
			"renew":  due.Renew(at(time.Hour), at(time.Hour), f, password.AtOnce),
			"rotate": due.Rotate(at(time.Hour), f),
		} {
			if got != due {
				t.Errorf("%s took a password that is %s", how, name)
			}
		}
	}
	if got := none().Want(noon, other); got != none() {
		t.Errorf("Want took another person's password")
	}
}

func TestReseal(t *testing.T) {
	t.Parallel()
	l := active(t)
	if got := l.Reseal("sealed-1", "new"); got.Sealed != "new" || got.Version != 1 {
		t.Errorf("resealed to %q of version %d", got.Sealed, got.Version)
	}
	for _, args := range [][2]string{{"sealed-0", "new"}, {"sealed-1", ""}} {
		if got := l.Reseal(args[0], args[1]); got != l {
			t.Errorf("Reseal(%q, %q) changed the row", args[0], args[1])
		}
	}
}

func TestUsable_C5_OnlyWhatGoogleAccepted(t *testing.T) {
	t.Parallel()
	leased, ticket := take(t, pending(), noon)
	for _, l := range []password.Ledger{
		none(), pending(), leased, leased.Fail(ticket, noon, policy, deferred, 0), leased.Fail(ticket, noon, policy, permanent, 0),
		active(t).Renew(at(time.Hour), at(time.Hour), fresh(active(t)), password.AtOnce),
	} {
		if l.Usable() {
			t.Errorf("%q is given to devices", short(l))
		}
	}
	if l := active(t); !l.Usable() || l.Accepted != 1 || l.Account != "g1" {
		t.Errorf("an accepted password is not usable: %+v", l)
	}
}

// TestLedger_SurvivesItsJSON: a row that comes out of a store is == to what went in,
// so that comparing tells whether there is something to write.
func TestLedger_SurvivesItsJSON(t *testing.T) {
	t.Parallel()
	leased, ticket := take(t, pending(), noon)
	for _, l := range []password.Ledger{
		{}, none(), pending(), leased, active(t), leased.Fail(ticket, at(time.Nanosecond), policy, deferred, 0.3),
		leased.Fail(ticket, noon, policy, permanent, 0), leased.Renew(at(time.Hour), at(time.Hour), fresh(leased), password.AtCheckIn),
	} {
		b, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		var got password.Ledger
		if err := json.Unmarshal(b, &got); err != nil || got != l {
			t.Errorf("%s became %+v: %v", b, got, err)
		}
	}
	if b := active(t).Bound(); b != (password.Binding{Enterprise: "acme", Person: "p1", Version: 1}) {
		t.Errorf("the password is bound to %+v", b)
	}
}
