package admin

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	directoryapi "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

const adaPath = "/v1/enterprises/acme/people/"

// withGoogle is acme with people, a directory, and a simulated Google that is asked
// by Google's own client.
func (b *bench) withGoogle() *workspacetest.Server {
	b.t.Helper()
	sim := workspacetest.New(workspacetest.Options{Now: b.office.Now})
	b.t.Cleanup(sim.Close)
	account, err := sim.NewServiceAccount("sync")
	if err != nil {
		b.t.Fatal(err)
	}
	sim.Tokens.Delegate(account.Email, directoryapi.AdminDirectoryUserReadonlyScope)
	sim.AddCustomer("example.com")
	if _, err := sim.AddAdmin("admin@example.com"); err != nil {
		b.t.Fatal(err)
	}
	b.people()
	b.want(200, "PUT", dirPath, readOnly+`}`, nil)
	if err := b.office.Secrets.Put(b.t.Context(), directory.KeySecret("acme"), secret.NewBytes(account.JSON)); err != nil {
		b.t.Fatal(err)
	}
	calls := workspace.CallerOptions()
	calls.Sleep = func(context.Context, time.Duration) error { return nil }
	b.office.Google = func(_ context.Context, c directory.Config) (GoogleUsers, error) {
		return workspace.New(workspace.Options{
			Enterprise: c.Enterprise, Subject: c.Google.Subject, ReadOnly: true, Endpoint: sim.URL, Now: b.office.Now,
			Caller: google.NewCaller(calls),
			Credential: func(ctx context.Context) (secret.Value, error) {
				return b.office.Secrets.Access(ctx, directory.KeySecret(c.Enterprise))
			},
		}), nil
	}
	return sim
}

// setGoogle makes g the Google account in a person's row.
func (b *bench) setGoogle(key string, g person.Google) {
	b.t.Helper()
	b.put(func(tx *record.Tx) error {
		p, err := tx.Person(key)
		if err != nil {
			return err
		}
		p.Google = g
		return tx.PutPerson(p)
	})
}

func TestGoogleAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sim := b.withGoogle()
	id, err := sim.AddUser(workspacetest.User{PrimaryEmail: "ada@example.com", GivenName: "Ada", FamilyName: "Byron", OrgUnitPath: "/sales"})
	if err != nil {
		t.Fatal(err)
	}
	row := person.Google{
		ID: id, Mail: "Ada@example.com", OrgUnit: "/sales", Suspended: person.No, Archived: person.No, Admin: person.No,
	}
	b.setGoogle(ada, row)
	var got foundAccount
	b.want(200, "GET", adaPath+ada+"/google", "", &got)
	want := foundAccount{
		Found: true, AskedBy: "id", ID: id, PrimaryEmail: "ada@example.com", Suspended: "no", Archived: "no", Admin: "no",
		ChangePassword: "no", OrgUnitPath: "/sales", CreatedAt: got.CreatedAt, Matches: true, Differences: []string{},
	}
	if d := cmp.Diff(want, got); d != "" || got.CreatedAt.IsZero() {
		t.Errorf("-want +got:\n%s", d)
	}

	if err := sim.Edit(id, func(u *workspacetest.User) {
		u.PrimaryEmail, u.Suspended, u.OrgUnitPath = "countess@example.com", true, "/"
	}); err != nil {
		t.Fatal(err)
	}
	got = foundAccount{}
	b.want(200, "GET", adaPath+ada+"/google", "", &got)
	differences := []string{
		"The primary address is countess@example.com at Google, and ada@example.com in Rollcall.",
		"The list of aliases is ada@example.com at Google, and nothing in Rollcall.",
		"The organizational unit is / at Google, and /sales in Rollcall.",
		"Whether the account is suspended: yes at Google, and no in Rollcall.",
	}
	if d := cmp.Diff(differences, got.Differences); d != "" || got.Matches || got.Suspended != "yes" {
		t.Errorf("%+v, -want +got:\n%s", got, d)
	}

	b.setGoogle(ada, person.Google{}) // not joined: asked by the directory's address
	got = foundAccount{}
	b.want(200, "GET", adaPath+ada+"/google", "", &got)
	if got.AskedBy != "address" || got.ID != id || got.Matches || !strings.Contains(got.Differences[0], "has joined no Google account") {
		t.Errorf("got %+v", got)
	}
	if n := sim.Faults.Calls("directory.users.get"); n != 3 {
		t.Errorf("%d calls of users.get, want 3 (%v)", n, sim.Faults.Counts())
	}
	if trail := b.trail("acme"); len(trail) != 2 {
		t.Errorf("reading left records: %v", trail)
	}
}

// TestGoogleAccountMissing: what is about the account is an answer, and not an error.
func TestGoogleAccountMissing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sim := b.withGoogle()
	id, err := sim.AddUser(workspacetest.User{PrimaryEmail: "gone@example.com", GivenName: "G", FamilyName: "G"})
	if err != nil {
		t.Fatal(err)
	}
	sim.Remove(id)
	for _, tc := range []struct {
		name            string
		row             person.Google
		askedBy, reason string
	}{
		{"never there", person.Google{ID: "100000000000000000001"}, "id", "google-not-found"},
		{"deleted", person.Google{ID: id}, "id", "workspace-deleted"},
		{"still being made", person.Google{ID: "100000000000000000001", CreatedAt: clock.Add(-time.Minute)}, "id", "google-not-ready"},
		{"nobody of that address", person.Google{}, "address", "google-not-found"},
	} {
		b.setGoogle(ada, tc.row)
		var got missingAccount
		b.want(200, "GET", adaPath+ada+"/google", "", &got)
		if got.Found || got.AskedBy != tc.askedBy || got.Reason != tc.reason || got.ReasonText != notFound[tc.reason] {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
	b.put(func(tx *record.Tx) error {
		return tx.PutPerson(person.Person{Key: ada, Enterprise: "acme", ID: "e-1815", State: person.Active})
	})
	var got missingAccount
	b.want(200, "GET", adaPath+ada+"/google", "", &got)
	if got.Reason != reasonNotJoined || got.AskedBy != "" {
		t.Errorf("without an address: %+v", got)
	}
}

func TestGoogleAccountRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.people()
	path := adaPath + ada + "/google"
	b.refuse(404, "GET", path, "", "", "no directory yet")
	b.want(200, "PUT", dirPath, `{"mode":"ldap-only","ldap":{"url":"ldaps://ldap.example.com","baseDn":"dc=x"}}`, nil)
	b.refuse(409, "GET", path, "", "", "says nothing about Google")
	b.want(200, "PUT", dirPath, readOnly+`}`, nil)
	b.refuse(404, "GET", adaPath+eve+"/google", "", "", "no person")
	b.refuse(400, "GET", path+"?now=1", "", "now", "not known")
	for _, tc := range []struct {
		err    error
		status int
		text   string
	}{
		{fault.New(fault.Permanent, "google-key", "The key does not work."), 502, "Google could not be asked: The key does not work."},
		{fault.New(fault.Permanent, "google-subject", "S."), 502, "rollcall directory test"},
		{fault.New(fault.Transient, "workspace-subject-rights", "R."), 503, "could not be asked: R."},
		{fault.New(fault.Transient, "google-network", "N."), 503, "could not be asked: N."},
		{fault.New(fault.Exhausted, "google-quota", "Q.").After(time.Minute), 503, "could not be asked: Q."},
		{fault.New(fault.Conflict, "workspace-page-token", "P."), 502, "could not be asked: P."},
		{fault.Field("key", "is required"), 502, "could not be asked"},
		{fault.New(fault.NotFound, "not-found", "no secret"), 502, "--google-key-file"},
		{context.DeadlineExceeded, 503, "did not answer in time"},
	} {
		b.office.Google = func(context.Context, directory.Config) (GoogleUsers, error) { return failing{tc.err}, nil }
		b.refuse(tc.status, "GET", path, "", "", tc.text)
		b.office.Google = func(context.Context, directory.Config) (GoogleUsers, error) { return nil, tc.err }
		b.refuse(tc.status, "GET", path, "", "", tc.text)
	}
}

// failing is a Google that answers with an error.
type failing struct{ err error }

func (f failing) Get(context.Context, workspace.Key) (workspace.User, error) {
	return workspace.User{}, f.err
}

// TestGoogleAccount_IsAskedOnlyForIt: no other request reaches for Google, so that
// none waits for it or pays for its client.
func TestGoogleAccount_IsAskedOnlyForIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.people()
	b.want(200, "PUT", dirPath, readOnly+`}`, nil)
	b.office.Google = func(context.Context, directory.Config) (GoogleUsers, error) {
		t.Error("Google is asked")
		return nil, errBroken
	}
	for path := range b.office.routes() {
		if strings.HasSuffix(path, "/google") {
			continue
		}
		path = strings.NewReplacer("{enterprise}", "acme", "/people/{id}", "/people/"+ada, "{id}", "d1").Replace(path)
		if w := b.do("GET", path, ""); w.Code >= 500 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestDifferences: differences are told where both sides
// know, and only then.
func TestDifferences(t *testing.T) {
	t.Parallel()
	row := person.Person{
		Entry:  person.Entry{Mail: "a@example.com"},
		Google: person.Google{ID: "1", Mail: "a@example.com", Aliases: []string{"b@example.com", "C@example.com"}, Suspended: person.No, Admin: person.Yes},
	}
	user := workspace.User{ID: "1", PrimaryEmail: "A@example.com", Aliases: []string{"c@example.com", "b@example.com"}}
	for _, tc := range []struct {
		name string
		edit func(*workspace.User, *person.Person)
		want []string
	}{
		{"the same, as far as known", func(*workspace.User, *person.Person) {}, []string{}},
		{"suspended", func(u *workspace.User, _ *person.Person) { u.Suspended = workspace.Yes }, []string{"Whether the account is suspended: yes at Google, and no in Rollcall."}},
		{"archived, which the row does not know", func(u *workspace.User, _ *person.Person) { u.Archived = workspace.Yes }, []string{}},
		{"no administrator any more", func(u *workspace.User, _ *person.Person) { u.Admin, u.DelegatedAdmin = workspace.No, workspace.No },
			[]string{"Whether the account is an administrator: no at Google, and yes in Rollcall."}},
		{"delegated", func(u *workspace.User, _ *person.Person) { u.Admin, u.DelegatedAdmin = workspace.No, workspace.Yes }, []string{}},
		{"another id", func(u *workspace.User, _ *person.Person) { u.ID = "2" }, []string{"The account's id is 2 at Google, and 1 in Rollcall."}},
		{"back from deletion", func(_ *workspace.User, p *person.Person) { p.Google.Deleted = true }, []string{"Google has the account, and Rollcall takes it for deleted."}},
		{"an alias in the directory", func(_ *workspace.User, p *person.Person) { p.Entry.Mail = "B@example.com" }, []string{}},
		{"another address in the directory", func(_ *workspace.User, p *person.Person) { p.Entry.Mail = "d@example.com" },
			[]string{"The directory's address d@example.com is neither the account's primary address nor an alias."}},
		{"no address in the directory", func(_ *workspace.User, p *person.Person) { p.Entry.Mail = "" }, []string{}},
	} {
		u, p := user, row
		tc.edit(&u, &p)
		if d := cmp.Diff(tc.want, differences(u, p)); d != "" {
			t.Errorf("%s: -want +got:\n%s", tc.name, d)
		}
	}
	b, err := json.Marshal(viewUser(user, row, "id"))
	if err != nil || !strings.Contains(string(b), `"suspended":"unknown"`) {
		t.Errorf("%s, %v", b, err)
	}
}

// TestGoogleAccount_PeopleOfGoogleThemselves: where people come from Google, their own
// id is the account's.
func TestGoogleAccount_PeopleOfGoogleThemselves(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sim := b.withGoogle()
	id, err := sim.AddUser(workspacetest.User{PrimaryEmail: "grace@example.com", GivenName: "Grace", FamilyName: "Hopper"})
	if err != nil {
		t.Fatal(err)
	}
	key := person.KeyOf("acme", id)
	b.put(func(tx *record.Tx) error {
		if err := tx.PutDirectory(directory.Config{Enterprise: "acme", Mode: directory.GoogleOnly, Google: &directory.Google{Subject: "admin@example.com"}}); err != nil {
			return err
		}
		return tx.PutPerson(person.Person{Key: key, Enterprise: "acme", ID: id, State: person.Active, Settled: person.Granted,
			Entry: person.Entry{ID: id, Mail: "grace@example.com", Enabled: person.Yes}})
	})
	var got foundAccount
	b.want(200, "GET", adaPath+key+"/google", "", &got)
	if !got.Found || got.AskedBy != "id" || got.ID != id {
		t.Errorf("got %+v", got)
	}
}
