package push_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// TestPush_W3_W6_WhatGoogleRefuses: every error of Google, through the real client,
// with what the row says then; and where trying again can help, the password gets
// there once Google has come round.
func TestPush_W3_W6_WhatGoogleRefuses(t *testing.T) {
	t.Parallel()
	refuse := func(status int, reason, message string) func(*bench, string) {
		return func(b *bench, _ string) {
			b.sim.Faults.Add(googletest.Script{Method: updateMethod, Mode: googletest.Refuse, Status: status, Reason: reason, Message: message, Times: 1})
		}
	}
	mode := func(m googletest.Mode, status int) func(*bench, string) {
		return func(b *bench, _ string) {
			b.sim.Faults.Add(googletest.Script{Method: updateMethod, Mode: m, Status: status, Times: 1})
		}
	}
	unauthorized := "Not Authorized to access this resource/api"
	young := func(age time.Duration) func(*person.Person) {
		return func(p *person.Person) { p.Google.CreatedAt = noon.Add(-age) }
	}
	for _, tc := range []struct {
		name   string
		who    func(*person.Person)
		fault  func(b *bench, id string)
		mend   func(b *bench, id string) // nil: it mends itself
		state  password.State
		count  int // attempts that count
		reason string
		last   string
		wait   time.Duration // at least, until the next try
	}{
		// What is about the person.
		{name: "404 right after creation", who: young(time.Minute), fault: refuse(404, "notFound", "Resource Not Found: userKey"),
			state: password.Retry, last: "google-not-ready"},
		{name: "412 right after creation", who: young(time.Minute), fault: refuse(412, "conditionNotMet", "User creation is not complete"),
			state: password.Retry, last: "google-not-ready"},
		{name: "412 of a user of long ago", fault: refuse(412, "conditionNotMet", "User creation is not complete"),
			state: password.Retry, last: "google-not-ready"},
		{name: "403 right after creation", who: young(time.Minute), fault: refuse(403, "forbidden", unauthorized),
			state: password.Retry, last: "google-not-ready"},
		{name: "404 by a clock that is ahead", who: young(-time.Minute), fault: refuse(404, "notFound", "Resource Not Found: userKey"),
			state: password.Retry, last: "google-not-ready"},
		{name: "404 later", who: young(time.Hour), fault: func(b *bench, id string) { b.sim.Remove(id) },
			state: password.Failed, count: 1, reason: password.ReasonUnknownPerson, last: "workspace-deleted"},
		{name: "404 of a user who is not known at all", who: func(p *person.Person) { p.Google.ID = "100000000000000000000" }, fault: func(*bench, string) {},
			state: password.Failed, count: 1, reason: password.ReasonUnknownPerson, last: "google-not-found"},
		{name: "412 that says nothing known", fault: refuse(412, "conditionNotMet", "Precondition check failed."),
			state: password.Failed, count: 1, reason: "google-refused", last: "google-refused"},
		{name: "409 although applied", fault: func(b *bench, _ string) {
			b.sim.Faults.Add(googletest.Script{Method: updateMethod, Mode: googletest.RefuseAfter, Status: 409, Reason: "duplicate", Message: "Entity already exists.", Times: 1})
		}, state: password.Retry, count: 1, last: "workspace-unconfirmed"},
		{name: "409 and not applied", fault: refuse(409, "duplicate", "Entity already exists."), state: password.Retry, count: 1, last: "workspace-unconfirmed"},
		{name: "400 Invalid Password", fault: refuse(400, "invalid", "Invalid Password"),
			state: password.Failed, count: 1, reason: "workspace-password", last: "workspace-password"},
		{name: "400", fault: refuse(400, "badRequest", "Bad Request"), state: password.Failed, count: 1, reason: "google-invalid", last: "google-invalid"},
		{name: "an administrator of higher rank", fault: func(b *bench, id string) {
			b.must(b.sim.Edit(boss, func(u *workspacetest.User) { u.Admin, u.DelegatedAdmin = false, true }))
			b.must(b.sim.Edit(id, func(u *workspacetest.User) { u.Admin = true }))
		}, state: password.Failed, count: 1, reason: "workspace-administrator", last: "workspace-administrator"},
		{name: "403 forbidden, for this person alone", fault: refuse(403, "forbidden", unauthorized),
			state: password.Failed, count: 1, reason: "google-forbidden", last: "google-forbidden"},

		// Quotas.
		{name: "403 rateLimitExceeded", fault: refuse(403, "rateLimitExceeded", ""), state: password.Retry, last: "google-quota"},
		{name: "403 userRateLimitExceeded", fault: refuse(403, "userRateLimitExceeded", ""), state: password.Retry, last: "google-quota"},
		{name: "403 quotaExceeded", fault: refuse(403, "quotaExceeded", ""), state: password.Retry, last: "google-quota"},
		{name: "403 dailyLimitExceeded", fault: refuse(403, "dailyLimitExceeded", ""), state: password.Retry, last: "google-daily-quota", wait: time.Hour},
		{name: "429", fault: refuse(429, "rateLimitExceeded", ""), state: password.Retry, last: "google-quota"},
		{name: "429 with Retry-After", fault: func(b *bench, _ string) {
			b.sim.Faults.Add(googletest.Script{Method: updateMethod, Mode: googletest.Refuse, Status: 429, RetryAfter: "90", Times: 1})
		}, state: password.Retry, last: "google-quota", wait: 90 * time.Second},
		{name: "403 limitExceeded", fault: refuse(403, "limitExceeded", ""), state: password.Failed, count: 1, reason: "google-limit-exceeded", last: "google-limit-exceeded"},
		{name: "the enterprise's own limit", fault: func(b *bench, id string) {
			b.client = b.newClient(google.Options{Attempts: 1, Rate: 0.0001, Burst: 1})
			_, err := b.client.SetPassword(b.t.Context(), workspace.ByID(id), anyPassword)
			b.must(err)
		}, mend: func(*bench, string) {}, state: password.Retry, last: "google-local-limit", wait: time.Hour},

		// What is about the enterprise's access.
		{name: "403 insufficientPermissions", fault: refuse(403, "insufficientPermissions", ""), state: password.Retry, last: "google-config", wait: time.Hour},
		{name: "403 accessNotConfigured", fault: refuse(403, "accessNotConfigured", ""), state: password.Retry, last: "google-config", wait: time.Hour},
		{name: "403 domainCannotUseApis", fault: refuse(403, "domainCannotUseApis", "Domain cannot use apis."), state: password.Retry, last: "google-config", wait: time.Hour},
		{name: "404 Domain not found", fault: refuse(404, "notFound", "Domain not found."), state: password.Retry, last: "workspace-domain", wait: time.Hour},
		{name: "the administrator lost the rank", fault: func(b *bench, _ string) {
			b.must(b.sim.Edit(boss, func(u *workspacetest.User) { u.Admin = false }))
		}, mend: func(b *bench, _ string) {
			b.must(b.sim.Edit(boss, func(u *workspacetest.User) { u.Admin = true }))
		}, state: password.Retry, last: "workspace-subject-rights", wait: time.Hour},
		{name: "the token is rejected", fault: refuse(401, "authError", ""), state: password.Retry, last: "google-token-rejected"},
		{name: "unauthorized_client", fault: func(b *bench, _ string) { b.sim.Tokens.Delegate(b.account.Email) },
			mend: func(b *bench, _ string) { b.grant() }, state: password.Retry, last: "google-config", wait: time.Hour},
		{name: "invalid_grant for the subject", fault: func(b *bench, _ string) { b.sim.Tokens.SetSubject(boss, googletest.SubjectSuspended) },
			mend:  func(b *bench, _ string) { b.sim.Tokens.SetSubject(boss, googletest.SubjectActive) },
			state: password.Retry, last: "google-subject", wait: time.Hour},
		{name: "a disabled service account", fault: func(b *bench, _ string) { b.sim.Tokens.SetAccount(b.account.Email, googletest.AccountDisabled) },
			mend:  func(b *bench, _ string) { b.sim.Tokens.SetAccount(b.account.Email, googletest.AccountActive) },
			state: password.Retry, last: "google-key", wait: time.Hour},
		{name: "a deleted key", fault: func(b *bench, _ string) { b.sim.Tokens.DeleteKey(b.account.Email, b.account.KeyID) },
			mend: func(b *bench, _ string) {
				var err error
				b.account, err = b.sim.NewServiceAccount("newer")
				b.must(err)
				b.grant()
			}, state: password.Retry, last: "google-key", wait: time.Hour},
		{name: "the token endpoint says what nobody knows", fault: func(b *bench, _ string) {
			b.sim.Faults.Add(googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Refuse, Status: 418, Times: 1})
		}, state: password.Retry, last: "google-refused", wait: time.Hour},
		{name: "the token endpoint is down", fault: func(b *bench, _ string) {
			b.sim.Faults.Add(googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Refuse, Status: 503, Times: 1})
		}, state: password.Retry, last: "google-backend"},

		// Faults of Google and of the network.
		{name: "500", fault: mode(googletest.Refuse, 500), state: password.Retry, last: "google-backend"},
		{name: "503", fault: mode(googletest.Refuse, 503), state: password.Retry, last: "google-backend"},
		{name: "503 although applied", fault: mode(googletest.RefuseAfter, 503), state: password.Retry, last: "google-backend"},
		{name: "504 as a web page", fault: mode(googletest.HTML, 504), state: password.Retry, last: "google-backend"},
		{name: "a proxy's 404", fault: mode(googletest.HTML, 404), state: password.Retry, last: "google-backend"},
		{name: "an answer that is half there", fault: mode(googletest.Malformed, 0), state: password.Retry, last: "google-backend"},
		{name: "connection lost before", fault: mode(googletest.DropBefore, 0), state: password.Retry, last: "google-network"},
		{name: "connection lost after the effect", fault: mode(googletest.DropAfter, 0), state: password.Retry, last: "google-network"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			var change []func(*person.Person)
			if tc.who != nil {
				change = append(change, tc.who)
			}
			key := b.wanting("anna", change...)
			id := b.googleID(key)
			tc.fault(b, id)
			l := b.push(key)
			if l.State != tc.state || l.Attempts != tc.count || l.Reason != tc.reason || l.Last != tc.last {
				t.Fatalf("the row is %s with %d attempts, reason %q, last %q; want %s with %d, %q, %q",
					l.State, l.Attempts, l.Reason, l.Last, tc.state, tc.count, tc.reason, tc.last)
			}
			if password.Text(l.Last) == password.Text(password.ReasonUnexplained) {
				t.Errorf("nobody is told what %s is", l.Last)
			}
			if l.State == password.Failed {
				if got := b.trail(key); len(got) != 1 || b.push(key) != l {
					t.Errorf("the trail is %q, or it is pushed again", got)
				}
				return
			}
			if wait := l.NextAt.Sub(b.clock()); wait < max(tc.wait, time.Second) {
				t.Errorf("the next try is in %v, want at least %v", wait, tc.wait)
			}
			if tc.mend != nil {
				tc.mend(b, id)
				// The client believes refusals for a while, by the machine's clock.
				b.client = b.newClient(unlimited)
			}
			if l = b.drive(key); l.Version != 1 {
				t.Errorf("it became version %d", l.Version)
			}
			b.agree(key)
		})
	}
}

// TestPush_W3_NeverMoreThanTheMaximum: Google answers, and never takes it.
func TestPush_W3_NeverMoreThanTheMaximum(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sim.Faults.Add(googletest.Script{Method: updateMethod, Mode: googletest.Refuse, Status: http.StatusConflict, Reason: "duplicate"})
	key := b.wanting("anna")
	l := b.drive(key)
	if l.Reason != password.ReasonAttempts || l.Last != "workspace-unconfirmed" || l.Attempts != 3 || b.sim.Faults.Calls(updateMethod) != 3 {
		t.Errorf("the row is %+v after %d calls, want three", l, b.sim.Faults.Calls(updateMethod))
	}
	want := "system:passwordpush password.failed password-attempts version 1, workspace-unconfirmed"
	if got := b.trail(key); len(got) != 1 || got[0] != want {
		t.Errorf("the trail is %q, want %q", got, want)
	}
}

// TestPush_W3_AnOutageFailsNobody: and the breaker, which is open by then, neither.
func TestPush_W3_AnOutageFailsNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.client = b.newClient(google.Options{Rate: 1e6, Burst: 1e6})
	b.sim.Faults.Add(googletest.Script{Method: updateMethod, Mode: googletest.Refuse, Status: 503})
	key := b.wanting("anna")
	for end := noon.Add(6 * time.Hour); b.clock().Before(end); {
		b.advance(max(0, b.row(key).Due().Sub(b.clock())))
		if l := b.push(key); l.State != password.Retry || l.Attempts != 0 {
			t.Fatalf("after %v the row is %+v", b.clock().Sub(noon), l)
		}
	}
	b.sim.Faults.Clear()
	b.client = b.newClient(google.Options{Rate: 1e6, Burst: 1e6})
	b.drive(key)
	b.agree(key)
}
