package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
)

func TestPasswords(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.people()
	b.want(200, "PUT", policyPath, `{"maxAttempts":3}`, nil)
	const sealed = "sealed-ciphertext"
	hour := clock.Add(time.Hour)
	b.putLedger(password.Ledger{
		Person: ada, Enterprise: "acme", State: password.Active, Version: 2, Accepted: 2, Sealed: sealed, Length: 16,
		SetAt: clock, RotateAt: hour, Account: "7",
	})
	b.putLedger(password.Ledger{
		Person: bob, Enterprise: "acme", State: password.Retry, Version: 1, Attempts: 1, Sealed: sealed, NextAt: hour,
		Last: "google-quota", LastAt: clock, DeferredSince: clock,
	})
	b.putLedger(password.Ledger{Person: "nobody-any-more", Enterprise: "acme", State: password.Failed, Version: 1, Reason: password.ReasonAttempts})
	b.putLedger(password.Ledger{Person: "waits", Enterprise: "acme", State: password.Pending, Version: 2, Accepted: 1})
	b.putLedger(password.Ledger{Person: eve, Enterprise: "other", State: password.Active, Version: 1})

	const path = "/v1/enterprises/acme/passwords"
	ofAda := passwordView{
		Person: ada, Name: "Ada@example.com", Mail: "Ada@example.com", State: password.Active, Version: 2, Accepted: 2, MaxAttempts: 3,
		SetAt: clock, RotateAt: hour, Due: hour, Account: "7",
	}
	ofBob := passwordView{
		Person: bob, Name: "bob@example.com", Mail: "bob@example.com", State: password.Retry, Version: 1, Attempts: 1, MaxAttempts: 3,
		NextAt: hour, Due: hour, Last: "google-quota", LastText: password.Text("google-quota"), LastAt: clock, DeferredSince: clock,
	}
	for query, want := range map[string][]passwordView{
		"?state=active": {ofAda},
		"?state=retry":  {ofBob},
		"?state=failed": {{Person: "nobody-any-more", State: password.Failed, Version: 1, MaxAttempts: 3,
			Reason: password.ReasonAttempts, ReasonText: password.Text(password.ReasonAttempts)}},
		"?state=pending": {{Person: "waits", State: password.Pending, Version: 2, Accepted: 1, MaxAttempts: 3, Waiting: true}},
		"?state=leased":  {},
	} {
		var got page[passwordView]
		b.want(200, "GET", path+query, "", &got)
		if d := cmp.Diff(want, got.Items); d != "" {
			t.Errorf("%s: -want +got:\n%s", query, d)
		}
	}
	seen, next := 0, ""
	for range 6 {
		var got page[passwordView]
		b.want(200, "GET", path+"?limit=1&next="+next, "", &got)
		seen += len(got.Items)
		if next = got.Next; next == "" {
			break
		}
	}
	if seen != 4 || next != "" {
		t.Errorf("%d passwords in pages of one, next %q", seen, next)
	}

	var one passwordView
	b.want(200, "GET", "/v1/enterprises/acme/people/"+ada+"/password", "", &one)
	ofAda.Locked, ofAda.LockedText = password.ReasonKeyMissing, password.Text(password.ReasonKeyMissing)
	if d := cmp.Diff(ofAda, one); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	var counts passwordCounts
	b.want(200, "GET", path+"/status", "", &counts)
	want := passwordCounts{Counts: password.Counts{
		ByState: map[password.State]int{password.Active: 1, password.Retry: 1, password.Failed: 1, password.Pending: 1},
		Waiting: 1, Deferred: 1, ByReason: map[string]int{password.ReasonAttempts: 1},
	}, Locked: map[string]int{password.ReasonKeyMissing: 2}}
	if d := cmp.Diff(want, counts); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for _, p := range []string{path, path + "/status", "/v1/enterprises/acme/people/" + ada + "/password"} {
		if w := b.do("GET", p, ""); strings.Contains(w.Body.String(), sealed) || strings.Contains(w.Body.String(), "sealed") {
			t.Errorf("%s shows the sealed password: %s", p, w.Body)
		}
	}
	for _, state := range []string{"none", "happy", "ACTIVE"} {
		b.refuse(400, "GET", path+"?state="+state, "", "state", "pending, leased")
	}
	b.refuse(400, "GET", path+"?person=x", "", "person", "not known")
	b.refuse(400, "GET", path+"/status?state=active", "", "state", "not known")
	b.refuse(404, "GET", "/v1/enterprises/nobody/passwords", "", "", "no enterprise")
	b.refuse(404, "GET", "/v1/enterprises/nobody/passwords/status", "", "", "no enterprise")
}

func TestPasswordOfOnePerson(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.people()
	var got passwordView
	b.want(200, "GET", "/v1/enterprises/acme/people/"+bob+"/password", "", &got)
	if d := cmp.Diff(passwordView{Person: bob, Name: "bob@example.com", Mail: "bob@example.com", State: password.None}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	b.putLedger(password.Ledger{Person: eve, Enterprise: "other", State: password.Active, Version: 1})
	for _, key := range []string{eve, "nobody", "%20"} {
		b.refuse(404, "GET", "/v1/enterprises/acme/people/"+key+"/password", "", "", "no person")
	}
	b.refuse(400, "GET", "/v1/enterprises/acme/people/"+bob+"/password?x=1", "", "x", "not known")
}

func TestEvery(t *testing.T) {
	t.Parallel()
	const stored = 25
	read := func(p record.Page) ([]int, string, error) {
		from := len(p.Next) // the cursor is as long as it is far
		n := min(p.Limit, 10, stored-from)
		next := ""
		if from+n < stored {
			next = strings.Repeat("x", from+n)
		}
		return make([]int, n), next, nil
	}
	for _, tc := range []struct {
		most, seen int
		more       bool
	}{{30, 25, false}, {25, 25, false}, {24, 24, true}, {10, 10, true}, {0, 0, true}} {
		var end ending
		seen := 0
		for range every(tc.most, read, &end) {
			seen++
		}
		if seen != tc.seen || end.more != tc.more || end.err != nil {
			t.Errorf("%d at most: %d, %+v", tc.most, seen, end)
		}
	}
	var end ending
	broken := func(record.Page) ([]int, string, error) { return nil, "", errBroken }
	for range every(10, broken, &end) {
		t.Error("a listing that cannot be read has items")
	}
	if end.err == nil {
		t.Error("the failure is lost")
	}
}
