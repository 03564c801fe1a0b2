package admin

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

func TestCreateEnterprise(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var got enterprise.Enterprise
	b.want(201, "POST", "/v1/enterprises",
		`{"id":"acme","name":"Acme","play":"LC01","policy":{"accountType":"deviceAccount"}}`, &got)
	want := enterprise.Enterprise{
		ID: "acme", Name: "Acme", Play: "LC01", State: enterprise.Pending,
		Policy: enterprise.Policy{AccountType: account.DeviceAccount}, CreatedAt: clock,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	b.want(200, "GET", "/v1/enterprises/acme", "", &got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	sent := []workflow.Command{{Enterprise: "acme", Op: workflow.Verify, RequestedBy: "admin:local"}}
	if d := cmp.Diff(sent, b.bus.take(), cmpopts.IgnoreFields(workflow.Command{}, "RequestID", "RequestedAt")); d != "" {
		t.Errorf("published: -want +got:\n%s", d)
	}
	if d := cmp.Diff([]string{"admin:local enterprise.create enterprise:acme ok"}, b.trail("acme")); d != "" {
		t.Errorf("trail: -want +got:\n%s", d)
	}
}

func TestCreateEnterpriseRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	for _, tc := range []struct {
		name, body  string
		status      int
		field, text string
	}{
		{"id taken", `{"id":"acme","name":"A","play":"LC02"}`, 409, "", `"acme" already`},
		{"id and play taken", `{"id":"acme","name":"A","play":"LC01"}`, 409, "", `"acme" already`},
		{"play taken", `{"id":"other","name":"A","play":"LC01"}`, 409, "", `LC01 belongs to the enterprise "acme"`},
		{"bad id", `{"id":"A","name":"A","play":"LC02"}`, 400, "id", "2 to 40"},
		{"no name", `{"id":"other","play":"LC02"}`, 400, "name", "1 to 60"},
		{"no play", `{"id":"other","name":"A"}`, 400, "play", "LC03abcd12"},
		{"bad policy", `{"id":"other","name":"A","play":"LC02","policy":{"checkInSeconds":5}}`, 400, "policy.checkInSeconds", "60"},
		{"unknown member", `{"id":"other","name":"A","play":"LC02","state":"bound"}`, 400, "state", "not known"},
		{"in the policy", `{"id":"other","name":"A","play":"LC02","policy":{"x":1}}`, 400, "policy.x", "not known"},
		{"not an object", `[]`, 400, "", "one JSON object"},
		{"too large", `{"id":"` + strings.Repeat("a", maxBody) + `"}`, 413, "", "at most"},
	} {
		t.Run(tc.name, func(t *testing.T) { b.refuse(tc.status, "POST", "/v1/enterprises", tc.body, tc.field, tc.text) })
	}
	if got := b.bus.take(); len(got) > 0 {
		t.Errorf("a refusal published %v", got)
	}
	if got := b.trail("other"); len(got) > 0 {
		t.Errorf("a refusal left %v", got)
	}
}

func TestCreateEnterpriseConcurrently(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const n = 8
	codes := make([]int, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			body := `{"id":"acme","name":"Acme ` + strconv.Itoa(i) + `","play":"LC01"}`
			codes[i] = b.do("POST", "/v1/enterprises", body).Code
		})
	}
	wg.Wait()
	tally := map[int]int{}
	for _, c := range codes {
		tally[c]++
	}
	if d := cmp.Diff(map[int]int{201: 1, 409: n - 1}, tally); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := b.trail("acme"); len(got) != 1 {
		t.Errorf("the trail has %d records: %v", len(got), got)
	}
}

func TestCreateEnterpriseWithoutBus(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.bus.fail = fault.New(fault.Transient, "bus-down", "the bus is down")
	b.refuse(503, "POST", "/v1/enterprises", `{"id":"acme","name":"Acme","play":"LC01"}`, "", "was stored")
	b.want(200, "GET", "/v1/enterprises/acme", "", nil)
}

func TestSetPolicy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	var got enterprise.Enterprise
	b.want(200, "PUT", "/v1/enterprises/acme/policy", `{"deviceLimit":"deviceAccount","checkInSeconds":3600}`, &got)
	want := enterprise.Policy{DeviceLimit: enterprise.UseDeviceAcct, CheckInSeconds: 3600}
	if d := cmp.Diff(want, got.Policy); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	b.refuse(400, "PUT", "/v1/enterprises/acme/policy", `{"deviceLimit":"maybe"}`, "deviceLimit", "refuse")
	b.refuse(400, "PUT", "/v1/enterprises/acme/policy", `{"labelAccountType":{"A":"userAccount"}}`, "labelAccountType.A", "label")
	b.refuse(404, "PUT", "/v1/enterprises/nobody/policy", `{}`, "", `no enterprise "nobody"`)
	trail := []string{"admin:local enterprise.create enterprise:acme ok", "admin:local enterprise.policy enterprise:acme ok"}
	if d := cmp.Diff(trail, b.trail("acme")); d != "" {
		t.Errorf("trail: -want +got:\n%s", d)
	}
}

func TestListingsPage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var want, got []string
	for i := range 5 {
		id := "acme-" + strconv.Itoa(i)
		want = append(want, id)
		b.putEnterprise(enterprise.Enterprise{ID: id, Play: "LC" + strconv.Itoa(i), CreatedAt: clock.Add(time.Duration(i))})
	}
	next := ""
	for range 10 {
		var p page[enterprise.Enterprise]
		b.want(200, "GET", "/v1/enterprises?limit=2&next="+next, "", &p)
		for _, e := range p.Items {
			got = append(got, e.ID)
		}
		if next = p.Next; next == "" {
			break
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	b.refuse(400, "GET", "/v1/enterprises?limit=0", "", "limit", "1 to 1000")
	b.refuse(400, "GET", "/v1/enterprises?limit=1001", "", "limit", "1 to 1000")
	b.refuse(400, "GET", "/v1/enterprises?limit=x", "", "limit", "1 to 1000")
	b.refuse(400, "GET", "/v1/enterprises?next=x", "", "next", "unchanged")
	b.refuse(400, "GET", "/v1/enterprises?limit=1&limit=2", "", "limit", "twice")
	b.refuse(400, "GET", "/v1/enterprises?order=up", "", "order", "not known")
}
