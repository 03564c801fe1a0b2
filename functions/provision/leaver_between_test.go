package provision_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// TestSettle_D10_NothingInBetweenHarms: whatever happens in the middle of settling,
// before any of its steps, devices, rows and Google end where the person's row and
// the admin want them, and nobody is stuck.
func TestSettle_D10_NothingInBetweenHarms(t *testing.T) {
	t.Parallel()
	mains := []struct {
		name  string
		state person.State // before
		do    func(b *bench)
	}{
		{"leaving", person.Active, func(b *bench) { b.person("jane", person.Leaving) }},
		{"the end of the grace", person.Leaving, func(b *bench) { b.now = b.now.Add(grace) }},
		{"returning", person.Leaving, func(b *bench) { b.person("jane", person.Active) }},
		{"returning after the grace", person.Gone, func(b *bench) { b.person("jane", person.Active) }},
	}
	turns := []struct {
		name string
		owns int         // devices with accounts of their own, beside one without
		held device.Hold // by an admin, in the end
		do   func(b *bench, ps []*phone)
	}{
		{"the same", 0, "", func(b *bench, _ []*phone) { b.settleNow() }},
		{"a return, and devices that add", 1, "", func(b *bench, ps []*phone) {
			b.person("jane", person.Active)
			b.settleNow()
			for _, p := range ps {
				p.try()
			}
		}},
		{"a return that nobody is told of", 0, "", func(b *bench, _ []*phone) { b.person("jane", person.Active) }},
		{"leaving", 0, "", func(b *bench, _ []*phone) { b.person("jane", person.Leaving); b.settleNow() }},
		{"a return and leaving again", 1, "", func(b *bench, _ []*phone) {
			b.person("jane", person.Active)
			b.settleNow()
			b.person("jane", person.Leaving)
		}},
		{"leaving for good", 1, "", func(b *bench, _ []*phone) {
			b.person("jane", person.Leaving)
			b.now = b.now.Add(grace)
			b.settleNow()
		}},
		{"a device that asks", 0, "", func(_ *bench, ps []*phone) {
			for _, p := range ps {
				p.try()
			}
		}},
		{"an admin's revoke", 0, device.Revoked, func(b *bench, ps []*phone) {
			for _, p := range ps {
				b.demand(workflow.Revoke, p)
			}
		}},
		{"an admin's delete", 0, device.AccountGone, func(b *bench, ps []*phone) {
			for _, p := range ps {
				b.demand(workflow.Delete, p)
			}
		}},
		{"an admin's delete and create", 0, "", func(b *bench, ps []*phone) {
			for _, p := range ps {
				b.demand(workflow.Delete, p)
				b.demand(workflow.Create, p)
			}
		}},
		{"retirement", 1, "", func(b *bench, ps []*phone) {
			for _, p := range ps {
				b.demand(workflow.Retire, p)
			}
		}},
	}
	for _, main := range mains {
		for _, turn := range turns {
			t.Run(main.name+", and "+turn.name, func(t *testing.T) {
				t.Parallel()
				for k := 1; ; k++ {
					b := newBench(t)
					b.worker.Accounts.Google = steppedGoogle{b.worker.Accounts.Google, &b.cut}
					ps := b.holding("jane", 1, turn.owns)
					b.reach(main.state)
					main.do(b)
					if !b.into(k, b.settleNow, func() { turn.do(b, ps) }) {
						if k < 5 {
							t.Errorf("only %d steps were interrupted", k-1)
						}
						return
					}
					b.agrees(fmt.Sprintf("step %d", k), "jane", turn.held, ps...)
				}
			})
		}
	}
}

// TestSettle_D10_ALateDeletionSparesWhoIsBack: whoever deletes the accounts of a
// person who is gone, and is overtaken by the person's return, takes nothing from the
// devices that have added their accounts again by then.
func TestSettle_D10_ALateDeletionSparesWhoIsBack(t *testing.T) {
	t.Parallel()
	for k := 1; ; k++ {
		b := newBench(t)
		b.worker.Accounts.Google = steppedGoogle{b.worker.Accounts.Google, &b.cut}
		ps := b.holding("jane", 1, 1)
		b.reach(person.Leaving)
		for _, p := range ps {
			p.converge()
		}
		b.now = b.now.Add(grace)
		reached := b.into(k, b.settleNow, func() {
			b.person("jane", person.Active)
			b.settleNow()
			for _, p := range ps {
				p.converge()
			}
		})
		if !reached {
			if k < 5 {
				t.Errorf("only %d steps were interrupted", k-1)
			}
			return
		}
		for _, p := range ps {
			if got := p.accounts(); len(got) != 1 || got[0].State != protocol.AccountReady || p.account().State != account.Active {
				t.Errorf("step %d: %s holds %v and the account is %s", k, p.id, got, p.account().State)
			}
		}
	}
}

// TestSettle_RetiredStaysRetired: what became of its person is nothing to a device
// that is out of service.
func TestSettle_RetiredStaysRetired(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.holding("jane", 1, 0)[0]
	b.demand(workflow.Retire, p)
	before := p.row()
	b.move("jane", person.Leaving)
	same(t, "after leaving, the device", before, p.row())
	b.move("jane", person.Active)
	same(t, "after the return, the device", before, p.row())
}

// reach brings jane to a state, settled.
func (b *bench) reach(s person.State) {
	b.t.Helper()
	if s == person.Active {
		return
	}
	b.person("jane", person.Leaving)
	b.settleNow()
	if s == person.Gone {
		b.now = b.now.Add(grace)
		b.settleNow()
	}
	if p := b.personRow("jane"); p.State != s || p.Settled != s.Access() {
		b.t.Fatalf("jane is %s and settled as %q, want %s", p.State, p.Settled, s)
	}
}

// settleNow handles one nudge once. What it cannot do is left to the sweep.
func (b *bench) settleNow() {
	b.t.Helper()
	if err := b.handle(nudge(person.KeyOf("acme", "jane"))); err != nil {
		b.t.Error(err)
	}
}

// demand has an admin's command done once, past the bus.
func (b *bench) demand(op workflow.Op, p *phone) {
	b.t.Helper()
	c := command(op, account.Identifier(identifierKey, "acme", p.row().Desired.AccountType, p.wanted().Subject))
	if op.OnDevices() {
		c = command(op, p.id)
	}
	b.now = b.now.Add(time.Second)
	c.RequestedAt = b.now
	if err := b.handle(c); err != nil {
		b.t.Errorf("%s: %v", op, err)
	}
}

// try has the device ask for a token and add its account if it may.
func (p *phone) try() {
	p.t.Helper()
	if !p.obey() {
		return
	}
	row, directive, err := p.ask()
	if err != nil {
		return
	}
	if auth, err := p.mint(row); err == nil {
		p.take(auth, directive)
	}
}
