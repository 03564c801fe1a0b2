package workspace_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// draw makes a Change: none, a value, or none any more where that is allowed.
func draw[T any](t *rapid.T, name string, clearable bool, gen *rapid.Generator[T]) workspace.Change[T] {
	last := 1
	if clearable {
		last = 2
	}
	switch rapid.IntRange(0, last).Draw(t, name+" change") {
	case 1:
		return workspace.Set(gen.Draw(t, name))
	case 2:
		return workspace.Clear[T]()
	default:
		return workspace.Change[T]{}
	}
}

// model is what a user must be after a patch: fields without a change stay.
type model struct {
	workspacetest.User
	ids      []workspace.ExternalID
	password secret.Value
}

func apply[T any](c workspace.Change[T], dst *T) {
	if v, changes := c.Value(); changes {
		*dst = v
	}
}

func (m *model) apply(p workspace.Patch) {
	old := m.PrimaryEmail
	apply(p.PrimaryEmail, &m.PrimaryEmail)
	if old != m.PrimaryEmail {
		m.Aliases = slices.DeleteFunc(slices.Clone(m.Aliases), func(a string) bool { return a == m.PrimaryEmail })
		m.Aliases = append(m.Aliases, old)
	}
	apply(p.GivenName, &m.GivenName)
	apply(p.FamilyName, &m.FamilyName)
	apply(p.DisplayName, &m.DisplayName)
	apply(p.OrgUnitPath, &m.OrgUnitPath)
	if m.OrgUnitPath == "" {
		m.OrgUnitPath = "/"
	}
	apply(p.Suspended, &m.Suspended)
	apply(p.Archived, &m.Archived)
	apply(p.ChangePasswordAtNextLogin, &m.ChangePassword)
	apply(p.ExternalIDs, &m.ids)
	if !p.Password.Value.Empty() {
		m.password = p.Password.Value
	}
}

func TestUpdateProperties(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{sim: workspacetest.Options{QuotaPerMinute: 1e9}, caller: google.Options{Rate: 1e6, Burst: 1e6}})
	b.sim.AddOrgUnit(b.customer, "/Sales")
	n := 0
	name := rapid.StringMatching(`[A-Za-zÄ-Ü"<&]{1,12}`)
	id := rapid.Custom(func(t *rapid.T) workspace.ExternalID {
		return workspace.ExternalID{Value: rapid.StringMatching(`[a-z0-9"]{1,8}`).Draw(t, "value"), Type: rapid.SampledFrom([]string{"account", "organization"}).Draw(t, "type")}
	})
	rapid.Check(t, func(rt *rapid.T) {
		n++
		prefix := fmt.Sprintf("user-%d", n)
		uid, err := b.sim.AddUser(workspacetest.User{PrimaryEmail: prefix + "@example.com", GivenName: "Anna", FamilyName: "Example"})
		if err != nil {
			rt.Fatal(err)
		}
		m := model{User: workspacetest.User{ID: uid, PrimaryEmail: prefix + "@example.com", GivenName: "Anna", FamilyName: "Example", OrgUnitPath: "/"}}
		address := rapid.Map(rapid.IntRange(0, 3), func(i int) string { return fmt.Sprintf("%s-%d@example.com", prefix, i) })
		for range rapid.IntRange(1, 6).Draw(rt, "patches") {
			p := workspace.Patch{
				PrimaryEmail: draw(rt, "address", false, address),
				GivenName:    draw(rt, "given", false, name), FamilyName: draw(rt, "family", false, name),
				DisplayName: draw(rt, "display", true, name),
				OrgUnitPath: draw(rt, "unit", true, rapid.SampledFrom([]string{"/", "/Sales"})),
				Suspended:   draw(rt, "suspended", true, rapid.Bool()), Archived: draw(rt, "archived", true, rapid.Bool()),
				ChangePasswordAtNextLogin: draw(rt, "change password", true, rapid.Bool()),
				ExternalIDs:               draw(rt, "ids", true, rapid.SliceOfN(id, 0, 3)),
			}
			if rapid.Bool().Draw(rt, "set password") {
				p.Password.Value = secret.New(rapid.StringMatching(`[ -~]{8,100}`).Draw(rt, "password"))
			}
			u, err := b.Update(t.Context(), workspace.ByID(uid), p)
			if err != nil {
				rt.Fatal(err)
			}
			m.apply(p)
			got, _ := b.sim.UserOf(uid)
			if diff := cmp.Diff(m.User, got, cmpopts.IgnoreFields(workspacetest.User{}, "CreatedAt", "Fields"), cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("state (-want +got):\n%s", diff)
			}
			var ids []workspace.ExternalID
			if raw := got.Fields["externalIds"]; raw != nil {
				if err := json.Unmarshal(raw, &ids); err != nil {
					rt.Fatal(err)
				}
			}
			if diff := cmp.Diff(m.ids, ids, cmpopts.EquateEmpty()); diff != "" || !cmp.Equal(m.ids, u.ExternalIDs, cmpopts.EquateEmpty()) {
				rt.Fatalf("external ids (-want +got):\n%s", diff)
			}
			if u.PrimaryEmail != m.PrimaryEmail || u.DisplayName != m.DisplayName || (u.Suspended == workspace.Yes) != m.Suspended {
				rt.Fatalf("reply %+v", u)
			}
			if !m.password.Empty() && !b.sim.PasswordIs(uid, m.password) {
				rt.Fatal("another password")
			}
		}
	})
}

// Every hash that the client takes the simulator takes as well, and no other:
// the two checks were written apart.
func TestHashesAgree(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	u := b.insert(t, "anna@example.com")
	b.clock.Advance(time.Hour)
	a := func(n int) string { return strings.Repeat("a", n) }
	for _, tc := range []struct {
		hash workspace.HashFunction
		text string
		ok   bool
	}{
		{workspace.MD5, a(32), true}, {workspace.MD5, a(31), false}, {workspace.MD5, strings.Repeat("g", 32), false},
		{workspace.SHA1, a(40), true}, {workspace.SHA1, a(41), false},
		{workspace.Crypt, a(13), true}, {workspace.Crypt, a(12), false},
		{workspace.Crypt, "$1$saltsalt$" + a(22), true}, {workspace.Crypt, "$1$salt$" + a(23), false},
		{workspace.Crypt, "$5$salt$" + a(43), true}, {workspace.Crypt, "$5$rounds=5000$salt$" + a(43), true},
		{workspace.Crypt, "$6$salt$" + a(86), true}, {workspace.Crypt, "$6$salt$" + a(43), false}, {workspace.Crypt, "$5$salt$" + a(86), false},
		{workspace.Crypt, "$6$rounds=10000$salt$" + a(86), true}, {workspace.Crypt, "$6$rounds=10001$salt$" + a(86), false},
		{workspace.Crypt, "$5$rounds=9999$salt$" + a(43), true}, {workspace.Crypt, "$6$rounds=99999$salt$" + a(86), false},
		{workspace.Crypt, "$1$rounds=1000$salt$" + a(22), false},
		{workspace.Crypt, "$6$" + a(17) + "$" + a(86), false}, {workspace.Crypt, "$2b$10$" + a(53), false},
	} {
		_, err := b.Update(t.Context(), u.Key(), workspace.Patch{Password: workspace.Password{Value: secret.New(tc.text), Hash: tc.hash}})
		if (err == nil) != tc.ok {
			t.Errorf("%s %s: %v", tc.hash, tc.text, err)
		}
		if tc.ok && tc.hash == workspace.Crypt && !b.sim.PasswordIs(u.ID, secret.New(tc.text)) {
			t.Errorf("%s did not arrive", tc.text)
		}
	}
}
