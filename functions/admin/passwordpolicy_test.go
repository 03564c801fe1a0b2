package admin

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

const policyPath = "/v1/enterprises/acme/password-policy"

func TestPasswordPolicy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	b.refuse(404, "GET", policyPath, "", "", "rollcall password policy acme")
	want := password.Policy{
		Enterprise: "acme", Revision: 1, Length: 16, RotateDays: 90, MaxAttempts: 5, DeferralHours: 72,
		UpdatedAt: clock, UpdatedBy: "admin:local", ReplanAt: clock.Add(password.ReplanTime),
	}
	var got policyReply
	b.want(200, "PUT", policyPath, `{"rotateDays":90,"dryRun":true}`, &got)
	if d := cmp.Diff(want, got.Policy); d != "" || !got.Changed || got.RequestID+got.EventID != "" {
		t.Errorf("dry run: %+v, -want +got:\n%s", got, d)
	}
	b.refuse(404, "GET", policyPath, "", "", "no password policy")
	if sent := b.bus.take(); len(sent) > 0 {
		t.Errorf("a dry run published %v", sent)
	}

	b.want(200, "PUT", policyPath, `{"rotateDays":90}`, &got)
	replan := workflow.Command{Enterprise: "acme", Op: workflow.Replan, RequestedBy: "admin:local", RequestID: got.RequestID, RequestedAt: clock}
	if d := cmp.Diff([]workflow.Command{replan}, b.bus.take()); d != "" || got.EventID == "" || !got.Changed {
		t.Errorf("%+v, published: -want +got:\n%s", got, d)
	}
	w := b.do("GET", policyPath, "")
	var seen policyView
	b.want(200, "GET", policyPath, "", &seen)
	if d := cmp.Diff([]password.Policy{want, want}, []password.Policy{got.Policy, seen.Policy}); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}

	// What GET answers may be put, and changes nothing; nor does the same in other words.
	b.replanned()
	want.ReplanAt = time.Time{}
	body := strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(w.Body.String(), `{"policy":`)), "}")
	for _, same := range []string{body, `{"rotateDays":90,"length":16}`} {
		got = policyReply{}
		b.want(200, "PUT", policyPath, same, &got)
		if d := cmp.Diff(want, got.Policy); d != "" || got.Changed || got.RequestID+got.EventID != "" {
			t.Errorf("the same policy again: %+v, -want +got:\n%s", got, d)
		}
	}
	if sent := b.bus.take(); len(sent) > 0 {
		t.Errorf("the same policy published %v", sent)
	}

	got = policyReply{}
	b.want(200, "PUT", policyPath, `{"revision":1,"length":20,"rotateOnLoss":true}`, &got)
	if got.Policy.Revision != 2 || got.Policy.RotateDays != 0 || !got.Policy.RotateOnLoss {
		t.Errorf("got %+v", got.Policy)
	}
	b.refuse(409, "PUT", policyPath, body, "", "changed by admin:local and has the revision 2 by now, not 1")
	b.want(204, "DELETE", policyPath, "", nil)
	b.refuse(404, "DELETE", policyPath, "", "", "no password policy")
	b.refuse(409, "PUT", policyPath, body, "", "was removed")
	b.want(200, "PUT", policyPath, `{}`, &got)
	if got.Policy.Revision != 1 {
		t.Errorf("made anew it has the revision %d", got.Policy.Revision)
	}
	if sent := b.bus.take(); len(sent) != 3 {
		t.Errorf("a change, a removal and another policy published %v", sent)
	}
	set, remove := "admin:local password-policy.set enterprise:acme ok", "admin:local password-policy.remove enterprise:acme ok"
	if d := cmp.Diff([]string{set, set, remove, set}, b.trail("acme")[1:]); d != "" {
		t.Errorf("trail: -want +got:\n%s", d)
	}
}

func TestPasswordPolicyRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	for _, tc := range []struct {
		body        string
		status      int
		field, text string
	}{
		{`{"length":7}`, 400, "length", "8 to 100"},
		{`{"length":101}`, 400, "length", "8 to 100"},
		{`{"length":8.5}`, 400, "length", "wrong type"},
		{`{"length":null}`, 400, "length", "null"},
		{`{"length":16,"length":17}`, 400, "length", "twice"},
		{`{"Length":16}`, 400, "Length", "not known"},
		{`{"rotateDays":366}`, 400, "rotateDays", "1 to 365"},
		{`{"rotateDays":-1}`, 400, "rotateDays", "1 to 365"},
		{`{"maxAttempts":21}`, 400, "maxAttempts", "1 to 20"},
		{`{"deferralHours":721}`, 400, "deferralHours", "1 to 720"},
		{`{"enterprise":"other"}`, 400, "enterprise", `names the enterprise "acme"`},
		{`{"revision":3}`, 409, "", "was removed"},
		{`{"dryRun":"yes"}`, 400, "dryRun", "wrong type"},
		{`{"length":7,"dryRun":true}`, 400, "length", "8 to 100"},
		{`[]`, 400, "", "one JSON object"},
		{`{}{}`, 400, "", "not valid JSON"},
		{``, 415, "", ""},
		{`{"length":` + strings.Repeat("1", maxBody) + `}`, 413, "", "at most"},
	} {
		b.refuse(tc.status, "PUT", policyPath, tc.body, tc.field, tc.text)
	}
	b.refuse(404, "PUT", "/v1/enterprises/nobody/password-policy", `{}`, "", "no enterprise")
	b.refuse(404, "DELETE", "/v1/enterprises/nobody/password-policy", "", "", "no enterprise")
	b.refuse(404, "GET", policyPath, "", "", "no password policy")
	if got := b.trail("acme"); len(got) > 1 || len(b.bus.take()) > 0 {
		t.Errorf("a refusal left %v", got)
	}
}

// TestPasswordPolicy_W5_TellsWhatChanges: a dry run counts the passwords by what the
// policy means for them, and touches none.
func TestPasswordPolicy_W5_TellsWhatChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	set := func(key string, edit func(*password.Ledger)) {
		l := password.Ledger{
			Person: key, Enterprise: "acme", State: password.Active, Version: 1, Accepted: 1, Length: 16,
			SetAt: clock.AddDate(0, 0, -10),
		}
		edit(&l)
		b.putLedger(l)
	}
	set("p1", func(*password.Ledger) {})
	set("p2", func(l *password.Ledger) { l.SetAt = clock.AddDate(-1, 0, 0) })
	set("p3", func(l *password.Ledger) { l.Length = 8 })
	set("p4", func(l *password.Ledger) { l.State, l.Attempts, l.NextAt = password.Retry, 3, clock })
	set("p5", func(l *password.Ledger) { l.State, l.Reason = password.Failed, password.ReasonAttempts })
	set("p6", func(l *password.Ledger) { l.Enterprise = "other" })
	rows := func() []password.Ledger {
		rows, _, err := b.office.DB.Passwords(t.Context(), "acme", "", record.Page{})
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	before := rows()
	var got policyReply
	b.want(200, "PUT", policyPath, `{"length":12,"rotateDays":90,"maxAttempts":3,"dryRun":true}`, &got)
	want := map[password.Effect]int{password.Moved: 1, password.TooOld: 1, password.TooShort: 1, password.UsedUp: 1, password.Unaffected: 1}
	if d := cmp.Diff(want, got.Effects); d != "" || got.Truncated {
		t.Errorf("truncated %v, -want +got:\n%s", got.Truncated, d)
	}
	b.want(200, "PUT", policyPath, `{"length":12,"rotateDays":90,"maxAttempts":3}`, &got)
	if d := cmp.Diff(want, got.Effects); d != "" {
		t.Errorf("stored: -want +got:\n%s", d)
	}
	if d := cmp.Diff(before, rows(), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("the API did the workflow's work: -want +got:\n%s", d)
	}
}

// TestPasswordPolicy_SaysTheSameWithAndWithoutDefaults: a stored policy that leaves its
// defaults open is the one that names them.
func TestPasswordPolicy_SaysTheSameWithAndWithoutDefaults(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	b.put(func(tx *record.Tx) error {
		return tx.PutPasswordPolicy(password.Policy{Enterprise: "acme", Revision: 3, Length: 20})
	})
	var got policyReply
	b.want(200, "PUT", policyPath, `{"length":20,"maxAttempts":5}`, &got)
	if got.Changed || got.Policy.Revision != 3 || got.Policy.DeferralHours != 72 {
		t.Errorf("got %+v", got)
	}
}

func TestPasswordPolicyConcurrently(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	b.want(200, "PUT", policyPath, `{}`, nil)
	b.bus.take()
	const n = 8
	codes := make([]int, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			codes[i] = b.do("PUT", policyPath, fmt.Sprintf(`{"revision":1,"length":%d}`, 20+i)).Code
		})
	}
	wg.Wait()
	tally := map[int]int{}
	for _, c := range codes {
		tally[c]++
	}
	if d := cmp.Diff(map[int]int{200: 1, 409: n - 1}, tally); d != "" || len(b.bus.take()) != 1 || len(b.trail("acme")) != 3 {
		t.Errorf("trail %v, -want +got:\n%s", b.trail("acme"), d)
	}
}

// replanned is what the workflow does when it has ended.
func (b *bench) replanned() {
	b.put(func(tx *record.Tx) error {
		p, err := tx.PasswordPolicy("acme")
		if err != nil {
			return err
		}
		p.ReplanAt = time.Time{}
		return tx.PutPasswordPolicy(p)
	})
}

// TestPasswordPolicy_ALostReplanIsStartedAgain: whoever died between storing a policy
// and starting its workflow, or could not start it, sends the same policy again.
func TestPasswordPolicy_ALostReplanIsStartedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	b.bus.fail = fault.New(fault.Transient, "bus-down", "the bus is down")
	b.refuse(503, "PUT", policyPath, `{"rotateDays":90}`, "", "")
	b.bus.fail = nil
	var got policyReply
	b.want(200, "PUT", policyPath, `{"rotateDays":90,"dryRun":true}`, &got)
	if sent := b.bus.take(); len(sent) > 0 || got.Changed {
		t.Errorf("a dry run published %v", sent)
	}
	b.want(200, "PUT", policyPath, `{"rotateDays":90}`, &got)
	if sent := b.bus.take(); len(sent) != 1 || sent[0].Op != workflow.Replan || got.Changed || got.EventID == "" || got.Policy.Revision != 1 {
		t.Errorf("%+v, published %v, want the workflow and no other policy", got, sent)
	}
	b.replanned()
	got = policyReply{}
	b.want(200, "PUT", policyPath, `{"rotateDays":90}`, &got)
	if sent := b.bus.take(); len(sent) > 0 || got.EventID != "" {
		t.Errorf("%+v, published %v after the workflow had ended", got, sent)
	}
}

func TestPasswordPolicyWithoutBus(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	b.bus.fail = fault.New(fault.Transient, "bus-down", "the bus is down")
	b.refuse(503, "PUT", policyPath, `{}`, "", "was stored, but the passwords are not yet brought in line; that is tried again within 1h0m0s, or send the policy once more")
	b.want(200, "GET", policyPath, "", nil)
	b.refuse(503, "DELETE", policyPath, "", "", "was removed, but")
	b.refuse(404, "GET", policyPath, "", "", "no password policy")
}

// TestPasswordPolicy_IsKeptWhileSettingsNeedIt: a setting that needs a generated
// password is never without a policy.
func TestPasswordPolicy_IsKeptWhileSettingsNeedIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.linked()
	b.want(200, "PUT", settingsPath+"/old", withSetting(generated), nil)
	b.want(200, "PUT", settingsPath+"/plain", withSetting(func(*mail.Setting) {}), nil)
	b.refuse(409, "DELETE", policyPath, "", "", "these mail settings need generated passwords: old; change them")
	b.want(200, "GET", policyPath, "", nil)
	b.want(204, "DELETE", settingsPath+"/old", "", nil)
	b.want(204, "DELETE", policyPath, "", nil)
}
