package password_test

import (
	"fmt"
	"time"

	"github.com/rollcall-emm/rollcall/shared/password"
)

// A device needs the password, a worker offers it to Google, and Google is short of
// quota at first.
func ExampleLedger() {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	policy := password.Policy{RotateDays: 90}
	l := password.New("acme", "person-key")
	show := func() { fmt.Println(l.State, l.Version, l.Attempts, l.Due().Format(time.DateTime)) }

	// In practice password.Make generates and seals it.
	l = l.Want(now, password.Fresh{Sealed: "ciphertext", Length: 16, For: l.NextBound()})
	show()

	l, ticket, _ := l.Lease(now, policy)
	show()
	l = l.Fail(ticket, now, policy, password.Verdict{Outcome: password.Deferred, Reason: "google-quota", RetryAfter: time.Minute}, 0.5)
	show()

	l, ticket, _ = l.Lease(l.Due(), policy)
	l = l.Succeed(ticket, now.Add(time.Hour), policy, "google-id")
	show()
	// Output:
	// pending 1 0 2026-11-21 12:00:00
	// leased 1 1 2026-11-21 12:02:00
	// retry 1 0 2026-11-21 12:01:02
	// active 1 0 2027-02-27 17:02:19
}
