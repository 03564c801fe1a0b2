package admin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

const clientsPath = "/v1/enterprises/acme/mail-clients"

// jwk is a new key of a curve, its public half or whole.
func jwk(t *testing.T, curve elliptic.Curve, private bool) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := jose.JSONWebKey{Key: key.Public()}
	if private {
		k.Key = key
	}
	b, err := k.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// RFC 7638's own example is an RSA key; this is RFC 7517's EC key of appendix A.1, with
// the thumbprint that openssl gives for it.
const (
	rfcKey = `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"}`
	allow  = `"allow":{"mailboxes":["ann@example.com"],"labels":["voicemail"],"domains":["example.org"]}`
)

func withKey(key string) string {
	return `{"name":"Voicemail","key":` + key + `,"scope":"full",` + allow + `}`
}

func TestMailClient_IsRegisteredChangedAndRemoved(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	var got mailClientView
	b.want(201, "POST", clientsPath, withKey(rfcKey), &got)
	const thumb = "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"
	want := mailclient.Client{
		ID: got.ID, Enterprise: "acme", Name: "Voicemail", Thumbprint: thumb, Scope: mailclient.Full, State: mailclient.Active,
		Allow:     mailclient.Allow{Mailboxes: []string{"ann@example.com"}, Labels: []string{"voicemail"}, Domains: []string{"example.org"}},
		CreatedAt: clock, UpdatedAt: clock, UpdatedBy: "admin:local",
	}
	if diff := cmp.Diff(mailClientView{Client: want, Mailboxes: 1}, got); diff != "" {
		t.Errorf("POST: -want +got:\n%s", diff)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
	path := clientsPath + "/" + got.ID
	shown := b.do("GET", path, "").Body.String()
	b.want(200, "GET", path, "", &got)
	if diff := cmp.Diff(mailClientView{Client: want, Mailboxes: 1}, got); diff != "" {
		t.Errorf("GET: -want +got:\n%s", diff)
	}
	b.want(200, "PUT", path, shown, &got) // what is shown may be put
	if got.Changed == nil || *got.Changed {
		t.Errorf("the same is a change: %+v", got)
	}
	got = mailClientView{}
	b.want(200, "PUT", path, `{"name":"Voicemail 2","scope":"imap_admin","allow":{"domains":["example.org"]},"state":"revoked"}`, &got)
	want.Name, want.Scope, want.State, want.Allow = "Voicemail 2", mailclient.IMAPAdmin, mailclient.Revoked, mailclient.Allow{Domains: []string{"example.org"}}
	if diff := cmp.Diff(want, got.Client); diff != "" || !*got.Changed {
		t.Errorf("PUT: -want +got:\n%s", diff)
	}
	// A change that says nothing of the state leaves it: who is revoked stays so.
	b.want(200, "PUT", path, `{"name":"Voicemail","scope":"full",`+allow+`}`, &got)
	if got.State != mailclient.Revoked || got.Name != "Voicemail" {
		t.Errorf("a change without a state: %+v", got)
	}
	b.refuse(409, "PUT", path, strings.Replace(shown, `"2026-03-01T12:00:00Z"`, `"2026-02-01T12:00:00Z"`, 2), "", "was changed by admin:local")
	b.want(204, "DELETE", path, "", nil)
	b.refuse(404, "GET", path, "", "", "no mail client")
	b.refuse(404, "DELETE", path, "", "", "no mail client")
	b.refuse(404, "PUT", path, `{}`, "", "no mail client")
	trail := []string{
		"admin:local mail-client.create mail-client:" + want.ID + " ok", "admin:local mail-client.change mail-client:" + want.ID + " ok",
		"admin:local mail-client.change mail-client:" + want.ID + " ok",
		"admin:local mail-client.remove mail-client:" + want.ID + " ok",
	}
	if diff := cmp.Diff(trail, b.trail("acme")[1:]); diff != "" {
		t.Errorf("trail: -want +got:\n%s", diff)
	}
	b.leaksNothing("ann@example.com")
}

func TestMailClient_AKeyIsOneClients(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	b.want(201, "POST", "/v1/enterprises", `{"id":"beta","name":"Beta","play":"LC02"}`, nil)
	account := `{"name":"Gateway","serviceAccount":{"email":"v@p.iam.gserviceaccount.com","sub":"100000000001"},"scope":"imap_admin",` + allow + `}`
	var made mailClientView
	for _, body := range []string{withKey(rfcKey), account} {
		b.want(201, "POST", clientsPath, body, &made)
		b.refuse(409, "POST", clientsPath, body, "", made.ID+" ("+made.Name+")")
		w := b.do("POST", "/v1/enterprises/beta/mail-clients", body)
		if w.Code != 409 || strings.Contains(w.Body.String(), "acme") || strings.Contains(w.Body.String(), made.ID) {
			t.Errorf("another enterprise is told %d %s", w.Code, w.Body)
		}
		// Nobody sees, changes or removes another enterprise's.
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			body := ""
			if method == "PUT" {
				body = `{"name":"x","scope":"full",` + allow + `}`
			}
			b.refuse(404, method, "/v1/enterprises/beta/mail-clients/"+made.ID, body, "", "no mail client")
		}
	}
}

func TestMailClient_RefusalsNameTheField(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	var made mailClientView
	b.want(201, "POST", clientsPath, withKey(jwk(t, elliptic.P256(), false)), &made)
	private := jwk(t, elliptic.P256(), true)
	var whole map[string]string
	if err := json.Unmarshal([]byte(private), &whole); err != nil {
		t.Fatal(err)
	}
	body := func(rest string) string { return `{"name":"V","scope":"full",` + rest + `}` }
	long := make([]string, mailclient.MaxMailboxes+1)
	for i := range long {
		long[i] = fmt.Sprintf(`"u%d@example.com"`, i)
	}
	for _, tc := range []struct{ name, body, field, text string }{
		{"no key", body(allow), "key", "not both"},
		{"both", body(`"key":` + rfcKey + `,"serviceAccount":{"email":"v@p.iam.gserviceaccount.com","sub":"100000000001"},` + allow), "key", "not both"},
		{"a private key", withKey(private), "key", "private key"},
		{"another curve", withKey(jwk(t, elliptic.P384(), false)), "key", "P-256"},
		{"a point that is none", withKey(strings.Replace(rfcKey, "MKBC", "AAAA", 1)), "key", "JWK"},
		{"a secret", withKey(`{"kty":"oct","k":"aHVudGVyMg"}`), "key", "P-256"},
		{"a key as text", withKey(`"hunter2"`), "key", "JSON object"},
		{"no JWK", withKey(`{"hunter2":"x"}`), "key", "JWK"},
		{"a person's account", body(`"serviceAccount":{"email":"ada@example.com","sub":"100000000001"},` + allow), "serviceAccount.email", "gserviceaccount.com"},
		{"an account without an id", body(`"serviceAccount":{"email":"v@p.iam.gserviceaccount.com","sub":"v"},` + allow), "serviceAccount.sub", "number"},
		{"no name", `{"key":` + rfcKey + `,"scope":"full",` + allow + `}`, "name", "characters"},
		{"a name that steers a terminal", `{"name":"a\u001b[2J","key":` + rfcKey + `,"scope":"full",` + allow + `}`, "name", "control"},
		{"no scope", `{"name":"V","key":` + rfcKey + `,` + allow + `}`, "scope", "imap_admin"},
		{"another scope", `{"name":"V","key":` + rfcKey + `,"scope":"https://mail.google.com/",` + allow + `}`, "scope", "imap_admin"},
		{"nothing allowed", body(`"key":` + rfcKey), "allow", "say which"},
		{"no mailbox", body(`"key":` + rfcKey + `,"allow":{"mailboxes":["ann"]}`), "allow.mailboxes[0]", "address"},
		{"a mailbox twice", body(`"key":` + rfcKey + `,"allow":{"mailboxes":["ann@example.com","ANN@example.com"]}`), "allow.mailboxes[1]", "twice"},
		{"a wildcard", body(`"key":` + rfcKey + `,"allow":{"domains":["*.example.com"]}`), "allow.domains[0]", "wildcards"},
		{"no label", body(`"key":` + rfcKey + `,"allow":{"labels":["No!"]}`), "allow.labels[0]", ""},
		{"too many", body(`"key":` + rfcKey + `,"allow":{"mailboxes":[` + strings.Join(long, ",") + `]}`), "allow.mailboxes", "at most"},
		{"an unknown member", body(`"key":` + rfcKey + `,"state":"active",` + allow), "state", "not known"},
		{"null", body(`"key":` + rfcKey + `,"allow":{"labels":null,"domains":["example.com"]}`), "allow.labels", "null"},
		{"an array", `[]`, "", "JSON object"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b.refuse(400, "POST", clientsPath, tc.body, tc.field, tc.text)
			if w := b.do("POST", clientsPath, tc.body); strings.Contains(w.Body.String(), "hunter2") || strings.Contains(w.Body.String(), whole["d"]) {
				t.Errorf("the answer quotes a secret: %s", w.Body)
			}
		})
	}
	path := clientsPath + "/" + made.ID
	for _, tc := range []struct{ body, field, text string }{
		{`{"name":"V","scope":"full"}`, "allow", "say which"},
		{`{"name":"V","scope":"full",` + allow + `,"id":"mx"}`, "id", "cannot be changed"},
		{`{"name":"V","scope":"full",` + allow + `,"enterprise":"beta"}`, "enterprise", "cannot be changed"},
		{`{"name":"V","scope":"full",` + allow + `,"thumbprint":"x"}`, "thumbprint", "cannot be changed"},
		{`{"name":"V","scope":"full",` + allow + `,"serviceAccount":{"email":"v@p.iam.gserviceaccount.com","sub":"100000000001"}}`, "serviceAccount", "cannot be changed"},
		{`{"name":"V","scope":"full",` + allow + `,"state":"off"}`, "state", "revoked"},
		{`{"name":"V","scope":"full",` + allow + `,"key":` + rfcKey + `}`, "key", "not known"},
	} {
		b.refuse(400, "PUT", path, tc.body, tc.field, tc.text)
	}
	b.refuse(413, "POST", clientsPath, `{"name":"`+strings.Repeat("x", maxMailClient)+`"}`, "", "at most")
	b.refuse(404, "POST", "/v1/enterprises/nobody/mail-clients", withKey(rfcKey), "", "no enterprise")
	b.refuse(404, "GET", clientsPath+"/%2e%2e", "", "", "no mail client")
	b.refuse(405, "PATCH", path, "", "", "DELETE and GET and PUT only")
	b.leaksNothing("hunter2", whole["d"])
	if got := b.trail("acme"); len(got) != 2 {
		t.Errorf("a refusal left %v", got)
	}
}

// TestMailClients_ListIsPagedAndShort: a list of mailboxes is counted, not listed.
func TestMailClients_ListIsPagedAndShort(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	const n = clientsPage + 5
	for i := range n {
		sub := fmt.Sprint(100000000000 + i)
		b.put(func(tx *record.Tx) error {
			return tx.PutMailClient(mailclient.Client{
				ID: mailclient.AccountID(sub), Enterprise: "acme", Name: "V", Scope: mailclient.Full, State: mailclient.Active, UpdatedAt: time.Time{},
				ServiceAccount: &mailclient.ServiceAccount{Email: "v@p.iam.gserviceaccount.com", Sub: sub}, Allow: mailclient.Allow{Mailboxes: []string{"ann@example.com", "bob@example.com"}},
			})
		})
	}
	var seen []string
	for next := "start"; next != ""; {
		query := "?limit=1000"
		if next != "start" {
			query += "&next=" + next
		}
		var got page[mailClientView]
		w := b.do("GET", clientsPath+query, "")
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || strings.Contains(w.Body.String(), "ann@") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, v := range got.Items {
			seen = append(seen, v.ID)
			if v.Mailboxes != 2 {
				t.Errorf("%d mailboxes", v.Mailboxes)
			}
		}
		next = got.Next
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != n {
		t.Errorf("%d of %d are listed", len(seen), n)
	}
}

// TestMailClients_E5_WhereverTheStoreFails a change is stored with its record, or not
// at all.
func TestMailClients_E5_WhereverTheStoreFails(t *testing.T) {
	t.Parallel()
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		b := newBench(t)
		b.acme()
		var id string
		for _, s := range []struct {
			method, body, action string
			again                int // the answer where it was done already
		}{
			{"POST", withKey(rfcKey), "create", 409},
			{"PUT", `{"name":"W","scope":"full",` + allow + `}`, "change", 200},
			{"DELETE", "", "remove", 404},
		} {
			path := clientsPath
			if s.method != "POST" {
				path += "/" + id
			}
			before := len(b.trail("acme"))
			for k := 1; ; k++ {
				b.store.Fail(k, when)
				w := b.do(s.method, path, s.body)
				fired := b.store.Fired()
				b.store.Fail(0, when)
				if !fired {
					if w.Code/100 != 2 && w.Code != s.again {
						t.Errorf("%s: %d %s", s.method, w.Code, w.Body)
					}
					break
				}
				if w.Code != 503 && w.Code != s.again {
					t.Errorf("%s, operation %d: %d %s", s.method, k, w.Code, w.Body)
				}
			}
			if got := b.trail("acme")[before:]; len(got) != 1 || !strings.Contains(got[0], "mail-client."+s.action) {
				t.Errorf("%s: trail %v", s.method, got)
			}
			if s.method == "POST" {
				clients, _, err := b.office.DB.MailClients(t.Context(), "acme", record.Page{Limit: 10})
				if err != nil || len(clients) != 1 {
					t.Fatalf("%d clients, %v", len(clients), err)
				}
				id = clients[0].ID
			}
		}
	}
}
