package admin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

const workflows = "/v1/enterprises/acme/workflows"

func TestStartWorkflow(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		body string
		want workflow.Command
	}{
		{`{"op":"create","accounts":["acct1"]}`, workflow.Command{Op: workflow.Create, Accounts: []string{"acct1"}}},
		{`{"op":"rename","all":true,"displayName":"New"}`, workflow.Command{Op: workflow.Rename, All: true, DisplayName: "New"}},
		{`{"op":"revoke","accounts":["acct1","acct2"]}`, workflow.Command{Op: workflow.Revoke, Accounts: []string{"acct1", "acct2"}}},
		{`{"op":"delete","all":true}`, workflow.Command{Op: workflow.Delete, All: true}},
		{`{"op":"retire","devices":["d1"]}`, workflow.Command{Op: workflow.Retire, Devices: []string{"d1"}}},
		{`{"op":"release","devices":["d1","d2"]}`, workflow.Command{Op: workflow.Release, Devices: []string{"d1", "d2"}}},
		{`{"op":"settle","people":["p1"]}`, workflow.Command{Op: workflow.Settle, People: []string{"p1"}}},
		{`{"op":"verify"}`, workflow.Command{Op: workflow.Verify}},
		{`{"op":"reconcile"}`, workflow.Command{Op: workflow.Reconcile}},
	} {
		t.Run(tc.body, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.fleet()
			b.putPeople("p1")
			var got started
			b.want(202, "POST", workflows, tc.body, &got)
			tc.want.Enterprise, tc.want.RequestedBy, tc.want.RequestID = "acme", "admin:local", got.RequestID
			if d := cmp.Diff([]workflow.Command{tc.want}, b.bus.take(), cmpopts.IgnoreFields(workflow.Command{}, "RequestedAt")); d != "" || got.EventID == "" || got.RequestID == "" {
				t.Errorf("%+v, published: -want +got:\n%s", got, d)
			}
			trail := b.trail("acme")
			if want := "admin:local workflow." + string(tc.want.Op) + " enterprise:acme ok"; trail[len(trail)-1] != want {
				t.Errorf("the trail ends with %q, want %q", trail[len(trail)-1], want)
			}
		})
	}
}

// putPeople stores people of acme, by key.
func (b *bench) putPeople(keys ...string) {
	b.t.Helper()
	b.put(func(tx *record.Tx) error {
		for _, k := range keys {
			if err := tx.PutPerson(person.Person{Key: k, Enterprise: "acme", State: person.Active}); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestStartWorkflowRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fleet()
	b.putPeople("p1")
	before := b.trail("acme")
	many := strings.Repeat(`"x",`, workflow.MaxIDs) + `"x"`
	for _, tc := range []struct {
		name, body  string
		status      int
		field, text string
	}{
		{"no op", `{}`, 400, "op", "give create"},
		{"unknown op", `{"op":"wipe"}`, 400, "op", "give create"},
		{"nothing named", `{"op":"delete"}`, 400, "accounts", "or give all"},
		{"too many", `{"op":"delete","accounts":[` + many + `]}`, 400, "accounts", "at most 100"},
		{"devices for accounts", `{"op":"delete","devices":["d1"]}`, 400, "devices", "not devices"},
		{"no name", `{"op":"rename","all":true}`, 400, "displayName", "1 to 60"},
		{"a continuation", `{"op":"delete","all":true,"next":"x"}`, 400, "next", "not known"},
		{"in another's name", `{"op":"verify","requestedBy":"admin:boss"}`, 400, "requestedBy", "not known"},
		{"unknown account", `{"op":"delete","accounts":["acct1","acct7"]}`, 404, "", `no account "acct7"; nothing was started`},
		{"another's account", `{"op":"delete","accounts":["acct9"]}`, 404, "", `no account "acct9"`},
		{"settle all", `{"op":"settle","all":true}`, 400, "all", "name 1 to 100 people"},
		{"another's person", `{"op":"settle","people":["p1","p9"]}`, 404, "", `no person "p9"`},
		{"another's device", `{"op":"retire","devices":["d1","d9"]}`, 404, "", `no device "d9"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b.refuse(tc.status, "POST", workflows, tc.body, tc.field, tc.text)
		})
	}
	b.refuse(404, "POST", "/v1/enterprises/nobody/workflows", `{"op":"verify"}`, "", "no enterprise")
	if sent := b.bus.take(); len(sent) > 0 {
		t.Errorf("a refusal published %v", sent)
	}
	if d := cmp.Diff(before, b.trail("acme")); d != "" {
		t.Errorf("a refusal left records: -want +got:\n%s", d)
	}
}

func TestStartWorkflowWithoutBus(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	b.bus.fail = fault.New(fault.Transient, "bus-down", "the bus is down")
	b.refuse(503, "POST", workflows, `{"op":"verify"}`, "", "the bus is down")
	want := []string{
		"admin:local workflow.verify enterprise:acme ok",
		"admin:local workflow.verify enterprise:acme bus-down",
	}
	if d := cmp.Diff(want, b.trail("acme")[1:]); d != "" {
		t.Errorf("trail: -want +got:\n%s", d)
	}
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.want(200, "GET", "/v1/dead-letters", "", &page[deadLetterView]{})
	command := workflow.Command{Enterprise: "acme", Op: workflow.Verify, RequestedBy: "admin:local", RequestID: "r", RequestedAt: time.Now()}
	data, err := command.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	schedule := directory.Command{Enterprise: "acme", Op: directory.Schedule, RequestedBy: "system:directory", RequestedAt: clock}
	asked, err := schedule.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	b.bus.dead = []event.DeadLetter{
		{Event: event.Event{ID: "7", Topic: event.Provision, Data: data, Published: clock, Attempt: 5}, Reason: "transient", Died: clock.Add(time.Hour)},
		{Event: event.Event{ID: "9", Topic: event.Directory, Data: asked}, Reason: "transient"},
		{Event: event.Event{ID: "8", Topic: event.Provision, Data: []byte(`{"password":"hunter2"}`)}, Reason: "invalid"},
		{Event: event.Event{ID: "6", Topic: event.Password, Data: []byte(`{"enterprise":"acme","person":"p1"}`)}, Reason: "transient"},
		{Event: event.Event{ID: "5", Topic: event.Password, Data: []byte(`{"enterprise":"acme","person":"p1","password":"hunter2"}`)}, Reason: "invalid"},
	}
	var got page[deadLetterView]
	b.want(200, "GET", "/v1/dead-letters", "", &got)
	want := []deadLetterView{
		{ID: "7", Topic: event.Provision, Published: clock, Died: clock.Add(time.Hour), Attempts: 5, Reason: "transient", Command: &command},
		{ID: "9", Topic: event.Directory, Reason: "transient", Directory: &schedule},
		{ID: "8", Topic: event.Provision, Reason: "invalid"},
		{ID: "6", Topic: event.Password, Reason: "transient", Password: &password.Nudge{Enterprise: "acme", Person: "p1"}},
		{ID: "5", Topic: event.Password, Reason: "invalid"},
	}
	if d := cmp.Diff(want, got.Items, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	got = page[deadLetterView]{}
	b.want(200, "GET", "/v1/dead-letters?limit=1", "", &got)
	if len(got.Items) != 1 {
		t.Errorf("limit 1 gives %d", len(got.Items))
	}
	b.refuse(400, "GET", "/v1/dead-letters?next=x", "", "next", "not known")

	b.want(202, "POST", "/v1/dead-letters/7/replay", "", nil)
	b.refuse(404, "POST", "/v1/dead-letters/7/replay", "", "", `no dead letter "7"`)
	trail := []string{
		"admin:local dead-letter.replay event:7 ok",
		"admin:local dead-letter.replay event:7 ok", // asked for again
		"admin:local dead-letter.replay event:7 not-found",
	}
	if d := cmp.Diff(trail, b.trail(systemTrail)); d != "" {
		t.Errorf("trail: -want +got:\n%s", d)
	}
	var records page[audit.Record]
	b.want(200, "GET", "/v1/audit", "", &records)
	if len(records.Items) != 3 {
		t.Errorf("/v1/audit gives %d records, want 3", len(records.Items))
	}
}

func TestAuditSinceAndFollow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme() // one record at clock
	for i := range 4 {
		b.put(func(tx *record.Tx) error {
			return tx.Audit(audit.Record{Enterprise: "acme", At: clock.Add(time.Duration(i+1) * time.Minute), Action: fmt.Sprint("step", i)})
		})
	}
	var actions []string
	next := ""
	for range 5 {
		var p page[audit.Record]
		b.want(200, "GET", "/v1/enterprises/acme/audit?since=2026-03-01T12:02:00Z&limit=2&next="+next, "", &p)
		for _, r := range p.Items {
			actions = append(actions, r.Action)
		}
		if next = p.Next; next == "" {
			break
		}
	}
	if d := cmp.Diff([]string{"step1", "step2", "step3"}, actions); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	b.refuse(400, "GET", "/v1/enterprises/acme/audit?since=yesterday", "", "since", "RFC 3339")
	b.refuse(404, "GET", "/v1/enterprises/nobody/audit", "", "", "no enterprise")
	b.refuse(404, "GET", "/v1/enterprises/-/audit", "", "", "no enterprise")
}
