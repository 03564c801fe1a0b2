package directorysync_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

func TestAccounts_D2_AreMadeInOneCall(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.row.Entry.GivenName = " Anna  Maria "
	d.must(t, "create-account")
	if n := d.sim.Faults.Calls("*"); n != 2 { // and the token
		t.Errorf("%d calls", n)
	}
	u := d.account(t)
	if u.PrimaryEmail != "anna@example.com" || u.GivenName != "Anna Maria" || u.FamilyName != "Example" || u.OrgUnitPath != "/Staff" ||
		u.Suspended || u.ChangePassword || !strings.Contains(string(u.Fields["externalIds"]), d.row.Key) {
		t.Errorf("made %+v", u)
	}
	want := person.Google{ID: u.ID, Mail: "anna@example.com", GivenName: "Anna Maria", FamilyName: "Example", OrgUnit: "/Staff",
		Suspended: person.No, Archived: person.No, Admin: person.No, Owner: d.row.Key, CreatedAt: deskTime}
	if diff := cmp.Diff(want, d.row.Google); diff != "" || !d.row.GoogleAt.Equal(deskTime) || d.saves != 2 {
		t.Errorf("%d saves (-want +got):\n%s", d.saves, diff)
	}
	if !d.sim.PasswordIs(u.ID, deskPassword) {
		t.Error("another password than the random one")
	}
	d.must(t, "")
	if d.sim.Faults.Calls("*") != 2 || d.saves != 2 {
		t.Error("what is done is done again")
	}
}

func TestAccounts_D2_GoToTheDefaultUnit(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.row.Entry.Unit = "ou=elsewhere,dc=example,dc=com"
	d.must(t, "create-account")
	if u := d.account(t); u.OrgUnitPath != "/New" {
		t.Errorf("in %s", u.OrgUnitPath)
	}
}

func TestAccounts_D2_FollowTheDirectory(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.must(t, "create-account")
	e := &d.row.Entry
	e.Mail, e.GivenName, e.FamilyName, e.Unit = "anna.b@example.com", "Ann", "Better", "ou=sales,ou=staff,dc=example,dc=com"
	d.must(t, "rename-account update-account move-account")
	u := d.account(t)
	want := workspacetest.User{ID: u.ID, PrimaryEmail: "anna.b@example.com", Aliases: []string{"anna@example.com"}, GivenName: "Ann",
		FamilyName: "Better", OrgUnitPath: "/Staff/Sales", CreatedAt: u.CreatedAt, Fields: u.Fields}
	if diff := cmp.Diff(want, u); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if g := d.row.Google; g.Mail != u.PrimaryEmail || g.GivenName != "Ann" || g.OrgUnit != "/Staff/Sales" || len(g.Aliases) != 1 {
		t.Errorf("known as %+v", g)
	}
	d.must(t, "")
}

func TestAccounts_DeletedBehindTheBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.must(t, "create-account")
	id := d.row.Google.ID
	d.sim.Remove(id)
	d.row.Entry.GivenName = "Ann"
	d.must(t, "restore-account")
	d.must(t, "update-account")
	if u := d.account(t); u.ID != id || u.GivenName != "Ann" {
		t.Errorf("restored %+v", u)
	}
	d.sim.Remove(id)
	d.leave()
	d.must(t, "")
	if !d.row.Google.Deleted {
		t.Error("not known to be deleted")
	}
}

func TestAccounts_D5_NothingIsDoneForTheMissing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.must(t, "create-account")
	d.row.State, d.row.Entry.Mail, d.row.Problems = person.Missing, "b@example.com", []string{directory.ProblemHash}
	calls := d.sim.Faults.Calls("*")
	d.must(t, "")
	if d.sim.Faults.Calls("*") != calls || len(d.row.Problems) != 1 {
		t.Error("something was done")
	}
}

func TestAccounts_WhatIsNotAllowedIsNotDone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.must(t, "create-account")
	d.leave()
	calls, saves := d.sim.Faults.Calls("*"), d.saves
	if got, err := d.bring(t, func(a directory.Action) bool { return !a.Withdraws() }); got != "" || err != nil {
		t.Errorf("did %q: %v", got, err)
	}
	if d.sim.Faults.Calls("*") != calls || d.saves != saves {
		t.Error("something was done")
	}
	d.back()
	d.row.Entry.Mail, d.row.Entry.GivenName = "b@example.com", "Ann"
	if got, err := d.bring(t, func(a directory.Action) bool { return a != directory.RenameAccount }); got != "update-account" || err != nil {
		t.Errorf("did %q: %v", got, err)
	}
}

func TestAccounts_NeedAClient(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.row.Google = person.Google{}
	d.AccountWriter.Google = nil
	d.config.Mode = directory.ReadOnly
	d.must(t, "") // and nobody is asked for one where nothing is to be done
}
