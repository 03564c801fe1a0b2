package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

var ada, bob, eve = person.KeyOf("acme", "e-1815"), person.KeyOf("acme", "e-2"), person.KeyOf("other", "e-3")

func (b *bench) people() {
	b.t.Helper()
	b.fleet()
	for _, p := range []person.Person{
		{
			Key: ada, Enterprise: "acme", ID: "e-1815", State: person.Active, Settled: person.Granted, UpdatedAt: clock,
			Entry:  person.Entry{ID: "e-1815", Mail: "Ada@example.com", Login: "ada", Hash: "digest-1"},
			Google: person.Google{ID: "7", Mail: "ada@example.com", Hash: "digest-2"},
		},
		{
			Key: bob, Enterprise: "acme", ID: "e-2", State: person.Leaving, Settled: person.Granted, UpdatedAt: clock,
			DeleteAt: clock.AddDate(0, 0, 7), Entry: person.Entry{ID: "e-2", Mail: "bob@example.com", Login: "bob"},
		},
		{Key: eve, Enterprise: "other", ID: "e-3", State: person.Active, Entry: person.Entry{Mail: "ada@example.com"}},
	} {
		b.put(func(tx *record.Tx) error { return tx.PutPerson(p) })
	}
	b.putDevice(device.Device{ID: "d5", Enterprise: "acme", Subject: account.Subject{Kind: account.Person, ID: "e-1815"}})
	b.putAccount(account.Account{ID: "acct5", Enterprise: "acme", Subject: account.Subject{Kind: account.Person, ID: "e-1815"}})
}

func TestListPeople(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.people()
	for query, want := range map[string][]string{
		"":                                    {"e-1815", "e-2"},
		"?state=leaving":                      {"e-2"},
		"?state=gone":                         {},
		"?mail=ADA@example.com":               {"e-1815"},
		"?mail=ada@example.com&state=leaving": {},
		"?login=BOB":                          {"e-2"},
		"?mail=nobody@example.com":            {},
		"?mail=" + strings.Repeat("x", 300) + "@x": {},
	} {
		got := ids(t, b, "/v1/enterprises/acme/people"+query)
		if d := cmp.Diff(want, got, cmpopts.SortSlices(strings.Compare)); d != "" {
			t.Errorf("%s: -want +got:\n%s", query, d)
		}
	}
	b.refuse(400, "GET", "/v1/enterprises/acme/people?state=happy", "", "state", "active, disabled")
	b.refuse(400, "GET", "/v1/enterprises/acme/people?mail=ada", "", "mail", "address")
	b.refuse(400, "GET", "/v1/enterprises/acme/people?mail=a@b%00c", "", "mail", "address")
	b.refuse(400, "GET", "/v1/enterprises/acme/people?mail=a@b%ff", "", "mail", "address")
	b.refuse(400, "GET", "/v1/enterprises/acme/people?login=a%00", "", "login", "user id")
	b.refuse(400, "GET", "/v1/enterprises/acme/people?mail=a@b&login=a", "", "login", "not both")
	b.refuse(400, "GET", "/v1/enterprises/acme/people?name=ada", "", "name", "not known")
	b.refuse(404, "GET", "/v1/enterprises/nobody/people", "", "", "no enterprise")
}

func TestShowPerson(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.people()
	var got personDetail
	b.want(200, "GET", "/v1/enterprises/acme/people/"+ada, "", &got)
	if got.ID != "e-1815" || got.Access != person.Granted || !got.Due.IsZero() || len(got.Devices) != 1 || len(got.Accounts) != 1 {
		t.Errorf("got %+v", got)
	}
	if got.Entry.Hash != "" || got.Google.Hash != "" {
		t.Error("digests of passwords are shown")
	}
	b.want(200, "GET", "/v1/enterprises/acme/people/"+bob, "", &got)
	if got.Access != person.Withdrawn || got.Settled != person.Granted || !got.Due.Equal(clock.Add(2*time.Minute)) {
		t.Errorf("got %+v", got)
	}
	b.refuse(404, "GET", "/v1/enterprises/acme/people/"+eve, "", "", "no person")
	b.refuse(404, "GET", "/v1/enterprises/acme/people/nobody", "", "", "no person")
	b.refuse(404, "GET", "/v1/enterprises/acme/people/%20", "", "", "no person")
}
