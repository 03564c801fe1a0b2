package workspace_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// calls are the calls about a user, by name.
var calls = map[string]func(context.Context, *bench, workspace.Key) error{
	"get":    func(ctx context.Context, b *bench, k workspace.Key) error { _, err := b.Get(ctx, k); return err },
	"update": func(ctx context.Context, b *bench, k workspace.Key) error { return b.Suspend(ctx, k) },
	"delete": func(ctx context.Context, b *bench, k workspace.Key) error { return b.Delete(ctx, k) },
	"list": func(ctx context.Context, b *bench, _ workspace.Key) error {
		_, err := b.List(ctx, "", workspace.ListOptions{})
		return err
	},
	"insert": func(ctx context.Context, b *bench, _ workspace.Key) error {
		_, err := b.Insert(ctx, newUser("new@example.com"))
		return err
	},
}

// Every row of Google's refusals, for every call that it can meet.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status          int
		reason, message string
		kind            fault.Kind
		want            string
		calls           string // default is all
	}{
		{400, "invalid", "Invalid Input: primary_user_email", fault.Permanent, workspace.ReasonAddress, "insert update"},
		{400, "invalid", "Invalid Input: INVALID_OU_ID", fault.Permanent, workspace.ReasonOrgUnit, "insert update"},
		{400, "invalid", "Invalid Given/Family Name: GivenName", fault.Permanent, workspace.ReasonName, "insert update"},
		{409, "invalid", "Invalid Given/Family Name: GivenName", fault.Permanent, workspace.ReasonName, "insert update"},
		{400, "invalid", "Invalid Password", fault.Permanent, workspace.ReasonPassword, "insert update"},
		{400, "badRequest", "Bad Request", fault.Permanent, google.ReasonInvalid, ""},
		{400, "required", "Required field", fault.Permanent, google.ReasonInvalid, ""},
		{400, "invalidParameter", "", fault.Permanent, google.ReasonInvalid, ""},
		{401, "required", "Login Required", fault.Transient, google.ReasonTokenRejected, ""},
		{401, "authError", "Invalid Credentials", fault.Transient, google.ReasonTokenRejected, ""},
		{403, "forbidden", "Not Authorized to access this resource/api", fault.Transient, workspace.ReasonSubjectRights, "get list"},
		{403, "forbidden", "Not Authorized to access this resource/api", fault.Permanent, google.ReasonForbidden, "update delete insert"},
		{403, "insufficientPermissions", "", fault.Transient, google.ReasonConfig, ""},
		{403, "domainCannotUseApis", "Domain cannot use apis.", fault.Transient, google.ReasonConfig, ""},
		{403, "accessNotConfigured", "", fault.Transient, google.ReasonConfig, ""},
		{403, "userRateLimitExceeded", "", fault.Exhausted, google.ReasonQuota, ""},
		{403, "quotaExceeded", "", fault.Exhausted, google.ReasonQuota, ""},
		{429, "rateLimitExceeded", "", fault.Exhausted, google.ReasonQuota, ""},
		{403, "dailyLimitExceeded", "", fault.Exhausted, google.ReasonDailyQuota, ""},
		{403, "limitExceeded", "", fault.Permanent, google.ReasonLimitExceeded, ""},
		{404, "notFound", "Resource Not Found: userKey", fault.NotFound, google.ReasonNotFound, "get update"},
		{404, "notFound", "Resource Not Found: domain", fault.Permanent, workspace.ReasonDomain, ""},
		{404, "notFound", "Domain not found", fault.Permanent, workspace.ReasonDomain, ""},
		{404, "backendRouting", "", fault.Transient, google.ReasonBackend, ""},
		{409, "duplicate", "Entity already exists.", fault.Conflict, workspace.ReasonExists, "insert"},
		{409, "alreadyExists", "", fault.Conflict, workspace.ReasonExists, "insert"},
		{409, "duplicate", "Entity already exists.", fault.Conflict, google.ReasonDuplicate, "update"},
		{412, "conditionNotMet", "User creation is not complete", fault.Transient, google.ReasonNotReady, ""},
		{412, "conditionNotMet", "User is deleted.", fault.NotFound, workspace.ReasonDeleted, "get update"},
		{412, "conditionNotMet", "Precondition Failed", fault.Permanent, google.ReasonRefused, ""},
		{500, "internalError", "", fault.Transient, google.ReasonBackend, ""},
		{502, "badGateway", "", fault.Transient, google.ReasonBackend, ""},
		{503, "backendError", "", fault.Transient, google.ReasonBackend, ""},
		{503, "quotaExceeded", "Quota exceeded.", fault.Transient, google.ReasonBackend, "insert"},
		{504, "gatewayTimeout", "", fault.Transient, google.ReasonBackend, ""},
		{500, "transientError", "", fault.Transient, google.ReasonBackend, ""},
	} {
		for name, call := range calls {
			if tc.calls != "" && !slices.Contains(strings.Fields(tc.calls), name) {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d %s %s", name, tc.status, tc.reason, tc.message), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, setup{})
				b.sim.Faults.Add(googletest.Script{Method: "directory.users." + name, Mode: googletest.Refuse,
					Status: tc.status, Reason: tc.reason, Message: tc.message})
				id, err := b.sim.AddUser(workspacetest.User{PrimaryEmail: "anna@example.com"})
				if err != nil {
					t.Fatal(err)
				}
				if tc.want == workspace.ReasonSubjectRights {
					b.sim.Faults.Add(googletest.Script{Method: listMethod, Mode: googletest.Refuse, Status: tc.status, Reason: tc.reason})
				}
				want(t, call(t.Context(), b, workspace.ByID(id)), tc.kind, tc.want)
			})
		}
	}
}

func TestHTMLNotFoundIsNoEvidence(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.sim.Faults.Add(googletest.Script{Method: getMethod, Mode: googletest.HTML, Status: 404})
	_, err := b.Get(t.Context(), workspace.ByID(boss))
	want(t, err, fault.Transient, google.ReasonBackend)
}

// A user who was just made is not missing; the caller says how old the user is.
func TestAfterCreation(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{sim: workspacetest.Options{Settling: 10 * time.Minute}, caller: google.Options{Attempts: 1}})
	u := b.insert(t, "anna@example.com")
	for range 6 { // 404, 412, 403, twice
		_, err := b.Get(t.Context(), u.Key())
		want(t, err, fault.Transient, google.ReasonNotReady)
	}
	want(t, b.Delete(t.Context(), u.Key()), fault.Transient, google.ReasonNotReady)
	b.clock.Advance(10 * time.Minute)
	if _, err := b.Get(t.Context(), u.Key()); err != nil {
		t.Error(err)
	}
	// A deleted user is deleted, however young.
	b.sim.Remove(u.ID)
	_, err := b.Get(t.Context(), u.Key())
	want(t, err, fault.NotFound, workspace.ReasonDeleted)

	gone := workspace.Key{ID: "100000000000000000000", CreatedAt: b.clock.Now()}
	_, err = b.Get(t.Context(), gone)
	want(t, err, fault.Transient, google.ReasonNotReady)
	b.clock.Advance(15 * time.Minute)
	_, err = b.Get(t.Context(), gone)
	want(t, err, fault.NotFound, google.ReasonNotFound)
	_, err = b.Get(t.Context(), workspace.ByID(gone.ID))
	want(t, err, fault.NotFound, google.ReasonNotFound)
}

// Retries ride out the window by themselves where it is short.
func TestCreationWindowIsRetried(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{sim: workspacetest.Options{Settling: 2 * time.Second}})
	u := b.insert(t, "anna@example.com")
	if err := b.Suspend(t.Context(), u.Key()); err != nil {
		t.Error(err)
	}
}

func TestWhatForbiddenMeans(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	for _, u := range []workspacetest.User{
		{PrimaryEmail: "helpdesk@example.com", DelegatedAdmin: true}, {PrimaryEmail: "nobody@example.com"}, {PrimaryEmail: "user@example.com"},
	} {
		if _, err := b.sim.AddUser(u); err != nil {
			t.Fatal(err)
		}
		b.sim.Tokens.SetSubject(u.PrimaryEmail, googletest.SubjectActive)
	}
	b.sim.AddCustomer("other.org")
	if _, err := b.sim.AddUser(workspacetest.User{PrimaryEmail: "user@other.org"}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, subject, key string
		kind               fault.Kind
		reason             string
	}{
		{"a higher administrator", "helpdesk@example.com", boss, fault.Permanent, workspace.ReasonAdministrator},
		{"the subject is no admin", "nobody@example.com", "user@example.com", fault.Transient, workspace.ReasonSubjectRights},
		{"another customer's user", boss, "user@other.org", fault.Permanent, google.ReasonForbidden},
		{"the subject is nobody", "ghost@example.com", "user@example.com", fault.Permanent, google.ReasonSubject},
	} {
		c := b.as(func(o *workspace.Options) { o.Subject = tc.subject })
		u, _ := b.sim.UserOf(tc.key)
		key := workspace.ByID(u.ID)
		for name, err := range map[string]error{
			"suspend": c.Suspend(t.Context(), key), "delete": c.Delete(t.Context(), key), "sign out": c.SignOut(t.Context(), key),
		} {
			if f := fault.As(err); f == nil || f.Kind != tc.kind || f.Reason != tc.reason {
				t.Errorf("%s, %s: %v, want %v %s", tc.name, name, err, tc.kind, tc.reason)
			}
		}
	}
	c := b.as(func(o *workspace.Options) { o.Subject = "nobody@example.com" })
	_, err := c.Insert(t.Context(), newUser("new@example.com"))
	want(t, err, fault.Transient, workspace.ReasonSubjectRights)
	if f := fault.As(err); f.RetryAfter != google.ConfigRecheck {
		t.Errorf("retry after %v", f.RetryAfter)
	}
}
