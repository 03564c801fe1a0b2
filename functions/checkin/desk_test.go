package checkin_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/functions/checkin"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/token"
)

const deskURL = "https://emm.example.com/checkin"

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// bench is the function over an embedded store whose closures all run several times, with
// the enterprise acme.
type bench struct {
	t       *testing.T
	driver  store.Driver
	db      *record.DB
	desk    *checkin.Desk
	handler http.Handler
	now     time.Time
	random  float64
	ids     atomic.Int64

	observing sync.Mutex
	served    api.Served // the last request
}

func newBench(t *testing.T) *bench {
	t.Helper()
	file, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	b := &bench{t: t, driver: store.Count(storetest.Rerun(file)), now: noon, random: 0.5}
	b.db = record.New(b.driver, b.nextID)
	b.desk = &checkin.Desk{Device: b.db.Device, Enterprise: b.db.Enterprise, Update: record.In[checkin.Rows](b.db), Settings: b.db,
		Passwords: func(context.Context) (checkin.Passwords, error) {
			t.Error("asked for a password where no setting needs one")
			return nil, notFound()
		},
		URL: deskURL, Log: slog.New(slog.DiscardHandler), Now: b.clock, Random: func() float64 { return b.random }}
	b.handler = b.desk.Handler(api.Edge{Function: "checkin", Now: b.clock,
		Log:     slog.New(slog.NewJSONHandler(io.Discard, nil)),
		Observe: b.observe})
	b.put(func(tx *record.Tx) error {
		return tx.PutEnterprise(enterprise.Enterprise{ID: "acme", Name: "Acme", Play: "LC03abcd12", State: enterprise.Bound})
	})
	return b
}

func (b *bench) clock() time.Time { return b.now }

// nextID returns ids in order, which keep the trail in order under a clock that
// stands still.
func (b *bench) nextID() string { return fmt.Sprintf("a%06d", b.ids.Add(1)) }

func (b *bench) observe(s api.Served) {
	b.observing.Lock()
	defer b.observing.Unlock()
	b.served = s
}

func (b *bench) put(fn func(*record.Tx) error) {
	b.t.Helper()
	if err := b.db.Update(b.t.Context(), fn); err != nil {
		b.t.Fatal(err)
	}
}

// wantOps checks what the last request cost (invariant C4).
func (b *bench) wantOps(what string, reads, writes int64) {
	b.t.Helper()
	if b.served.Reads != reads || b.served.Writes != writes {
		b.t.Errorf("%s: %d reads and %d writes, want %d and %d", what, b.served.Reads, b.served.Writes, reads, writes)
	}
}

// documents returns everything in the store.
func (b *bench) documents() map[store.Key]string {
	b.t.Helper()
	all := map[store.Key]string{}
	for _, k := range record.Kinds() {
		docs, err := b.driver.Find(b.t.Context(), store.Query{Kind: k, Limit: 1000})
		if err != nil {
			b.t.Fatal(err)
		}
		for _, d := range docs {
			all[d.Key] = string(d.Body)
		}
	}
	return all
}

// line is what an auditor reads of a record.
type line struct{ Actor, Action, Target, Result string }

func (b *bench) trail() []line {
	b.t.Helper()
	records, _, err := b.db.Audit(b.t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	lines := []line{}
	for _, r := range records {
		if r.ID == "" || r.Enterprise != "acme" || r.At.Before(noon) || r.At.After(b.now) {
			b.t.Errorf("record %+v is not whole, or its time is not one of this test", r)
		}
		lines = append(lines, line{r.Actor, r.Action, r.Target, r.Result})
	}
	return lines
}

// phone is a device's signing key, and its id.
type phone struct {
	*bench
	signer *proof.Signer
	id     string
}

// stranger returns a device that never enrolled.
func (b *bench) stranger() *phone {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	signer, err := proof.NewSigner(key, rand.Reader, b.clock)
	if err != nil {
		b.t.Fatal(err)
	}
	thumb, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		b.t.Fatal(err)
	}
	return &phone{bench: b, signer: signer, id: device.ID(thumb)}
}

// phone returns a device that enrolled just now.
func (b *bench) phone() *phone {
	b.t.Helper()
	p := b.stranger()
	d := enrolled(p.id)
	d.EnrolledAt, d.LastSeen = b.now, b.now
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

// change stores the row as fn leaves it.
func (p *phone) change(fn func(*device.Device)) {
	p.t.Helper()
	p.put(func(tx *record.Tx) error {
		d, err := tx.Device(p.id)
		if err != nil {
			return err
		}
		fn(&d)
		return tx.PutDevice(d)
	})
}

// asked stores the account with a token asked for by the device's current
// directive, as the function token leaves it.
func (p *phone) asked() {
	p.t.Helper()
	d := p.row()
	p.put(func(tx *record.Tx) error {
		a, _, err := account.Intend(account.Account{}, notFound(), d.WantedAccount(), p.now)
		if err != nil {
			return err
		}
		a.State, a.UserID = account.Active, "u1"
		b, err := a.Bind(p.id, p.now)
		if err != nil {
			return err
		}
		if b.Tokens, err = b.Tokens.Begin(p.now, d.Desired.AddID(), token.Limits{}); err != nil {
			return err
		}
		return tx.PutAccount(a)
	})
}

func (p *phone) account() account.Account {
	p.t.Helper()
	a, err := p.db.Account(p.t.Context(), p.row().Desired.AccountID)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// proved returns a report with its proof.
func (p *phone) proved(report protocol.CheckInRequest, url string) (body []byte, jwt string) {
	p.t.Helper()
	if report.Accounts == nil {
		report.Accounts = []protocol.Account{}
	}
	body, err := json.Marshal(report)
	if err != nil {
		p.t.Fatal(err)
	}
	if jwt, err = p.signer.Sign(http.MethodPost, url, body); err != nil {
		p.t.Fatal(err)
	}
	return body, jwt
}

func (b *bench) send(body []byte, jwt string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, deskURL, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(proof.Header, jwt)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

// report checks in and returns the answer.
func (p *phone) report(report protocol.CheckInRequest) protocol.CheckInReply {
	p.t.Helper()
	return replyOf(p.t, p.send(p.proved(report, deskURL)))
}

func replyOf(t *testing.T, w *httptest.ResponseRecorder) (reply protocol.CheckInReply) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return reply
}
