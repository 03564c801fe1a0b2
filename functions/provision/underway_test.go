package provision_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// asked returns a device of jane's that has a token and has not used it, beside one
// that holds the account.
func (b *bench) asked() (p, other *phone, auth secret.Value, directive string) {
	b.t.Helper()
	other = b.holding("jane", 1, 0)[0]
	p = b.phone("jane", account.UserAccount)
	row, directive, err := p.ask()
	if err != nil {
		b.t.Fatal(err)
	}
	if auth, err = p.mint(row); err != nil {
		b.t.Fatal(err)
	}
	return p, other, auth, directive
}

func (b *bench) devicesAtGoogle() int { return len(b.sim.Users(b.playID)[0].Devices) }

// TestProvision_ATokenUnderWay: a token that was asked for before an admin revoked an
// account, or retired the device, and adds the account after that, holds it no longer
// than the token's time: Google signs every device out once more.
func TestProvision_ATokenUnderWay(t *testing.T) {
	t.Parallel()
	for _, op := range []workflow.Op{workflow.Revoke, workflow.Retire} {
		for _, said := range []string{"nothing", "that it failed", "that another was asked for"} {
			t.Run(fmt.Sprintf("%s, and the device said %s", op, said), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				p, other, auth, directive := b.asked()
				switch said {
				case "that it failed":
					p.report(protocol.Outcome{DirectiveID: directive, Result: protocol.Failed, Reason: "refused"})
				case "that another was asked for":
					if _, _, err := p.ask(); err != nil {
						t.Fatal(err)
					}
				}
				b.demand(op, p)
				before := b.devicesAtGoogle()
				if _, err := p.play.AddAccount(t.Context(), auth); err != nil {
					t.Fatal(err)
				}
				if b.devicesAtGoogle() != before+1 {
					t.Fatal("the device did not get access; the test proves nothing")
				}
				b.now = b.now.Add(6 * time.Minute)
				b.sweep()
				if n := b.devicesAtGoogle(); n != 0 {
					t.Errorf("%d devices have access at Google", n)
				}
				b.stays(p)
				other.converge()
				row, err := b.db.Account(t.Context(), p.wantedID())
				if err != nil {
					t.Fatal(err)
				}
				if row.Binding(p.id) != nil {
					t.Error("the device has a place on the account")
				}
				if got := other.accounts(); op == workflow.Retire && (len(got) != 1 || got[0].State != protocol.AccountReady || row.Binding(other.id) == nil) {
					t.Errorf("the person's other device holds %v", got)
				}
				if due := row.Due(); !due.IsZero() {
					t.Errorf("the account is due at %v", due)
				}
			})
		}
	}
}

// TestProvision_ATokenUnderWay_Released: who was given the account back meanwhile is
// not signed out for what was before.
func TestProvision_ATokenUnderWay_Released(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p, other, _, _ := b.asked()
	b.demand(workflow.Revoke, p)
	for _, q := range []*phone{p, other} {
		b.demand(workflow.Release, q)
		q.converge()
	}
	calls := b.sim.Faults.Calls(revokeCall)
	b.now = b.now.Add(10 * time.Minute)
	b.sweep()
	if n := b.sim.Faults.Calls(revokeCall) - calls; n != 0 || b.devicesAtGoogle() != 2 {
		t.Errorf("%d more revocations, and %d devices have access, want 0 and 2", n, b.devicesAtGoogle())
	}
	if n := len(p.account().Bindings); n != 2 {
		t.Errorf("%d devices have a place on the account, want 2", n)
	}
}

// wantedID is the id of the person's account, also for a device that is out of service.
func (p *phone) wantedID() string {
	return account.Identifier(identifierKey, "acme", account.UserAccount, account.Subject{Kind: account.Person, ID: "jane"})
}
