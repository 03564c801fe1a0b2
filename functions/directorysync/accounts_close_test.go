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

func TestAccounts_D9_D10_Leaver(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.must(t, "create-account")
	d.leave()
	d.must(t, "suspend-account")
	if u := d.account(t); !u.Suspended || d.sim.SignOuts(u.ID) != 1 || !d.row.Google.SuspendedByUs || d.row.Google.Suspended != person.Yes {
		t.Errorf("suspended %v, known as %+v", u.Suspended, d.row.Google)
	}
	d.clock.advance(30*24*time.Hour - time.Second)
	d.must(t, "")
	d.clock.advance(time.Second)
	d.must(t, "delete-account")
	if _, ok := d.sim.UserOf(d.row.Google.ID); ok || !d.row.Google.Deleted || !d.row.Google.DeleteAt.IsZero() {
		t.Errorf("known as %+v", d.row.Google)
	}
	d.must(t, "")

	// Who returns within 20 days gets the same account back.
	id := d.row.Google.ID
	d.clock.advance(19 * 24 * time.Hour)
	d.back()
	d.must(t, "restore-account unsuspend-account")
	if u := d.account(t); u.ID != id || u.Suspended || d.row.Google.SuspendedByUs || d.row.Google.Deleted || u.OrgUnitPath != "/Staff" {
		t.Errorf("restored %+v, known as %+v", u, d.row.Google)
	}
	d.must(t, "")

	// Who returns later gets another.
	d.leave()
	d.must(t, "suspend-account")
	d.clock.advance(30 * 24 * time.Hour)
	d.must(t, "delete-account")
	d.clock.advance(21 * 24 * time.Hour)
	d.back()
	d.must(t, "create-account")
	if u := d.account(t); u.ID == id || u.PrimaryEmail != "anna@example.com" {
		t.Errorf("made %+v", u)
	}
}

func TestAccounts_RestoredIntoAUnitThatIsThere(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.row.Entry.Unit = "dc=elsewhere"
	d.must(t, "create-account")
	d.sim.Remove(d.row.Google.ID)
	d.row.Google.Deleted, d.row.Google.OrgUnit = true, "/Gone"
	d.must(t, "restore-account")
	if u := d.account(t); u.OrgUnitPath != "/New" {
		t.Errorf("in %s", u.OrgUnitPath)
	}
}

// The row may be years old: what Google says now decides.
func TestAccounts_D9_AdministratorsAreLeftAlone(t *testing.T) {
	t.Parallel()
	hidden := func(r *http.Request) bool { return r.Method == http.MethodGet }
	for name, tc := range map[string]struct {
		make    func(*workspacetest.User)
		options deskOptions
		want    string // the problem
	}{
		"super":     {make: func(u *workspacetest.User) { u.Admin = true }, want: directory.ProblemAdministrator},
		"delegated": {make: func(u *workspacetest.User) { u.DelegatedAdmin = true }, want: directory.ProblemAdministrator},
		"unsaid":    {make: func(*workspacetest.User) {}, options: deskOptions{options: without("isAdmin", hidden)}},
		"half":      {make: func(*workspacetest.User) {}, options: deskOptions{options: without("isDelegatedAdmin", hidden)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, state := range []person.State{person.Disabled, person.Leaving, person.Gone} {
				d := newDesk(t, tc.options)
				d.must(t, "create-account")
				d.leave()
				d.row.State = state
				if state == person.Gone {
					d.row.Google.Suspended, d.row.Google.DeleteAt = person.Yes, d.clock.Now()
				}
				if err := d.sim.Edit(d.row.Google.ID, tc.make); err != nil {
					t.Fatal(err)
				}
				got, err := d.bring(t, all)
				if got != "" || tc.want == "" && fault.KindOf(err) != fault.Transient || tc.want != "" && err != nil {
					t.Errorf("%s: did %q: %v", state, got, err)
				}
				if tc.want != "" && !slices.Equal(d.row.Problems, []string{tc.want}) {
					t.Errorf("%s: problems %v", state, d.row.Problems)
				}
				if u := d.account(t); u.Suspended || d.sim.SignOuts(u.ID) != 0 {
					t.Errorf("%s: an administrator was suspended", state)
				}
				for _, m := range []string{updateMethod, deleteMethod, signOutMethod} {
					if d.sim.Faults.Calls(m) > 0 {
						t.Errorf("%s: %s was called", state, m)
					}
				}
			}
		})
	}
}

func TestAccounts_D9_OutOfScopeIsLeftAlone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.must(t, "create-account")
	d.config.Google.OrgUnits = []string{"/Staff"}
	if err := d.sim.Edit(d.row.Google.ID, func(u *workspacetest.User) { u.OrgUnitPath = "/Held" }); err != nil {
		t.Fatal(err)
	}
	d.leave()
	d.must(t, "")
	if u := d.account(t); u.Suspended || !slices.Equal(d.row.Problems, []string{directory.ProblemOutOfScope}) {
		t.Errorf("suspended %v, problems %v", u.Suspended, d.row.Problems)
	}
}

// A suspension by somebody else is not lifted; Rollcall's own is.
func TestAccounts_SuspensionsOfOthersStay(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.must(t, "create-account")
	suspend := func(on bool) {
		t.Helper()
		if err := d.sim.Edit(d.row.Google.ID, func(u *workspacetest.User) { u.Suspended = on }); err != nil {
			t.Fatal(err)
		}
	}
	suspend(true)
	d.row.State = person.Disabled
	d.must(t, "") // the row did not know, and Google says so
	d.row.State = person.Active
	d.must(t, "")
	if u := d.account(t); !u.Suspended || !slices.Equal(d.row.Problems, []string{directory.ProblemSuspended}) {
		t.Errorf("suspended %v, problems %v", u.Suspended, d.row.Problems)
	}
	suspend(false)
	d.row.Google.Suspended, d.row.State = person.No, person.Disabled
	d.must(t, "suspend-account")
	d.row.State = person.Active
	d.must(t, "unsuspend-account")
	if d.account(t).Suspended || len(d.row.Problems) > 0 {
		t.Errorf("suspended still, problems %v", d.row.Problems)
	}
}

func TestAccounts_OneWhoWasOpenedAgainIsNotDeleted(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.must(t, "create-account")
	d.leave()
	d.must(t, "suspend-account")
	if err := d.sim.Edit(d.row.Google.ID, func(u *workspacetest.User) { u.Suspended = false }); err != nil {
		t.Fatal(err)
	}
	d.clock.advance(31 * 24 * time.Hour)
	d.must(t, "suspend-account")
	if d.sim.Faults.Calls(deleteMethod) > 0 || !d.account(t).Suspended {
		t.Error("deleted at once")
	}
	d.must(t, "delete-account")
}

func TestAccounts_SignOutWithoutTheScope(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.must(t, "create-account")
	d.row.State = person.Disabled
	d.clock.advance(time.Hour) // a new account has such refusals as well
	d.sim.Faults.Add(googletest.Script{Method: signOutMethod, Mode: googletest.Refuse, Status: http.StatusForbidden, Reason: "forbidden", Message: "Not Authorized"})
	d.must(t, "suspend-account")
	if !d.account(t).Suspended || !slices.Equal(d.row.Problems, []string{directory.ProblemSignOut}) {
		t.Errorf("problems %v", d.row.Problems)
	}
}

// An account that was given to another meanwhile is that person's to lose.
func TestAccounts_D9_AccountsOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.must(t, "create-account")
	if err := d.sim.Edit(d.row.Google.ID, func(u *workspacetest.User) {
		u.Fields = map[string]jsonRaw{"externalIds": jsonRaw(`[{"type":"custom","customType":"rollcall","value":"other"}]`)}
	}); err != nil {
		t.Fatal(err)
	}
	d.leave()
	d.must(t, "")
	if d.account(t).Suspended || !slices.Equal(d.row.Problems, []string{directory.ProblemAddressTaken}) {
		t.Errorf("problems %v", d.row.Problems)
	}
}

func TestAccounts_OpenedAlthoughGoogleDoesNotSaySo(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.must(t, "create-account")
	d.row.State = person.Disabled
	d.must(t, "suspend-account")
	d.sim.HideStatus(d.row.Google.ID, true)
	d.row.State = person.Active
	d.must(t, "unsuspend-account")
	if g := d.row.Google; d.account(t).Suspended || g.Suspended != person.No || g.SuspendedByUs {
		t.Errorf("known as %+v", g)
	}
}

func TestAccounts_RestoringTakesAWhile(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.deleted(t, 1)
	d.back()
	d.sim.Faults.Add(googletest.Script{Method: getMethod, Mode: googletest.Refuse, Status: http.StatusPreconditionFailed, Reason: "conditionNotMet", Message: "User is deleted.", Times: 1})
	if got, err := d.bring(t, all); got != "" || !fault.Redeliver(err) || !d.row.Google.Deleted {
		t.Errorf("did %q: %v", got, err)
	}
	d.must(t, "restore-account unsuspend-account")
}
