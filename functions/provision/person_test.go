package provision_test

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/access"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/token"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// grace is how long the accounts of those who leave are kept here.
const grace = 30 * 24 * time.Hour

// person brings a person of acme to a state, a second later than what was before, as
// the directory's synchronisation does, and returns the key. Nobody is told.
func (b *bench) person(id string, to person.State) string {
	b.t.Helper()
	key := person.KeyOf("acme", id)
	b.now = b.now.Add(time.Second)
	b.put(func(tx *record.Tx) error {
		p, err := tx.Person(key)
		if err != nil {
			p = person.Person{Key: key, Enterprise: "acme", ID: id, State: person.Active, Settled: person.Granted, CreatedAt: b.now}
		}
		p.State, p.Since, p.UpdatedAt, p.Attempts, p.DeleteAt = to, b.now, b.now, 0, time.Time{}
		if to == person.Leaving {
			p.DeleteAt = b.now.Add(grace)
		}
		return tx.PutPerson(p)
	})
	return key
}

func (b *bench) personRow(id string) person.Person {
	b.t.Helper()
	p, err := b.db.Person(b.t.Context(), person.KeyOf("acme", id))
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// nudge is the command that the directory's synchronisation publishes.
func nudge(keys ...string) workflow.Command {
	c := command(workflow.Settle, keys...)
	c.RequestedBy = access.Actor
	return c
}

// move brings a person to a state and does the nudge that follows, twice.
func (b *bench) move(id string, to person.State) {
	b.t.Helper()
	b.do(nudge(b.person(id, to)))
}

// sweep does what the function reconcile does with people and accounts that are
// due, as often as it takes until everybody is settled.
func (b *bench) sweep() {
	b.t.Helper()
	for range 40 {
		people, _, err := b.db.PeopleDue(b.t.Context(), b.now, 100)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, p := range people {
			if _, err := b.worker.Settler.Settle(b.t.Context(), p.Enterprise, p.Key, false); err != nil {
				b.t.Fatal(err)
			}
		}
		rows, _, err := b.db.AccountsDue(b.t.Context(), b.now, 100)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, a := range rows {
			switch a.State {
			case account.Active:
				b.expire(a.ID)
				_, err = b.worker.Settler.Again(b.t.Context(), a.ID, admin)
			default:
				_, err = b.worker.Accounts.Resume(b.t.Context(), a.ID, admin)
			}
			if err == nil {
				continue
			}
			cause := fault.ReasonOf(err)
			b.put(func(tx *record.Tx) error {
				row, err := tx.Account(a.ID)
				if err != nil {
					return err
				}
				row.Postpone(b.now, cause)
				return tx.PutAccount(row)
			})
		}
		all, _, err := b.db.People(b.t.Context(), "acme", "", record.Page{})
		if err != nil {
			b.t.Fatal(err)
		}
		if len(rows) == 0 && !slices.ContainsFunc(all, func(p person.Person) bool { return p.Settled != p.State.Access() }) {
			return
		}
		b.now = b.now.Add(5 * time.Minute)
	}
	b.t.Fatalf("somebody is stuck: %+v", b.documents())
}

func (b *bench) expire(id string) {
	b.t.Helper()
	b.put(func(tx *record.Tx) error {
		row, err := tx.Account(id)
		if err != nil {
			return err
		}
		for i := range row.Bindings {
			row.Bindings[i].Tokens = row.Bindings[i].Tokens.Expire(b.now)
		}
		return tx.PutAccount(row)
	})
}

var errNotToAdd = errors.New("the device is not to add an account")

// ask does the first half of what the function token does, up to the call of
// Google.
func (p *phone) ask() (row account.Account, directive string, err error) {
	p.t.Helper()
	err = p.db.Update(p.t.Context(), func(tx *record.Tx) error {
		d, err := tx.Device(p.id)
		if err != nil {
			return err
		}
		if d.State != device.Active || !d.Desired.AddPending() {
			return errNotToAdd
		}
		directive = d.Desired.AddID()
		found, err := tx.Account(d.Desired.AccountID)
		if row, _, err = account.Intend(found, err, d.WantedAccount(), p.now); err != nil {
			return err
		}
		b, err := row.Bind(p.id, p.now)
		if err != nil {
			return err
		}
		if b.Tokens, err = b.Tokens.Begin(p.now, directive, token.Limits{Burst: 50, Daily: 50}); err != nil {
			return err
		}
		return tx.PutAccount(row)
	})
	return row, directive, err
}

// mint does the second half.
func (p *phone) mint(row account.Account) (secret.Value, error) {
	row, err := p.worker.Accounts.Finish(p.t.Context(), row, "device:"+p.id)
	if err != nil {
		return secret.Value{}, err
	}
	return p.worker.Accounts.Google.MintToken(p.t.Context(), row.PlayEnterprise, row.UserID)
}

// take adds the account and says so.
func (p *phone) take(auth secret.Value, directive string) {
	p.t.Helper()
	o := protocol.Outcome{DirectiveID: directive, Result: protocol.Failed, Reason: "refused"}
	if name, err := p.play.AddAccount(p.t.Context(), auth); err == nil {
		o = protocol.Outcome{DirectiveID: directive, Result: protocol.Done, AccountName: name}
	}
	p.report(o)
}

// converge has the device do what it is told until there is nothing left.
func (p *phone) converge() {
	p.t.Helper()
	for range 8 {
		if !p.obey() {
			return
		}
		row, directive, err := p.ask()
		if errors.Is(err, errNotToAdd) || fault.KindOf(err) == fault.Transient { // it is being deleted
			p.now = p.now.Add(time.Minute)
			p.sweep()
			continue
		}
		if err != nil {
			p.t.Fatal(err)
		}
		auth, err := p.mint(row)
		if err != nil {
			p.t.Fatal(err)
		}
		p.take(auth, directive)
	}
	p.t.Fatalf("%s does not come to rest: %+v", p.id, p.row().Desired)
}

// agrees checks that devices, rows and Google have what the person's state gives,
// once everybody is settled and every device came to rest. held is why an admin
// holds the devices.
func (b *bench) agrees(where, id string, held device.Hold, phones ...*phone) {
	b.t.Helper()
	b.sweep()
	for _, p := range phones {
		p.converge()
	}
	row := b.personRow(id)
	access := row.State.Access()
	bound := 0
	for _, u := range b.sim.Users(b.playID) {
		bound += len(u.Devices)
	}
	want := 0
	for _, p := range phones {
		d := p.row()
		hold, holds := held, 0
		if hold == device.NoHold {
			hold = device.HoldOf(row.State)
		}
		if hold == device.NoHold && d.State == device.Active {
			holds = 1
		}
		if got := p.accounts(); len(got) != holds {
			b.t.Errorf("%s: %s holds %v, want %d accounts; the person is %s and the device %+v", where, p.id, got, holds, row.State, d.Desired)
		}
		if d.State == device.Active && d.Desired.Hold != hold {
			b.t.Errorf("%s: %s is held for %q, want %q", where, p.id, d.Desired.Hold, hold)
		}
		want += holds
	}
	if bound != want {
		b.t.Errorf("%s: %d devices have access at Google, want %d", where, bound, want)
	}
	if n := b.sim.UserCount(b.playID); access == person.Removed && n != 0 {
		b.t.Errorf("%s: Google has %d accounts of a person who is gone", where, n)
	}
}

// history returns what the trail says, from the given record on, without times.
func (b *bench) history(from int) []line {
	b.t.Helper()
	records, _, err := b.db.Audit(b.t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	slices.SortFunc(records, func(x, y auditRecord) int { return strings.Compare(x.ID, y.ID) })
	lines := []line{}
	for _, r := range records[from:] {
		lines = append(lines, line{r.Actor, r.Action, r.Target, r.Result})
	}
	return lines
}

// holding returns a person's row and devices that hold their accounts, one on the
// person's and one on an account of its own, or as many of each as asked for.
func (b *bench) holding(id string, users, owns int) []*phone {
	b.t.Helper()
	b.person(id, person.Active)
	var ps []*phone
	for range users {
		ps = append(ps, b.ready(id, account.UserAccount))
	}
	for range owns {
		ps = append(ps, b.ready(id, account.DeviceAccount))
	}
	return ps
}

func same(t interface{ Errorf(string, ...any) }, what string, want, got any) {
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
