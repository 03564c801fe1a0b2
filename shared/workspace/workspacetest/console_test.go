package workspacetest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

func TestConsole(t *testing.T) {
	t.Parallel()
	b, r := watchBench(t)
	b.watch(t, r, "one", "")
	id, err := b.AddUser(workspacetest.User{PrimaryEmail: "anna@example.com", GivenName: "Anna", FamilyName: "Example"})
	if err != nil {
		t.Fatal(err)
	}
	err = b.Edit(id, func(u *workspacetest.User) {
		u.PrimaryEmail, u.DisplayName, u.OrgUnitPath, u.Suspended = "anna.new@example.com", "Annie", "/New", true
	})
	if err != nil {
		t.Fatal(err)
	}
	want := workspacetest.User{ID: id, PrimaryEmail: "anna.new@example.com", GivenName: "Anna", FamilyName: "Example", DisplayName: "Annie",
		OrgUnitPath: "/New", Suspended: true, Aliases: []string{"anna@example.com"}, CreatedAt: b.clock.Now()}
	got, _ := b.UserOf("anna@example.com")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("edited (-want +got):\n%s", diff)
	}
	for name, address := range map[string]string{"taken": boss, "foreign": "anna@elsewhere.org"} {
		if err := b.Edit(id, func(u *workspacetest.User) { u.PrimaryEmail = address }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	b.Remove(id)
	if err := b.Edit(id, func(*workspacetest.User) {}); err == nil {
		t.Error("edited a deleted user")
	}
	b.drain(t)
	if got := r.take(); len(got) != 4 { // sync, add, update, delete
		t.Errorf("told %v", got)
	}
}
