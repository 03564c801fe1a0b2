package checkin_test

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/checkin"
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
	o := newOffice(t, sales(), voice())
	h := o.handset()
	o.desk.Update = record.In[checkin.Rows](record.New(shared{o.driver, t}, rand.Text))
	h.checkIn(did(h.checkIn())...)
	o.now = o.now.Add(time.Hour)
	h.checkIn()
}

// TestCheckIn_C5_W4_DevicesOfOnePersonAtOnce: one password, one call to Google, and
// each device has the setting with this check-in or the next.
func TestCheckIn_C5_W4_DevicesOfOnePersonAtOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 50} {
		o := newOffice(t, sales())
		fleet := make([]*handset, n)
		for i := range fleet {
			fleet[i] = o.handset()
		}
		got := 0
		for wave := range 2 {
			answers := make([]*httptest.ResponseRecorder, n)
			var all sync.WaitGroup
			for i, h := range fleet {
				body, jwt := h.proved(protocol.CheckInRequest{}, deskURL)
				all.Go(func() { answers[i] = h.send(body, jwt) })
			}
			all.Wait()
			for i, w := range answers {
				reply := replyOf(t, w)
				switch x := fleet[i].read(reply); {
				case len(x) == 1:
					got++
				case wave == 1:
					t.Errorf("%d devices: one has no setting with the second check-in", n)
				}
				if reply.NextCheckInSeconds != 60 {
					t.Errorf("%d devices: one comes back in %d s", n, reply.NextCheckInSeconds)
				}
			}
		}
		if o.calls != 1 || len(o.accepted) != 1 || o.ledger().Version != 1 || got <= n {
			t.Errorf("%d devices: %d calls, version %d, %d settings in two check-ins", n, o.calls, o.ledger().Version, got)
		}
	}
}
