package provision_test

import (
	"fmt"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/token"
)

// phone is a device as the functions enroll, checkin and token leave it, with its
// side of Google Play.
type phone struct {
	*bench
	id   string
	play *playtest.Device
}

// phone returns a device of the person that is to have an account of the type.
func (b *bench) phone(person string, kind account.Type) *phone {
	b.t.Helper()
	b.phones++
	p := &phone{bench: b, id: fmt.Sprintf("d%03d", b.phones), play: b.sim.NewDevice(fmt.Sprintf("%x", b.phones))}
	d := device.Device{
		ID: p.id, Enterprise: "acme", State: device.Active, EncryptionKey: []byte(`{}`),
		Subject: account.Subject{Kind: account.Person, ID: person}, EnrolledAt: b.now, LastSeen: b.now,
		Desired: device.Desired{AccountType: kind, PlayEnterprise: b.playID, DisplayName: "Acme"},
	}
	own := account.Subject{Kind: account.Device, ID: p.id}
	d.Desired.OwnAccountID = account.Identifier(identifierKey, "acme", account.DeviceAccount, own)
	d.Desired.AccountID = account.Identifier(identifierKey, "acme", kind, d.AccountSubject())
	b.put(func(tx *record.Tx) error { return tx.PutDevice(d) })
	return p
}

// ready returns a device that holds its account.
func (b *bench) ready(person string, kind account.Type) *phone {
	b.t.Helper()
	p := b.phone(person, kind)
	if _, err := b.worker.Accounts.Ensure(b.t.Context(), p.wanted(), "device:"+p.id); err != nil {
		b.t.Fatal(err)
	}
	p.add()
	return p
}

func (p *phone) row() device.Device {
	p.t.Helper()
	d, err := p.db.Device(p.t.Context(), p.id)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

func (p *phone) wanted() account.Account {
	p.t.Helper()
	d := p.row()
	return d.WantedAccount()
}

// account is the row of the account that the device is to have.
func (p *phone) account() account.Account {
	p.t.Helper()
	a, err := p.db.Account(p.t.Context(), p.row().Desired.AccountID)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// add has the device add its account and say so.
func (p *phone) add() {
	p.t.Helper()
	a := p.account()
	b, err := a.Bind(p.id, p.now)
	if err != nil {
		p.t.Fatal(err)
	}
	id := p.row().Desired.AddID()
	if b.Tokens, err = b.Tokens.Begin(p.now, id, token.Limits{}); err != nil {
		p.t.Fatal(err)
	}
	p.put(func(tx *record.Tx) error { return tx.PutAccount(a) })
	auth, err := p.bench.play.MintToken(p.t.Context(), a.PlayEnterprise, a.UserID)
	if err != nil {
		p.t.Fatal(err)
	}
	name, err := p.play.AddAccount(p.t.Context(), auth)
	if err != nil {
		p.t.Fatal(err)
	}
	if ds := p.report(protocol.Outcome{DirectiveID: id, Result: protocol.Done, AccountName: name}); len(ds) != 0 {
		p.t.Fatalf("a device that did everything is told %v", ds)
	}
}

func (p *phone) accounts() []protocol.Account {
	p.t.Helper()
	accounts, err := p.play.Accounts(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return accounts
}

// report does what the function checkin does with a report.
func (p *phone) report(outcomes ...protocol.Outcome) []protocol.Directive {
	p.t.Helper()
	req := protocol.CheckInRequest{Accounts: p.accounts(), Outcomes: outcomes}
	var next device.Device
	p.put(func(tx *record.Tx) error {
		d, err := tx.Device(p.id)
		if err != nil {
			return err
		}
		var a account.Account
		if d.Desired.AccountID != "" {
			if a, err = tx.Account(d.Desired.AccountID); err != nil && fault.KindOf(err) != fault.NotFound {
				return err
			}
		}
		c := device.Apply(d, req, p.now)
		next = c.Device
		if err := tx.PutDevice(next); err != nil {
			return err
		}
		if c.Answer == nil || !a.Acknowledge(p.id, *c.Answer, p.now) {
			return nil
		}
		return tx.PutAccount(a)
	})
	return device.Plan(next.Desired, req.Accounts)
}

// obey checks in and removes what is to be removed; it returns whether the device
// is told to add its account.
func (p *phone) obey() (adds bool) {
	p.t.Helper()
	for _, d := range p.report() {
		if d.Kind == protocol.AddAccount {
			adds = true
			continue
		}
		if err := p.play.RemoveAccount(p.t.Context(), d.AccountName); err != nil {
			p.t.Fatal(err)
		}
	}
	return adds
}
