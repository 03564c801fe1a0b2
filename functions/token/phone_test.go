package token_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/seal"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// phone is an enrolled device: its keys, and its side of Google Play.
type phone struct {
	*bench
	signer  *proof.Signer
	opening crypto.Signer
	id      string
	play    *playtest.Device
}

// stranger returns a device that never enrolled.
func (b *bench) stranger(opening crypto.Signer) *phone {
	b.t.Helper()
	key := b.newKey()
	signer, err := proof.NewSigner(key, rand.Reader, b.clock)
	if err != nil {
		b.t.Fatal(err)
	}
	thumb, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		b.t.Fatal(err)
	}
	// Any hex is an Android ID; the key's makes it another for each device.
	return &phone{bench: b, signer: signer, opening: opening, id: device.ID(thumb),
		play: b.sim.NewDevice(fmt.Sprintf("%x", thumb[:8]))}
}

func (b *bench) newKey() *ecdsa.PrivateKey {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	return key
}

// phone returns a device of the person that is to have an account of the type, as
// the function enroll leaves it.
func (b *bench) phone(kind account.Type) *phone {
	b.t.Helper()
	return b.phoneWith(kind, b.newKey())
}

func (b *bench) phoneWith(kind account.Type, opening crypto.Signer) *phone {
	b.t.Helper()
	p := b.stranger(opening)
	key, err := seal.NewKey(opening.Public())
	if err != nil {
		b.t.Fatal(err)
	}
	d := device.Device{
		ID: p.id, Enterprise: "acme", State: device.Active, EncryptionKey: key.JSON(),
		Subject:    account.Subject{Kind: account.Person, ID: person},
		EnrolledAt: b.clock(), LastSeen: b.clock(), CheckInSeconds: 14400,
		Desired: device.Desired{AccountType: kind, PlayEnterprise: b.playID, DisplayName: "Acme"},
	}
	own := account.Subject{Kind: account.Device, ID: p.id}
	d.Desired.OwnAccountID = account.Identifier(identifierKey, "acme", account.DeviceAccount, own)
	d.Desired.AccountID = account.Identifier(identifierKey, "acme", kind, d.AccountSubject())
	b.put(func(tx *record.Tx) error { return tx.PutDevice(d) })
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

// account is the row of the account that the device is to have.
func (p *phone) account() account.Account {
	p.t.Helper()
	a, err := p.db.Account(p.t.Context(), p.row().Desired.AccountID)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// ask asks for the token of the directive that is current.
func (p *phone) ask() *httptest.ResponseRecorder {
	p.t.Helper()
	return p.send(p.proved(p.row().Desired.AddID()))
}

func (p *phone) proved(directiveID string) (body []byte, jwt string) {
	p.t.Helper()
	body, err := json.Marshal(protocol.TokenRequest{DirectiveID: directiveID, AndroidID: p.play.AndroidID()})
	if err != nil {
		p.t.Fatal(err)
	}
	if jwt, err = p.signer.Sign(http.MethodPost, url, body); err != nil {
		p.t.Fatal(err)
	}
	return body, jwt
}

func (b *bench) send(body []byte, jwt string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(proof.Header, jwt)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

// open returns the claims of a reply.
func (p *phone) open(w *httptest.ResponseRecorder) protocol.TokenClaims {
	p.t.Helper()
	var reply protocol.TokenReply
	if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || w.Code != http.StatusOK {
		p.t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	plain, err := seal.Open(p.opening, reply.Token)
	if err != nil {
		p.t.Fatal(err)
	}
	var claims protocol.TokenClaims
	if err := json.Unmarshal(plain, &claims); err != nil {
		p.t.Fatal(err)
	}
	return claims
}

// add asks for a token and adds the account; the server is not told.
func (p *phone) add() (name string) {
	p.t.Helper()
	name, err := p.play.AddAccount(p.t.Context(), secret.New(p.open(p.ask()).Token))
	if err != nil {
		p.t.Fatal(err)
	}
	return name
}

// report does what the function checkin does with a report: of what Play has on
// the device and, with a reason or name, of the current directive's outcome.
func (p *phone) report(name, reason string) []protocol.Directive {
	p.t.Helper()
	accounts, err := p.play.Accounts(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	req := protocol.CheckInRequest{Accounts: accounts}
	outcome := protocol.Outcome{DirectiveID: p.row().Desired.AddID(), Result: protocol.Done, AccountName: name, Reason: reason}
	if reason != "" {
		outcome.Result = protocol.Failed
	}
	if name+reason != "" {
		req.Outcomes = append(req.Outcomes, outcome)
	}
	var next device.Device
	p.put(func(tx *record.Tx) error {
		d, err := tx.Device(p.id)
		if err != nil {
			return err
		}
		a, err := tx.Account(d.Desired.AccountID)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		c := device.Apply(d, req, p.clock())
		next = c.Device
		if err := tx.PutDevice(next); err != nil {
			return err
		}
		if c.Answer == nil || !a.Acknowledge(p.id, *c.Answer, p.clock()) {
			return nil
		}
		return tx.PutAccount(a)
	})
	return device.Plan(next.Desired, accounts)
}

// refusal is what a program reads of a problem.
type refusal struct {
	Status     int
	Reason     string
	RetryAfter int // in seconds
}

func refusalOf(w *httptest.ResponseRecorder) refusal {
	var p protocol.Problem
	_ = json.Unmarshal(w.Body.Bytes(), &p) // what is no problem shows in the status
	after, _ := strconv.Atoi(w.Header().Get("Retry-After"))
	return refusal{w.Code, strings.TrimPrefix(p.Type, "urn:rollcall:problem:"), after}
}
