package reconcile_test

import (
	"fmt"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/token"
)

const directive = "add-1"

// phone is a device that has asked for a token, with its side of Google Play.
type phone struct {
	*bench
	id, accountID string
	play          *playtest.Device
}

// asked returns a device with an account of its own, for which it asked for a
// token just now.
func (b *bench) asked() *phone {
	b.t.Helper()
	b.phones++
	p := &phone{bench: b, id: fmt.Sprintf("d%03d", b.phones), play: b.sim.NewDevice(fmt.Sprintf("%x", b.phones))}
	own := account.Subject{Kind: account.Device, ID: p.id}
	p.accountID = account.Identifier(identifierKey, "acme", account.DeviceAccount, own)
	_, err := b.sweeper.Accounts.Ensure(b.t.Context(), account.Account{ID: p.accountID, Enterprise: "acme",
		PlayEnterprise: b.playID, Subject: own, Type: account.DeviceAccount, DisplayName: "Acme"}, "device:"+p.id)
	if err != nil {
		b.t.Fatal(err)
	}
	p.ask(directive)
	return p
}

// ask notes that the device asks for a token, as the function token does.
func (p *phone) ask(directive string) {
	p.t.Helper()
	a := p.account(p.accountID)
	b, err := a.Bind(p.id, p.now)
	if err != nil {
		p.t.Fatal(err)
	}
	if b.Tokens, err = b.Tokens.Begin(p.now, directive, token.Limits{}); err != nil {
		p.t.Fatal(err)
	}
	b.AndroidID = p.play.AndroidID()
	p.put(func(tx *record.Tx) error { return tx.PutAccount(a) })
}

// add has the device add its account, of which Google sends a notification.
func (p *phone) add() (name string) {
	p.t.Helper()
	a := p.account(p.accountID)
	auth, err := p.bench.play.MintToken(p.t.Context(), a.PlayEnterprise, a.UserID)
	if err != nil {
		p.t.Fatal(err)
	}
	if name, err = p.play.AddAccount(p.t.Context(), auth); err != nil {
		p.t.Fatal(err)
	}
	return name
}

// say has the device say that it added the account, as the function checkin
// takes it in.
func (p *phone) say(name string) {
	p.t.Helper()
	p.put(func(tx *record.Tx) error {
		a, err := tx.Account(p.accountID)
		if err != nil {
			return err
		}
		if !a.Acknowledge(p.id, account.Answer{AccountID: a.ID, DirectiveID: directive, Added: true, AccountName: name}, p.now) {
			return nil
		}
		return tx.PutAccount(a)
	})
}

// tokens returns the states of the device's tokens, oldest first.
func (p *phone) tokens() []token.State {
	p.t.Helper()
	out := []token.State{}
	for _, m := range p.account(p.accountID).Bindings[0].Tokens {
		out = append(out, m.State)
	}
	return out
}
