package push_test

import (
	"context"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// TestPush_W4_AnAccountThatWasMadeAnew while its predecessor was being sent the
// password, or after, has the same version in the end, as the devices have.
func TestPush_W4_AnAccountThatWasMadeAnew(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name          string
		during, first bool
	}{
		{"after it was accepted", false, true},
		{"during the first push", true, true},
		{"during a later push", true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			key := b.wanting("anna")
			version := 1
			if !tc.first {
				b.push(key)
				b.advance(1)
				changed, err := b.Renew(t.Context(), push.Renewal{Enterprise: ent, Person: key, Asked: b.clock(), When: password.AtOnce, Actor: "admin:a"})
				if err != nil || !changed {
					t.Fatal(changed, err)
				}
				version = 2
			}
			anew := func() {
				id, err := b.sim.AddUser(workspacetest.User{PrimaryEmail: "anna2@example.com", GivenName: "anna", FamilyName: "Example"})
				b.must(err)
				b.put(func(tx *record.Tx) error { // as the run of the directory does
					p, err := tx.Person(key)
					if err != nil {
						return err
					}
					l, err := tx.Password(ent, key)
					if err != nil {
						return err
					}
					p.Google.ID = id
					if err := tx.PutPerson(p); err != nil {
						return err
					}
					return tx.PutPassword(l.Appeared(b.clock(), id))
				})
			}
			if tc.during {
				b.google = func(ctx context.Context, next push.Google, k workspace.Key, v secret.Value) (workspace.User, error) {
					u, err := next.SetPassword(ctx, k, v)
					b.google = nil
					anew()
					return u, err
				}
			}
			l := b.push(key)
			if !tc.during {
				anew()
				l = b.row(key)
			}
			if l.Usable() {
				t.Errorf("the account before has it, and devices are given it: %+v", l)
			}
			if got := b.drive(key); got.Version != version {
				t.Errorf("it came to version %d", got.Version)
			}
			b.agree(key)
		})
	}
}
