package admin

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// passwords is acme with a policy, a device d1, and the people p1 to p4: p1 has the
// label sales, p2 a device with it, p3 neither, and p4 the label but no password.
func (b *bench) passwords() {
	b.t.Helper()
	b.acme()
	b.want(200, "PUT", policyPath, `{}`, nil)
	b.bus.take()
	keys := map[string]string{}
	for i := range 4 {
		id := fmt.Sprintf("p%d", i+1)
		p := person.Person{Key: person.KeyOf("acme", id), ID: id, Enterprise: "acme", State: person.Active, Entry: person.Entry{DisplayName: "Name of " + id}}
		if id == "p1" || id == "p4" {
			p.Labels = []string{"sales"}
		}
		keys[id] = p.Key
		b.put(func(tx *record.Tx) error { return tx.PutPerson(p) })
	}
	for id, state := range map[string]password.State{"p1": password.Active, "p2": password.Failed, "p3": password.Active} {
		b.putLedger(password.Ledger{Person: keys[id], Enterprise: "acme", State: state, Version: 1})
	}
	b.putLedger(password.Ledger{Person: eve, Enterprise: "other", State: password.Active, Version: 1})
	b.putDevice(device.Device{ID: "d1", Enterprise: "acme", State: device.Active, Labels: []string{"sales"}, Subject: account.Subject{Kind: account.Person, ID: "p2"}})
	b.putDevice(device.Device{ID: "d3", Enterprise: "acme", State: device.Retired, Labels: []string{"sales"}, Subject: account.Subject{Kind: account.Person, ID: "p3"}})
	b.putDevice(device.Device{ID: "d9", Enterprise: "other", Labels: []string{"sales"}, Subject: account.Subject{Kind: account.Person, ID: "p3"}})
}

func keyOf(id string) string { return person.KeyOf("acme", id) }

// TestRenewal_W7_IsToldBeforehand: a dry run tells how many people get a new password
// and how they stand, and starts nothing.
func TestRenewal_W7_IsToldBeforehand(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.passwords()
	before := b.trail("acme")
	one := renewedView{keyOf("p1"), "Name of p1", password.Active}
	two := renewedView{keyOf("p2"), "Name of p2", password.Failed}
	three := renewedView{keyOf("p3"), "Name of p3", password.Active}
	for _, tc := range []struct {
		name, body string
		want       renewalView
	}{
		{"all", `{"op":"renew","all":true,"dryRun":true}`, renewalView{
			People: 3, ByState: map[password.State]int{password.Active: 2, password.Failed: 1}, Sample: []renewedView{one, two, three}}},
		{"a label", `{"op":"renew","all":true,"havingLabel":"sales","now":true,"dryRun":true}`, renewalView{
			People: 2, ByState: map[password.State]int{password.Active: 1, password.Failed: 1}, Sample: []renewedView{one, two}}},
		{"nobody's label", `{"op":"renew","all":true,"havingLabel":"none","dryRun":true}`, renewalView{
			ByState: map[password.State]int{}, Sample: []renewedView{}}},
		{"some", fmt.Sprintf(`{"op":"renew","people":[%q,%q],"dryRun":true}`, keyOf("p2"), keyOf("p4")), renewalView{
			People: 1, ByState: map[password.State]int{password.Failed: 1, password.None: 1}, Sample: []renewedView{two}}},
	} {
		var got renewalView
		b.want(200, "POST", workflows, tc.body, &got)
		tc.want.DryRun = true
		if d := cmp.Diff(tc.want, got, cmpopts.SortSlices(func(a, b renewedView) bool { return a.Name < b.Name })); d != "" {
			t.Errorf("%s: -want +got:\n%s", tc.name, d)
		}
	}
	for i := range 30 {
		b.putLedger(password.Ledger{Person: fmt.Sprintf("more%d", i), Enterprise: "acme", State: password.Pending, Version: 1})
	}
	var got renewalView
	b.want(200, "POST", workflows, `{"op":"renew","all":true,"dryRun":true}`, &got)
	if got.People != 33 || len(got.Sample) != maxSample {
		t.Errorf("%d people, %d of them named", got.People, len(got.Sample))
	}
	if sent := b.bus.take(); len(sent) > 0 || !slices.Equal(before, b.trail("acme")) {
		t.Errorf("a dry run started %v and left %v", sent, b.trail("acme")[len(before):])
	}
}

func TestStartPasswordWorkflows(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.passwords()
	one := keyOf("p1")
	for _, tc := range []struct {
		body, detail string
		want         workflow.Command
	}{
		{`{"op":"renew","people":["` + one + `"],"now":true}`, "person " + one + ", now, ",
			workflow.Command{Op: workflow.Renew, People: []string{one}, Now: true}},
		{`{"op":"renew","all":true}`, "all, ", workflow.Command{Op: workflow.Renew, All: true}},
		{`{"op":"renew","all":true,"havingLabel":"sales"}`, "all having sales, ",
			workflow.Command{Op: workflow.Renew, All: true, HavingLabel: "sales"}},
		{`{"op":"retire","devices":["d1"],"lost":true}`, "device d1, lost, ",
			workflow.Command{Op: workflow.Retire, Devices: []string{"d1"}, Lost: true}},
		{`{"op":"label","devices":["d1"],"addLabels":["a","b"]}`, "device d1, with a b, ",
			workflow.Command{Op: workflow.Label, Devices: []string{"d1"}, AddLabels: []string{"a", "b"}}},
		{`{"op":"label","people":["` + one + `"],"addLabels":["a"],"removeLabels":["sales"]}`, "person " + one + ", with a, without sales, ",
			workflow.Command{Op: workflow.Label, People: []string{one}, AddLabels: []string{"a"}, RemoveLabels: []string{"sales"}}},
		{`{"op":"replan"}`, "", workflow.Command{Op: workflow.Replan}},
	} {
		var got started
		b.want(202, "POST", workflows, tc.body, &got)
		tc.want.Enterprise, tc.want.RequestedBy, tc.want.RequestID, tc.want.RequestedAt = "acme", "admin:local", got.RequestID, clock
		if d := cmp.Diff([]workflow.Command{tc.want}, b.bus.take()); d != "" {
			t.Errorf("%s: -want +got:\n%s", tc.body, d)
		}
		if want := tc.detail + "request " + got.RequestID; !slices.Contains(b.details("acme"), want) {
			t.Errorf("%s: no record says %q", tc.body, want)
		}
	}
	before := b.trail("acme")
	for _, tc := range []struct {
		body        string
		status      int
		field, text string
	}{
		{`{"op":"retire","devices":["d1"],"dryRun":true}`, 400, "dryRun", "only renew"},
		{`{"op":"release","devices":["d1"],"lost":true}`, 400, "lost", "only retire"},
		{`{"op":"delete","all":true,"now":true}`, 400, "now", "only renew"},
		{`{"op":"renew","people":["` + one + `"],"havingLabel":"x"}`, 400, "havingLabel", "only renew for all"},
		{`{"op":"renew","all":true,"havingLabel":"X"}`, 400, "havingLabel", "a label is"},
		{`{"op":"renew","people":["p9"],"dryRun":true}`, 404, "", `no person "p9"; nothing was started`},
		{`{"op":"renew","people":["` + eve + `"]}`, 404, "", "no person"},
		{`{"op":"label","devices":["d9"],"addLabels":["a"]}`, 404, "", `no device "d9"`},
		{`{"op":"label","people":["p9"],"addLabels":["a"]}`, 404, "", `no person "p9"`},
		{`{"op":"label","people":["` + one + `"],"devices":["d1"],"addLabels":["a"]}`, 400, "devices", "not both"},
		{`{"op":"label","devices":["d1"]}`, 400, "addLabels", "to add or to remove"},
		{`{"op":"label","devices":["d1"],"addLabels":["a"],"removeLabels":["a"]}`, 400, "removeLabels[0]", "twice"},
	} {
		b.refuse(tc.status, "POST", workflows, tc.body, tc.field, tc.text)
	}
	b.want(204, "DELETE", policyPath, "", nil)
	b.bus.take()
	for _, dry := range []string{"true", "false"} {
		b.refuse(409, "POST", workflows, `{"op":"renew","all":true,"dryRun":`+dry+`}`, "", "rollcall password policy acme")
	}
	if sent, trail := b.bus.take(), b.trail("acme"); len(sent) > 0 || len(trail) != len(before)+1 {
		t.Errorf("a refusal published %v and left %v", sent, trail[len(before):])
	}
}

// details returns what an enterprise's records say beside who, what and on whom.
func (b *bench) details(ent string) []string {
	b.t.Helper()
	var out []string
	var records page[struct{ Detail string }]
	b.want(200, "GET", "/v1/enterprises/"+ent+"/audit", "", &records)
	for _, r := range records.Items {
		out = append(out, r.Detail)
	}
	return out
}

// passwordsOf stores the people p0, p1 and so on, with passwords.
func (b *bench) passwordsOf(ent string, n int) {
	b.t.Helper()
	for i := range n {
		key := fmt.Sprintf("p%d", i)
		b.put(func(tx *record.Tx) error {
			return tx.PutPerson(person.Person{Key: key, ID: key, Enterprise: ent, State: person.Active})
		})
		b.putLedger(password.Ledger{Person: key, Enterprise: ent, State: password.Active, Version: 1})
	}
}
