package reconcile_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/functions/reconcile"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/token"
)

// TestReconcile_T4_Expiry: a token that nobody answered for is given up at its
// deadline, not before, and the trail says so once.
func TestReconcile_T4_Expiry(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	early := b.asked()
	b.now = noon.Add(time.Minute)
	late := b.asked()
	before := len(b.trail())

	b.now = noon.Add(5*time.Minute - time.Second)
	if got := b.run(); got != (reconcile.Summary{}) {
		t.Errorf("before the deadline: %+v", got)
	}
	b.now = noon.Add(5 * time.Minute)
	if got := b.run(); got != (reconcile.Summary{Expired: 1}) {
		t.Errorf("at the deadline: %+v, want one expired", got)
	}
	b.run()
	if e, l := early.tokens()[0], late.tokens()[0]; e != token.Expired || l != token.Outstanding {
		t.Errorf("the tokens are %s and %s, want the first expired", e, l)
	}
	want := []line{{actor, "token.expire", "account:" + early.accountID, "ok", "device:" + early.id}}
	if diff := cmp.Diff(want, b.trail()[before:]); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// TestReconcile_T4_GooglesWord: Google's notification confirms a token before,
// after or without the device's own word, however often it comes.
func TestReconcile_T4_GooglesWord(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		steps     func(b *bench, p *phone)
		confirmed int // records in the trail
		named     bool
	}{
		{"without the device's", func(b *bench, p *phone) { p.add(); b.run() }, 1, false},
		{"before the device's", func(b *bench, p *phone) { name := p.add(); b.run(); p.say(name) }, 1, true},
		{"after the device's", func(b *bench, p *phone) { p.say(p.add()); b.run() }, 0, true},
		{"after the deadline", func(b *bench, p *phone) {
			p.add()
			b.now = noon.Add(time.Hour)
			b.run()
		}, 1, false},
		{"after the token was given up", func(b *bench, p *phone) {
			b.now = noon.Add(5 * time.Minute)
			b.run()
			p.add()
			b.run()
		}, 1, false},
		{"told to a process that died, and again", func(b *bench, p *phone) {
			p.add()
			_, err := b.play.PullNotifications(b.t.Context()) // leased to a process that dies
			if err != nil {
				b.t.Fatal(err)
			}
			b.run()
			b.now = b.now.Add(21 * time.Second)
			b.run()
			b.run()
		}, 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			p := b.asked()
			tc.steps(b, p)
			if got := p.tokens(); !slices.Equal(got, []token.State{token.Added}) {
				t.Errorf("tokens %v, want one that was added", got)
			}
			if got := b.account(p.accountID).Name != ""; got != tc.named {
				t.Errorf("the account's name is known: %t, want %t", got, tc.named)
			}
			confirmed := 0
			for _, l := range b.trail() {
				if l == (line{actor, "token.confirm", "account:" + p.accountID, "ok", "device:" + p.id}) {
					confirmed++
				}
			}
			if confirmed != tc.confirmed {
				t.Errorf("%d records of confirmation, want %d: %v", confirmed, tc.confirmed, b.trail())
			}
			b.now = b.now.Add(time.Hour)
			b.run()
			if n := b.sim.Snapshot().Notifications; n != 0 {
				t.Errorf("%d notifications were not acknowledged", n)
			}
		})
	}
}

// TestReconcile_NotificationOfAnEarlierToken says nothing of the one that was asked
// for since.
func TestReconcile_NotificationOfAnEarlierToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.asked()
	p.add()
	b.now = noon.Add(time.Minute)
	p.ask("add-2")
	b.run()
	if diff := cmp.Diff([]token.State{token.Superseded, token.Outstanding}, p.tokens()); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
}

// TestReconcile_ForeignNotifications are acknowledged and change nothing: the
// account is another server's, or its device was not asked about.
func TestReconcile_ForeignNotifications(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	user, err := b.play.Insert(t.Context(), b.playID, specOf("elsewhere"))
	if err != nil {
		t.Fatal(err)
	}
	auth, err := b.play.MintToken(t.Context(), b.playID, user)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.sim.NewDevice("ff").AddAccount(t.Context(), auth); err != nil {
		t.Fatal(err)
	}
	if got := b.run(); got != (reconcile.Summary{}) {
		t.Errorf("summary %+v, want nothing", got)
	}
	if n := b.sim.Snapshot().Notifications; n != 0 {
		t.Errorf("%d notifications were not acknowledged", n)
	}
}

// TestReconcile_DamagedRecord: a notification that can never be taken does not
// keep those behind it from being taken.
func TestReconcile_DamagedRecord(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	damaged, whole := b.asked(), b.asked()
	damaged.add()
	whole.add()
	row := b.account(damaged.accountID)
	err := b.driver.Update(t.Context(), func(tx store.Txn) error {
		return tx.Put(store.Document{Key: store.Key{Kind: record.Accounts, ID: row.ID}, Body: []byte(`{"id":1}`),
			Index: map[string]string{"user": row.PlayEnterprise + "/" + row.UserID}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.run().Confirmed; got != 1 {
		t.Errorf("%d confirmed, want 1", got)
	}
	if n := b.sim.Snapshot().Notifications; n != 0 {
		t.Errorf("%d notifications were not acknowledged", n)
	}
}

// TestReconcile_E2_UnstoredIsNotAcknowledged: where the store fails, Google tells
// the notification again, and then it is taken.
func TestReconcile_E2_UnstoredIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		for k := 1; k <= 2; k++ { // finding the account, and changing it
			b := newBench(t)
			p := b.asked()
			p.add()
			b.faulty.Fail(k, when)
			if _, err := b.sweeper.Run(t.Context()); !fault.Redeliver(err) {
				t.Errorf("operation %d, side %d: %v, want an error that brings the event back", k, when, err)
			}
			if n := b.sim.Snapshot().Notifications; n != 1 {
				t.Errorf("operation %d, side %d: Google has %d notifications left, want 1", k, when, n)
			}
			b.now = b.now.Add(21 * time.Second) // after Google's lease
			b.run()
			if got := p.tokens()[0]; got != token.Added {
				t.Errorf("operation %d, side %d: the token is %s, want added", k, when, got)
			}
			if n := b.sim.Snapshot().Notifications; n != 0 {
				t.Errorf("operation %d, side %d: %d notifications were not acknowledged", k, when, n)
			}
		}
	}
}
