package checkin_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/checkin"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// shared fails the test where a transaction reads a row that all devices of an
// enterprise share.
type shared struct {
	store.Driver
	t *testing.T
}

func (s shared) Update(ctx context.Context, fn func(store.Txn) error) error {
	return s.Driver.Update(ctx, func(tx store.Txn) error { return fn(sharedTxn{tx, s.t}) })
}

type sharedTxn struct {
	store.Txn
	t *testing.T
}

func (s sharedTxn) Get(key store.Key) (store.Document, error) {
	if key.Kind != record.Devices && key.Kind != record.Accounts {
		s.t.Errorf("a transaction reads %s %s, and in Firestore locks it", key.Kind, key.ID)
	}
	return s.Txn.Get(key)
}

// TestCheckIn_C7_NoSharedRowIsLocked: a fleet that checks in at once, as after an
// outage, contends neither with itself nor with a change of its policy.
func TestCheckIn_C7_NoSharedRowIsLocked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.phone()
	db := record.New(shared{b.driver, t}, rand.Text)
	desk := &checkin.Desk{Device: db.Device, Enterprise: db.Enterprise, Update: record.In[checkin.Rows](db), URL: deskURL,
		Now: b.clock, Random: func() float64 { return b.random }}
	b.handler = desk.Handler(api.Edge{Function: "checkin", Now: b.clock, Log: slog.New(slog.DiscardHandler)})
	b.now = b.now.Add(time.Hour)
	p.report(protocol.CheckInRequest{})
}
