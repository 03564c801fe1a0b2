package workspacetest_test

import (
	"testing"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

func TestRights(t *testing.T) {
	t.Parallel()
	b := newBench(t, workspacetest.Options{})
	b.AddCustomer("other.org")
	for _, u := range []workspacetest.User{
		{PrimaryEmail: "helpdesk@example.com", DelegatedAdmin: true}, {PrimaryEmail: "nobody@example.com"},
		{PrimaryEmail: "someone@other.org"}, {PrimaryEmail: "user@example.com"},
	} {
		if _, err := b.AddUser(u); err != nil {
			t.Fatal(err)
		}
		b.Tokens.SetSubject(u.PrimaryEmail, googletest.SubjectActive)
	}
	update := func(subject, scope, key string) error {
		_, err := b.apiOf(t, subject, scope).Users.Update(key, &admin.User{Suspended: true}).Do()
		return err
	}
	const users, readonly = admin.AdminDirectoryUserScope, admin.AdminDirectoryUserReadonlyScope
	if err := update("helpdesk@example.com", users, "user@example.com"); err != nil {
		t.Error(err)
	}
	refused(t, update("helpdesk@example.com", users, boss), 403, "forbidden")
	refused(t, update("nobody@example.com", users, "user@example.com"), 403, "forbidden")
	refused(t, update("", users, "user@example.com"), 403, "forbidden")
	refused(t, update(boss, readonly, "user@example.com"), 403, "insufficientPermissions")
	refused(t, update(boss, admin.AdminDirectoryGroupScope, "user@example.com"), 403, "insufficientPermissions")
	refused(t, update(boss, users, "someone@other.org"), 403, "forbidden")
	refused(t, b.api.Users.SignOut("user@example.com").Do(), 403, "insufficientPermissions")
	if err := b.apiOf(t, boss, admin.AdminDirectoryUserSecurityScope).Users.SignOut("user@example.com").Do(); err != nil || b.SignOuts("user@example.com") != 1 {
		t.Error(err)
	}
	help := b.apiOf(t, "helpdesk@example.com", users)
	refused(t, help.Users.MakeAdmin("user@example.com", &admin.UserMakeAdmin{Status: true}).Do(), 403, "forbidden")
	if err := b.api.Users.MakeAdmin("user@example.com", &admin.UserMakeAdmin{Status: true}).Do(); err != nil {
		t.Error(err)
	}
	if u, _ := b.UserOf("user@example.com"); !u.Admin {
		t.Error("made no admin")
	}
	if resp := b.get(t, "/admin/directory/v1/users?customer=my_customer"); resp.StatusCode != 401 {
		t.Errorf("without a token: %s", resp.Status)
	}
	if resp := b.get(t, "/admin/directory/v1/groups"); resp.StatusCode != 404 {
		t.Errorf("unknown method: %s", resp.Status)
	}
	_, err := b.api.Users.List().Do()
	refused(t, err, 400, "badRequest")
	_, err = b.api.Users.List().Domain("other.org").Do()
	refused(t, err, 403, "forbidden")
	_, err = b.api.Users.List().Domain("nowhere.org").Do()
	refused(t, err, 404, "notFound")
	_, err = b.api.Users.Aliases.List("user@example.com").Do()
	refused(t, err, 501, "notImplemented")
}
