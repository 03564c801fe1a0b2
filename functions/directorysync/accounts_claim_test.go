package directorysync_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

func TestAccounts_D2_Adopt(t *testing.T) {
	t.Parallel()
	add := func(t *testing.T, d *desk, u workspacetest.User) string {
		t.Helper()
		u.GivenName, u.FamilyName = "Anna", "Example"
		id, err := d.sim.AddUser(u)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	marked := func(u workspacetest.User, value string) workspacetest.User {
		u.Fields = map[string]jsonRaw{"externalIds": jsonRaw(`[{"type":"custom","customType":"rollcall","value":"` + value + `"}]`)}
		return u
	}
	anna := workspacetest.User{PrimaryEmail: "anna@example.com", OrgUnitPath: "/Staff"}
	key := person.KeyOf("acme", "id-1")
	for _, tc := range []struct {
		name    string
		begin   func(*testing.T, *desk)
		steps   string
		problem string
	}{
		{"an account of nobody", func(t *testing.T, d *desk) { add(t, d, anna) }, "link", ""},
		{"an account of nobody, with another mark", func(t *testing.T, d *desk) {
			u := anna
			u.Fields = map[string]jsonRaw{"externalIds": jsonRaw(`[{"type":"organization","value":"42"}]`)}
			add(t, d, u)
		}, "link", ""},
		{"the one that was made", func(t *testing.T, d *desk) { add(t, d, marked(anna, key)) }, "create-account", ""},
		{"the one that was made, renamed since", func(t *testing.T, d *desk) {
			add(t, d, marked(workspacetest.User{PrimaryEmail: "ann@example.com", Aliases: []string{"anna@example.com"}, OrgUnitPath: "/Staff"}, key))
		}, "create-account rename-account", ""},
		{"one made for another", func(t *testing.T, d *desk) { add(t, d, marked(anna, person.KeyOf("acme", "id-2"))) }, "", directory.ProblemAddressTaken},
		{"an alias of somebody", func(t *testing.T, d *desk) {
			add(t, d, workspacetest.User{PrimaryEmail: "ann@example.com", Aliases: []string{"anna@example.com"}})
		}, "", directory.ProblemAddressTaken},
		{"one that another is joined with", func(t *testing.T, d *desk) {
			id := add(t, d, anna)
			d.others[person.KeyOf("acme", id)] = person.Person{Key: "other", Enterprise: "acme"}
		}, "", directory.ProblemAddressTaken},
		{"one that the same is joined with", func(t *testing.T, d *desk) {
			id := add(t, d, anna)
			d.others[person.KeyOf("acme", id)] = person.Person{Key: key, Enterprise: "acme"}
		}, "link", ""},
		{"one in another unit", func(t *testing.T, d *desk) {
			u := anna
			u.OrgUnitPath = "/Held"
			add(t, d, u)
			d.config.Google.OrgUnits = []string{"/Staff"}
		}, "", directory.ProblemOutOfScope},
		{"the one that was made, out of scope since", func(t *testing.T, d *desk) {
			u := anna
			u.OrgUnitPath = "/Held"
			add(t, d, marked(u, key))
			d.config.Google.OrgUnits = []string{"/Staff"}
		}, "", directory.ProblemOutOfScope},
		{"one that is excluded", func(t *testing.T, d *desk) {
			add(t, d, anna)
			d.config.Exclude.Mails = []string{"anna@example.com"}
		}, "", directory.ProblemOutOfScope},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, deskOptions{})
			tc.begin(t, d)
			users := d.sim.UserCount(d.customer)
			d.must(t, tc.steps)
			if d.sim.UserCount(d.customer) != users {
				t.Error("another account was made")
			}
			var want []string
			if tc.problem != "" {
				want = []string{tc.problem}
			}
			if !slices.Equal(d.row.Problems, want) || (d.row.Google.ID != "") != (tc.problem == "") {
				t.Errorf("problems %v, joined with %q", d.row.Problems, d.row.Google.ID)
			}
		})
	}
}

// An address that Google says is taken, and of which it shows nobody, is at first
// that of an account that is being made, and later that of a group.
func TestAccounts_AnAddressOfAGroup(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.sim.Faults.Add(googletest.Script{Method: insertMethod, Mode: googletest.Refuse, Status: http.StatusConflict, Reason: "duplicate"})
	if _, err := d.bring(t, all); err == nil || len(d.row.Problems) > 0 {
		t.Errorf("%v, problems %v", err, d.row.Problems)
	}
	d.clock.advance(16 * time.Minute)
	d.must(t, "")
	if !slices.Equal(d.row.Problems, []string{directory.ProblemAddressTaken}) {
		t.Errorf("problems %v", d.row.Problems)
	}
	d.sim.Faults.Clear() // the group is gone
	d.must(t, "create-account")
	if len(d.row.Problems) > 0 {
		t.Errorf("problems %v", d.row.Problems)
	}
}

// Google's denial means nothing for a while after the last attempt, however long ago
// the first was.
func TestAccounts_D2_AnOldIntent(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{sim: workspacetest.Options{Settling: 10 * time.Minute}})
	d.row.Google = person.Google{Mail: "anna@example.com", CreatedAt: deskTime.AddDate(0, -1, 0)}
	d.sim.Faults.Add(googletest.Script{Method: insertMethod, Mode: googletest.DropAfter, Times: 1})
	for range 4 {
		d.clock.advance(time.Minute)
		if got, err := d.bring(t, all); got != "" || !fault.Redeliver(err) || len(d.row.Problems) > 0 {
			t.Fatalf("did %q, problems %v: %v", got, d.row.Problems, err)
		}
	}
	d.clock.advance(10 * time.Minute)
	d.must(t, "create-account")
	if d.sim.UserCount(d.customer) != 2 {
		t.Error("another account was made")
	}
}

// Where Google made the account and the answer was lost, a look is enough.
func TestAccounts_D2_ALostAnswerCostsOneLook(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.sim.Faults.Add(googletest.Script{Method: insertMethod, Mode: googletest.DropAfter, Times: 1})
	d.must(t, "create-account")
	if d.sim.Faults.Calls(insertMethod) != 1 || d.sim.Faults.Calls(getMethod) != 1 {
		t.Errorf("calls %v", d.sim.Faults.Counts())
	}
}
