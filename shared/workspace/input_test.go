package workspace_test

import (
	"strings"
	"testing"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

func TestInvalidInputMakesNoCall(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	ctx := t.Context()
	long := "0123456789012345678901234567890123456789x"
	user := func(change func(*workspace.NewUser)) error {
		n := newUser("anna@example.com")
		change(&n)
		_, err := b.Insert(ctx, n)
		return err
	}
	update := func(p workspace.Patch) error { _, err := b.Update(ctx, workspace.ByID("1"), p); return err }
	_, noKey := b.Get(ctx, workspace.Key{})
	_, scopes := b.List(ctx, "", workspace.ListOptions{Scope: workspace.Scope{Customer: "C1", Domain: "d"}})
	_, noToken := b.Watch(ctx, workspace.WatchRequest{ID: "x", Address: "https://x"})
	_, noSubject := b.as(func(o *workspace.Options) { o.Subject = "" }).Get(ctx, workspace.ByID("1"))
	for field, err := range map[string]error{
		"key": noKey, "scope": scopes, "token": noToken, "Options.Subject": noSubject,
		"primaryEmail":    user(func(n *workspace.NewUser) { n.PrimaryEmail = "anna" }),
		"name.givenName":  user(func(n *workspace.NewUser) { n.GivenName = long }),
		"name.familyName": update(workspace.Patch{FamilyName: workspace.Clear[string]()}),
		"password":        b.setPassword(ctx, workspace.ByID("1"), secret.New("short")),
		"hashFunction":    user(func(n *workspace.NewUser) { n.Password.Hash = "bcrypt" }),
		"orgUnitPath":     update(workspace.Patch{OrgUnitPath: workspace.Set("Sales")}),
		"id":              b.Undelete(ctx, "anna@example.com", "/"),
		"resourceID":      b.StopWatch(ctx, "one", ""),
	} {
		want(t, err, fault.Invalid, "invalid-field")
		if f := fault.As(err); f != nil && f.Field != field {
			t.Errorf("%s: the error names %s", field, f.Field)
		}
	}
	if n := b.sim.Faults.Calls("*"); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{client: func(o *workspace.Options) { o.ReadOnly = true }})
	b.sim.Tokens.Delegate(b.account.Email) // take all grants away
	b.sim.Tokens.Delegate(b.account.Email, admin.AdminDirectoryUserReadonlyScope)
	if _, err := b.Get(t.Context(), workspace.ByID(boss)); err != nil {
		t.Error(err)
	}
	calls := b.sim.Faults.Calls("*")
	want(t, b.Suspend(t.Context(), workspace.ByID(boss)), fault.Permanent, workspace.ReasonReadOnly)
	want(t, b.SignOut(t.Context(), workspace.ByID(boss)), fault.Permanent, workspace.ReasonReadOnly)
	if b.sim.Faults.Calls("*") != calls {
		t.Error("a refused change made a call")
	}
}

// The security scope may be missing without harm to the rest.
func TestScopesAreApart(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.sim.Tokens.Delegate(b.account.Email)
	b.sim.Tokens.Delegate(b.account.Email, admin.AdminDirectoryUserScope)
	u := b.insert(t, "anna@example.com")
	want(t, b.SignOut(t.Context(), u.Key()), fault.Transient, google.ReasonConfig)
	if _, err := b.Get(t.Context(), u.Key()); err != nil {
		t.Error(err)
	}
}

func TestMoreInvalidInput(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	long := strings.Repeat("x", 257)
	for i, p := range []workspace.Patch{
		{PrimaryEmail: workspace.Set("a@b@c")}, {PrimaryEmail: workspace.Set("")}, {GivenName: workspace.Clear[string]()},
		{FamilyName: workspace.Set(long)}, {DisplayName: workspace.Set(long)},
		{Suspended: workspace.Set(true), Password: workspace.Password{Hash: workspace.MD5}},
	} {
		_, err := b.Update(t.Context(), workspace.ByID("1"), p)
		if f := fault.As(err); f == nil || f.Kind != fault.Invalid {
			t.Errorf("patch %d: %v", i, err)
		}
	}
	want(t, b.Delete(t.Context(), workspace.ByID("anna@example.com")), fault.Invalid, "invalid-field")
	want(t, b.setPassword(t.Context(), workspace.ByID("1"), secret.Value{}), fault.Invalid, "invalid-field")
	if n := b.sim.Faults.Calls("*"); n != 0 {
		t.Errorf("%d calls", n)
	}
	// A patch without changes reads.
	if u, err := b.Update(t.Context(), workspace.ByID(boss), workspace.Patch{}); err != nil || u.Admin != workspace.Yes || !u.MayBeAdmin() {
		t.Errorf("empty patch: %+v, %v", u, err)
	}
	if n := b.sim.Faults.Calls(getMethod); n != 1 {
		t.Errorf("%d gets", n)
	}
}
