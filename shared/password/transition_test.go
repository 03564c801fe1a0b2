package password_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/password"
)

// short is a row in few words.
func short(l password.Ledger) string {
	s := fmt.Sprintf("%s %d/%d", l.State, l.Version, l.Attempts)
	if l.Waiting() {
		s += " waiting"
	}
	if l.Reason != "" {
		s += " " + l.Reason
	}
	return s
}

// TestLedger_W1_EveryTransitionInEveryState holds the whole rule: the row that each
// method makes of each state, as "state version/attempts". What is not listed for a
// state leaves it as it is. The ticket that results come with is that of the state's
// last lease; the time is an hour after noon.
func TestLedger_W1_EveryTransitionInEveryState(t *testing.T) {
	t.Parallel()
	hour := at(time.Hour)
	leased, ticket := take(t, pending(), noon)
	live, liveTicket := take(t, pending(), at(59*time.Minute))
	retry := leased.Fail(ticket, noon, policy, counted, 0)
	waiting := active(t).Renew(at(time.Minute), at(time.Minute), fresh(active(t)), password.AtCheckIn)
	last := retry
	for i := range policy.MaxAttempts - 1 {
		now := at(time.Duration(30+i) * time.Minute)
		var next password.Ticket
		last, next = take(t, last, now)
		if last.Attempts < policy.MaxAttempts {
			last = last.Fail(next, now, policy, counted, 0)
		}
	}

	transitions := []struct {
		name string
		do   func(password.Ledger, password.Ticket) password.Ledger
	}{
		{"want", func(l password.Ledger, _ password.Ticket) password.Ledger { return l.Want(hour, fresh(l)) }},
		{"lease", func(l password.Ledger, _ password.Ticket) password.Ledger {
			l, _, _ = l.Lease(hour, policy)
			return l
		}},
		{"succeed", func(l password.Ledger, k password.Ticket) password.Ledger { return l.Succeed(k, hour, policy, "g1") }},
		{"defer", func(l password.Ledger, k password.Ticket) password.Ledger {
			return l.Fail(k, hour, policy, deferred, 0)
		}},
		{"refuse", func(l password.Ledger, k password.Ticket) password.Ledger { return l.Fail(k, hour, policy, counted, 0) }},
		{"refuse for good", func(l password.Ledger, k password.Ticket) password.Ledger {
			return l.Fail(k, hour, policy, permanent, 0)
		}},
		{"unknown", func(l password.Ledger, k password.Ticket) password.Ledger { return l.Fail(k, hour, policy, unknown, 0) }},
		{"renew", func(l password.Ledger, _ password.Ticket) password.Ledger {
			return l.Renew(hour, hour, fresh(l), password.AtOnce)
		}},
		{"renew at check-in", func(l password.Ledger, _ password.Ticket) password.Ledger {
			return l.Renew(hour, hour, fresh(l), password.AtCheckIn)
		}},
		{"rotate", func(l password.Ledger, _ password.Ticket) password.Ledger {
			return l.Rotate(hour, fresh(l))
		}},
		{"appear", func(l password.Ledger, _ password.Ticket) password.Ledger { return l.Appeared(hour, "g1") }},
		{"another account", func(l password.Ledger, _ password.Ticket) password.Ledger { return l.Appeared(hour, "g2") }},
		{"away", func(l password.Ledger, k password.Ticket) password.Ledger { return l.Away(k, hour) }},
		{"return", func(l password.Ledger, _ password.Ticket) password.Ledger { return l.Returned(hour) }},
		{"postpone", func(l password.Ledger, _ password.Ticket) password.Ledger { return l.Postpone(hour, at(2*time.Hour)) }},
		{"hand out", func(l password.Ledger, _ password.Ticket) password.Ledger { return l.HandOut(hour, at(2*time.Hour)) }},
	}
	old := active(t)
	old.RotateAt = hour
	aged := active(t)
	aged.RotateAt = at(time.Minute)
	graced := aged.Rotate(at(time.Minute), fresh(aged))
	exhausted := leased.Fail(ticket, noon, password.Policy{MaxAttempts: 1}, counted, 0)
	for _, tc := range []struct {
		name   string
		row    password.Ledger
		ticket password.Ticket
		want   map[string]string
	}{
		{"none", none(), ticket, map[string]string{"want": "pending 1/0"}},
		{"pending", pending(), ticket, map[string]string{
			"lease": "leased 1/1", "renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting",
		}},
		{"pending for a device", waiting, ticket, map[string]string{
			"another account": "pending 2/0 waiting",
			"want":            "pending 2/0", "renew": "pending 3/0", "renew at check-in": "pending 3/0 waiting",
		}},
		{"leased", live, liveTicket, map[string]string{
			"succeed": "active 1/0", "defer": "retry 1/0", "refuse": "retry 1/1",
			"refuse for good": "failed 1/1 workspace-password", "unknown": "failed 1/1 password-person-unknown",
			"away":   "failed 1/1 password-person-away",
			"appear": "pending 1/1", "another account": "pending 1/1",
			"renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting",
		}},
		{"leased by another", live, ticketOf(liveTicket, 1, 0), map[string]string{
			"appear": "pending 1/1", "another account": "pending 1/1",
			"renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting",
		}},
		{"leased for another version", live, ticketOf(liveTicket, 0, 1), map[string]string{
			"appear": "pending 1/1", "another account": "pending 1/1",
			"renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting",
		}},
		{"leased by a worker that died", leased, ticket, map[string]string{
			"postpone": "retry 1/1", "lease": "leased 1/2", "succeed": "active 1/0", "defer": "retry 1/0", "refuse": "retry 1/1",
			"refuse for good": "failed 1/1 workspace-password", "unknown": "failed 1/1 password-person-unknown",
			"away":   "failed 1/1 password-person-away",
			"appear": "pending 1/1", "another account": "pending 1/1",
			"renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting",
		}},
		{"leased the last time by a worker that died", last, ticket, map[string]string{
			"postpone": "retry 1/3", "lease": "failed 1/3 password-attempts",
			"appear": "pending 1/3", "another account": "pending 1/3",
			"renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting",
		}},
		{"retry", retry, ticket, map[string]string{
			"lease": "leased 1/2", "renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting",
		}},
		{"active", active(t), ticket, map[string]string{"another account": "pending 1/0", "renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting"}},
		{"active, too old", old, ticket, map[string]string{
			"another account": "pending 1/0",
			"rotate":          "pending 2/0", "renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting",
		}},
		{"rotated, within its grace", graced, ticket, map[string]string{
			"another account": "pending 2/0",
			"want":            "pending 2/0", "renew": "pending 3/0", "renew at check-in": "pending 3/0 waiting",
		}},
		{"postponed", pending().Postpone(noon, at(9*time.Hour)), ticket, map[string]string{
			"want": "pending 1/0", "renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting",
		}},
		{"told to a worker", pending().HandOut(at(59*time.Minute), at(64*time.Minute)), ticket, map[string]string{
			"lease": "leased 1/1", "renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting",
		}},
		{"failed", exhausted, ticket, map[string]string{"renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting"}},
		{"failed, unknown to Google", leased.Fail(ticket, noon, policy, unknown, 0), ticket, map[string]string{
			"appear": "pending 1/0", "another account": "pending 1/0", "renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting",
		}},
		{"failed, person away", leased.Away(ticket, noon), ticket, map[string]string{
			"return": "pending 1/0", "renew": "pending 2/0", "renew at check-in": "pending 2/0 waiting",
		}},
	} {
		for _, tr := range transitions {
			t.Run(tc.name+"/"+tr.name, func(t *testing.T) {
				t.Parallel()
				got := tr.do(tc.row, tc.ticket)
				want, changes := tc.want[tr.name]
				later := map[string][]string{
					"postpone": {"pending", "retry", "active, too old"},
					"hand out": {"pending", "retry", "leased by a worker that died", "leased the last time by a worker that died"},
				}
				switch {
				case slices.Contains(later[tr.name], tc.name):
					if due := got.Due(); !due.Equal(at(2*time.Hour)) || short(got) != short(tc.row) {
						t.Errorf("postponed to %v as %q, want to 14:00 as %q", due, short(got), short(tc.row))
					}
				case !changes:
					if diff := cmp.Diff(tc.row, got); diff != "" {
						t.Errorf("the row changed (-before +after):\n%s", diff)
					}
				case short(got) != want:
					t.Errorf("the row is %q, want %q", short(got), want)
				case !got.UpdatedAt.Equal(hour):
					t.Errorf("UpdatedAt = %v, want the time of the change", got.UpdatedAt)
				}
			})
		}
	}
}

// ticketOf is a ticket of an earlier lease or version.
func ticketOf(k password.Ticket, lease, version int) password.Ticket {
	k.Lease -= lease
	k.Version -= version
	return k
}
