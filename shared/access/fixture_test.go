package access_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/access"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

const (
	acme   = "acme"
	jane   = "jane"
	phone  = "phone"
	grace  = 30 * 24 * time.Hour
	sealed = "sealed"
)

var (
	noon    = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	janeKey = person.KeyOf(acme, jane)
	labels  = []string{"mail", "sales"}
)

// home is a Settler over a store whose closures run several times, with the person
// jane, who has labels, an account, and a device without accounts.
type home struct {
	t       *testing.T
	faulty  *storetest.Faulty
	driver  store.Driver
	db      *record.DB
	now     time.Time
	settler *access.Settler
}

func newHome(t *testing.T) *home {
	t.Helper()
	file, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	h := &home{t: t, now: noon}
	h.faulty = storetest.NewFaulty(storetest.Rerun(file))
	h.driver = store.Count(h.faulty)
	var n atomic.Int64
	h.db = record.New(h.driver, func() string { return fmt.Sprintf("a%06d", n.Add(1)) })
	clock := func() time.Time { return h.now }
	h.settler = &access.Settler{
		DB: h.db, Now: clock, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
		Accounts: &account.Provisioner{Update: record.In[account.Rows](h.db), Now: clock},
	}
	h.put(func(tx *record.Tx) error {
		return tx.PutPerson(person.Person{Key: janeKey, Enterprise: acme, ID: jane, State: person.Active, Since: noon,
			Settled: person.Granted, Labels: labels, Entry: person.Entry{ID: jane, Mail: "jane@example.com"},
			Google: person.Google{ID: "1"}, CreatedAt: noon, UpdatedAt: noon})
	})
	h.put(func(tx *record.Tx) error {
		return tx.PutDevice(device.Device{ID: phone, Enterprise: acme, State: device.Active, Labels: []string{"field"},
			Subject: account.Subject{Kind: account.Person, ID: jane}})
	})
	return h
}

func (h *home) put(fn func(*record.Tx) error) {
	h.t.Helper()
	if err := h.db.Update(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) person() person.Person {
	h.t.Helper()
	p, err := h.db.Person(context.Background(), janeKey)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func (h *home) device() device.Device {
	h.t.Helper()
	d, err := h.db.Device(context.Background(), phone)
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

func (h *home) password() password.Ledger {
	h.t.Helper()
	l, err := h.db.Password(context.Background(), acme, janeKey)
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

// becomes brings jane's row to a state, as a directory run does, and nothing more.
func (h *home) becomes(to person.State) {
	h.t.Helper()
	h.now = h.now.Add(time.Hour)
	h.put(func(tx *record.Tx) error {
		p, err := tx.Person(janeKey)
		if err != nil {
			return err
		}
		p.State, p.Since, p.UpdatedAt, p.Attempts, p.DeleteAt = to, h.now, h.now, 0, time.Time{}
		if to == person.Leaving {
			p.DeleteAt = h.now.Add(grace)
		}
		return tx.PutPerson(p)
	})
}

// settle settles jane until nothing is left.
func (h *home) settle() {
	h.t.Helper()
	for range 5 {
		res, err := h.settler.Settle(context.Background(), acme, janeKey, false)
		if err != nil && !fault.Redeliver(err) {
			h.t.Fatal(err)
		}
		if err == nil && res.Settled {
			return
		}
	}
	h.t.Fatal("the person is never settled")
}

// givenUp is a password that failed for a reason.
func givenUp(reason string) password.Ledger {
	return password.Ledger{Enterprise: acme, Person: janeKey, State: password.Failed, Version: 3, Begun: noon, Sealed: sealed,
		Length: 16, Attempts: 2, Leases: 9, Reason: reason, LastAt: noon, Accepted: 2, UpdatedAt: noon}
}

func (h *home) givesUp(reason string) {
	h.t.Helper()
	h.put(func(tx *record.Tx) error { return tx.PutPassword(givenUp(reason)) })
}
