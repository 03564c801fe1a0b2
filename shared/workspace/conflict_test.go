package workspace_test

import (
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// A 409 that came although the change was made is no failure.
func TestConflictAlthoughApplied(t *testing.T) {
	t.Parallel()
	applied := googletest.Script{Method: updateMethod, Mode: googletest.RefuseAfter, Status: 409, Message: "Entity already exists.", Times: 1}
	for name, p := range map[string]workspace.Patch{
		"suspend": {Suspended: workspace.Set(true)},
		"rename":  {PrimaryEmail: workspace.Set("Anna.New@example.com")},
		"names":   {GivenName: workspace.Set("A"), FamilyName: workspace.Set("E"), DisplayName: workspace.Set("AE")},
		"clear": {DisplayName: workspace.Clear[string](), OrgUnitPath: workspace.Clear[string](),
			ExternalIDs: workspace.Clear[[]workspace.ExternalID](), Suspended: workspace.Clear[bool]()},
		"ids": {ExternalIDs: workspace.Set([]workspace.ExternalID{{Value: "1", Type: "account"}}), Archived: workspace.Set(true),
			ChangePasswordAtNextLogin: workspace.Set(true)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{})
			u := b.insert(t, "anna@example.com")
			b.sim.Faults.Add(applied)
			if _, err := b.Update(t.Context(), u.Key(), p); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("password", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, setup{})
		u := b.insert(t, "anna@example.com")
		b.sim.Faults.Add(applied)
		next := secret.New("battery staple")
		want(t, b.setPassword(t.Context(), u.Key(), next), fault.Transient, workspace.ReasonUnconfirmed)
		if err := b.setPassword(t.Context(), u.Key(), next); err != nil || !b.sim.PasswordIs(u.ID, next) {
			t.Errorf("again: %v", err)
		}
	})
	t.Run("status unknown", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, setup{})
		u := b.insert(t, "anna@example.com")
		b.sim.HideStatus(u.ID, true)
		b.sim.Faults.Add(applied)
		want(t, b.Suspend(t.Context(), u.Key()), fault.Conflict, google.ReasonDuplicate)
	})
	t.Run("nobody can tell", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, setup{})
		u := b.insert(t, "anna@example.com")
		b.sim.Faults.Add(applied)
		b.sim.Faults.Add(googletest.Script{Method: getMethod, Mode: googletest.Refuse})
		want(t, b.Suspend(t.Context(), u.Key()), fault.Transient, google.ReasonBackend)
	})
}

func TestConflictThatIsOne(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	u := b.insert(t, "anna@example.com")
	_, err := b.Rename(t.Context(), u.Key(), boss)
	want(t, err, fault.Conflict, workspace.ReasonExists)
	b.sim.Faults.Add(googletest.Script{Method: updateMethod, Mode: googletest.Refuse, Status: 409, Times: 1})
	want(t, b.Suspend(t.Context(), u.Key()), fault.Conflict, google.ReasonDuplicate)
	_, err = b.Insert(t.Context(), newUser("ANNA@example.com"))
	want(t, err, fault.Conflict, workspace.ReasonExists)
}

// An insert is repeated only where nothing was made; the mark in the external
// ids tells afterwards whose user it is.
func TestInsertAfterLostAnswer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script googletest.Script
		works  bool
	}{
		"429":                 {googletest.Script{Mode: googletest.Refuse, Status: 429}, true},
		"401":                 {googletest.Script{Mode: googletest.Refuse, Status: 401}, true},
		"503":                 {googletest.Script{Mode: googletest.Refuse}, false},
		"drop before":         {googletest.Script{Mode: googletest.DropBefore}, false},
		"drop after":          {googletest.Script{Mode: googletest.DropAfter}, false},
		"malformed":           {googletest.Script{Mode: googletest.Malformed}, false},
		"503 although done":   {googletest.Script{Mode: googletest.RefuseAfter}, false},
		"HTML of a front end": {googletest.Script{Mode: googletest.HTML, Status: 502}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{})
			tc.script.Method, tc.script.Times = insertMethod, 1
			b.sim.Faults.Add(tc.script)
			n := newUser("anna@example.com")
			n.ExternalIDs = []workspace.ExternalID{{Value: "uuid-1", Type: "custom", CustomType: "rollcall"}}
			_, err := b.Insert(t.Context(), n)
			if tc.works {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if fault.KindOf(err) != fault.Transient {
				t.Errorf("insert: %v, want a transient fault", err)
			}
			if _, err = b.Insert(t.Context(), n); fault.ReasonOf(err) == workspace.ReasonExists {
				u, gerr := b.Get(t.Context(), workspace.ByID(n.PrimaryEmail))
				if gerr != nil || len(u.ExternalIDs) != 1 || u.ExternalIDs[0].Value != "uuid-1" {
					t.Errorf("not recognised: %+v, %v", u, gerr)
				}
			} else if err != nil {
				t.Error(err)
			}
			if n := b.sim.UserCount(b.customer); n != 2 {
				t.Errorf("%d users", n)
			}
		})
	}
}

// Calls that may be repeated are, whatever becomes of an answer.
func TestRepeatedAfterLostAnswer(t *testing.T) {
	t.Parallel()
	for _, mode := range []googletest.Mode{googletest.DropAfter, googletest.Malformed, googletest.DropBefore, googletest.RefuseAfter} {
		b := newBench(t, setup{})
		ctx := t.Context()
		u := b.insert(t, "anna@example.com")
		lose := func() {
			b.sim.Faults.Clear()
			b.sim.Faults.Add(googletest.Script{Method: "*", Mode: mode, Times: 1})
		}
		next := secret.New("battery staple")
		for i, call := range []func() error{
			func() error { _, err := b.List(ctx, "", workspace.ListOptions{}); return err },
			func() error { return b.Suspend(ctx, u.Key()) },
			func() error { return b.setPassword(ctx, u.Key(), next) },
			func() error { _, err := b.Rename(ctx, u.Key(), "anna.new@example.com"); return err },
			func() error { return b.SignOut(ctx, u.Key()) },
			func() error { return b.Delete(ctx, u.Key()) },
			func() error { return b.Undelete(ctx, u.ID, "/") },
		} {
			lose()
			if err := call(); err != nil {
				t.Errorf("mode %d, call %d: %v", mode, i, err)
			}
		}
		if u, ok := b.sim.UserOf(u.ID); !ok || !u.Suspended || u.PrimaryEmail != "anna.new@example.com" || !b.sim.PasswordIs(u.ID, next) {
			t.Errorf("mode %d: %+v", mode, u)
		}
	}
}

func TestUndeleteTooLate(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	u := b.insert(t, "anna@example.com")
	b.sim.Remove(u.ID)
	b.clock.Advance(20 * 24 * time.Hour)
	want(t, b.Undelete(t.Context(), u.ID, "/"), fault.NotFound, workspace.ReasonNotRestorable)
	want(t, b.Undelete(t.Context(), "42", "/"), fault.NotFound, workspace.ReasonNotRestorable)
	v := b.insert(t, "bert@example.com")
	b.sim.Remove(v.ID)
	want(t, b.Undelete(t.Context(), v.ID, "/Nowhere"), fault.Permanent, workspace.ReasonOrgUnit)
}
