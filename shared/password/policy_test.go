package password_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestPolicy_W5_Validate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		field  string
		policy password.Policy
	}{
		{"", password.Policy{}},
		{"", password.Policy{Length: 8, RotateDays: 1, MaxAttempts: 1, DeferralHours: 1}},
		{"", password.Policy{Length: 100, RotateDays: 365, MaxAttempts: 20, DeferralHours: 720}},
		{"length", password.Policy{Length: 7}},
		{"length", password.Policy{Length: 101}},
		{"length", password.Policy{Length: -1}},
		{"rotateDays", password.Policy{RotateDays: -1}},
		{"rotateDays", password.Policy{RotateDays: 366}},
		{"maxAttempts", password.Policy{MaxAttempts: -1}},
		{"maxAttempts", password.Policy{MaxAttempts: 21}},
		{"deferralHours", password.Policy{DeferralHours: -1}},
		{"deferralHours", password.Policy{DeferralHours: 721}},
	} {
		err := tc.policy.Validate()
		if f := fault.As(err); tc.field == "" && err != nil || tc.field != "" && (f == nil || f.Field != tc.field) {
			t.Errorf("Validate(%+v) = %v, want a fault of %q", tc.policy, err, tc.field)
		}
	}
	want := password.Policy{Length: 16, MaxAttempts: 5, DeferralHours: 72}
	got := password.Policy{}.WithDefaults()
	if diff := cmp.Diff(want, got); diff != "" || got.DeferralBudget() != 72*time.Hour || got.Rotation() != 0 {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestDueIndex(t *testing.T) {
	t.Parallel()
	shards := map[string]int{}
	for i := range 1600 {
		l := pending()
		l.Person = person.KeyOf("acme", fmt.Sprint(i))
		key := l.DueKey()
		shards[key[:2]]++
		in := func(now time.Time) (n int) {
			for s := range password.DueShards {
				if from, to := password.DueRange(s, now); from <= key && key < to {
					n++
				}
			}
			return n
		}
		if in(noon.Add(-1)) != 0 || in(noon) != 1 || in(at(9000*time.Hour)) != 1 {
			t.Fatalf("%s is found in %d shards before it is due, in %d and %d after", key, in(noon.Add(-1)), in(noon), in(at(9000*time.Hour)))
		}
	}
	if len(shards) != password.DueShards {
		t.Errorf("rows are in %d shards, want %d", len(shards), password.DueShards)
	}
	for s, n := range shards {
		if n < 50 || n > 200 {
			t.Errorf("shard %s has %d of 1600 rows", s, n)
		}
	}
	if key := none().DueKey(); key != "" {
		t.Errorf("a row that is never due has the key %q", key)
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	leased, ticket := take(t, pending(), noon)
	got := password.Count(slices.Values([]password.Ledger{
		none(), pending(), leased, active(t), active(t),
		active(t).Renew(at(time.Hour), at(time.Hour), fresh(active(t)), password.AtCheckIn),
		leased.Fail(ticket, noon, policy, deferred, 0), leased.Fail(ticket, noon, policy, counted, 0),
		leased.Fail(ticket, noon, policy, permanent, 0), leased.Fail(ticket, noon, policy, unknown, 0),
	}))
	want := password.Counts{
		ByState: map[password.State]int{
			password.None: 1, password.Pending: 2, password.Leased: 1, password.Active: 2, password.Retry: 2, password.Failed: 2,
		},
		Waiting: 1, Deferred: 1,
		ByReason: map[string]int{"workspace-password": 1, password.ReasonUnknownPerson: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	of := func(k fault.Kind, reason string) error { return fault.New(k, reason, "x") }
	for _, tc := range []struct {
		err  error
		age  time.Duration
		want password.Outcome
	}{
		{of(fault.Exhausted, "google-quota"), 0, password.Deferred},
		{of(fault.Exhausted, "google-daily-quota"), 0, password.Deferred},
		{of(fault.Exhausted, "google-local-limit"), 0, password.Deferred},
		{of(fault.Transient, "google-paused"), 0, password.Deferred},
		{of(fault.Transient, "google-backend"), 0, password.Deferred},
		{of(fault.Transient, "google-network"), 0, password.Deferred},
		{of(fault.Transient, "google-deadline"), 0, password.Deferred},
		{of(fault.Transient, "google-token-rejected"), 0, password.Deferred},
		{of(fault.Transient, "google-not-ready"), 0, password.Deferred},
		{of(fault.Transient, "google-config"), 0, password.Deferred},
		{of(fault.Permanent, "google-key"), 0, password.Deferred},
		{of(fault.Permanent, "google-subject"), 0, password.Deferred},
		{of(fault.Transient, "workspace-subject-rights"), 0, password.Deferred},
		{of(fault.Permanent, "workspace-domain"), 0, password.Deferred},
		{of(fault.Permanent, "workspace-read-only"), 0, password.Deferred},
		{of(fault.Transient, password.ReasonKeyMissing), 0, password.Deferred},
		{context.DeadlineExceeded, 0, password.Deferred},
		{of(fault.NotFound, "google-not-found"), 0, password.PersonUnknown},
		{of(fault.NotFound, "google-not-found"), 9 * time.Minute, password.Deferred},
		{of(fault.NotFound, "google-not-found"), 10 * time.Minute, password.PersonUnknown},
		{of(fault.NotFound, "workspace-deleted"), 0, password.PersonUnknown},
		{of(fault.Permanent, "google-forbidden"), 0, password.Permanent},
		{of(fault.Permanent, "google-forbidden"), time.Minute, password.Deferred},
		{of(fault.Conflict, "google-duplicate"), 0, password.Counted},
		{of(fault.Transient, "workspace-unconfirmed"), 0, password.Counted},
		{errors.New("unclassified"), 0, password.Counted},
		{of(fault.Permanent, "google-invalid"), time.Minute, password.Permanent},
		{of(fault.Permanent, "google-limit-exceeded"), 0, password.Permanent},
		{of(fault.Permanent, "google-refused"), 0, password.Permanent},
		{of(fault.Permanent, "workspace-password"), 0, password.Permanent},
		{of(fault.Permanent, "workspace-administrator"), 0, password.Permanent},
		{of(fault.Permanent, password.ReasonUnreadable), 0, password.Permanent},
		{fault.Field("password", "too short"), 0, password.Permanent},
	} {
		got := password.Judge(tc.err, tc.age)
		if got.Outcome != tc.want {
			t.Errorf("Judge(%s, %v) = %s, want %s", fault.ReasonOf(tc.err), tc.age, got.Outcome, tc.want)
		}
		if r := fault.ReasonOf(tc.err); r != "" && r != "invalid-field" && password.Text(r) == password.Text(password.ReasonUnexplained) {
			t.Errorf("nobody is told what %s is", r)
		}
	}
	// A secret store that is out of reach for a moment is no reason to wait for an admin.
	for reason, want := range map[string]time.Duration{"secretmanager": 0, "secretmanager-quota": 0, password.ReasonKeyMissing: time.Hour} {
		kind := fault.Transient
		if reason == "secretmanager-quota" {
			kind = fault.Exhausted
		}
		if v := password.Judge(of(kind, reason), 0); v.Outcome != password.Deferred || v.RetryAfter != want {
			t.Errorf("%s: %+v, want a wait of %v", reason, v, want)
		}
	}
	wait := password.Judge(fault.New(fault.Exhausted, "google-quota", "x").After(time.Minute), 0)
	if wait.RetryAfter != time.Minute || wait.Reason != "google-quota" {
		t.Errorf("Google's wait became %v for %q", wait.RetryAfter, wait.Reason)
	}
	if broken := password.Judge(of(fault.Permanent, "google-key"), 0); broken.RetryAfter != time.Hour {
		t.Errorf("a broken key is tried again after %v, want an hour", broken.RetryAfter)
	}
}

func TestReason_E3_NoTextGetsIntoTheRow(t *testing.T) {
	t.Parallel()
	l, ticket := take(t, pending(), noon)
	v := password.Verdict{Outcome: password.Permanent, Reason: "Invalid password hunter2"}
	if got := l.Fail(ticket, noon, policy, v, 0); got.Reason != password.ReasonUnexplained || got.Last != password.ReasonUnexplained {
		t.Errorf("the row says %q and %q", got.Reason, got.Last)
	}
	if got := password.Judge(fault.New(fault.Permanent, "hunter2 is bad", "x"), 0).Reason; got != password.ReasonUnexplained {
		t.Errorf("the verdict says %q", got)
	}
	if password.Text("") != "" || password.Text("never-heard-of") == "" {
		t.Error("no reason has a text, or an unknown one has none")
	}
}

type maker struct {
	fails  string
	length int
	bound  password.Binding
}

func (m *maker) Generate(n int) (secret.Value, error) {
	if m.length = n; m.fails == "generate" {
		return secret.Value{}, fault.New(fault.Transient, "", "no")
	}
	return secret.New("pw"), nil
}

func (m *maker) Seal(_ context.Context, b password.Binding, v secret.Value) (string, error) {
	if m.bound = b; m.fails == "seal" {
		return "", fault.New(fault.Transient, password.ReasonKeyMissing, "no")
	}
	return "sealed " + v.Reveal(), nil
}

func TestMake(t *testing.T) {
	t.Parallel()
	b := none().NextBound()
	m := &maker{}
	f, err := password.Make(t.Context(), m, m, b, password.Policy{})
	want := password.Fresh{Sealed: "sealed pw", Length: 16, For: password.Binding{Enterprise: "acme", Person: "p1", Version: 1}}
	if err != nil || f != want || m.length != 16 || m.bound != b {
		t.Errorf("Make = %+v, %v, want %+v", f, err, want)
	}
	for _, fails := range []string{"generate", "seal"} {
		m := &maker{fails: fails}
		if f, err := password.Make(t.Context(), m, m, b, password.Policy{}); fault.KindOf(err) != fault.Transient || f != (password.Fresh{}) {
			t.Errorf("%s failed, and Make = %+v, %v", fails, f, err)
		}
	}
}
