package reconcile_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/functions/reconcile"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
)

const lookUp = "androidenterprise.enterprises.get"

func specOf(id string) account.Spec { return account.Spec{Identifier: id, Type: account.UserAccount} }

// TestReconcile_EnterpriseStates: an enterprise is looked up once it is there and
// then daily; what changed is in the trail, and where Google cannot tell, nothing
// changes.
func TestReconcile_EnterpriseStates(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.enterprise("acme", enterprise.Pending)
	state := func() enterprise.State {
		e, err := b.db.Enterprise(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		return e.State
	}
	for _, step := range []struct {
		name     string
		after    time.Duration
		status   int // with which Google refuses; 0 answers
		want     enterprise.State
		verified int
	}{
		{"Google is down", 0, 503, enterprise.Pending, 0},
		{"new ones are asked for at each run", 5 * time.Minute, 0, enterprise.Bound, 1},
		{"then not for a day", 23 * time.Hour, 404, enterprise.Bound, 0},
		{"Google is down again", time.Hour, 503, enterprise.Bound, 0},
		{"gone", 5 * time.Minute, 404, enterprise.Gone, 1},
		{"not yet asked again", time.Hour, 0, enterprise.Gone, 0},
		{"back", 24 * time.Hour, 0, enterprise.Bound, 1},
		{"unbound from this server", 24 * time.Hour, 403, enterprise.Gone, 1},
	} {
		b.now = b.now.Add(step.after)
		b.sim.Faults.Clear()
		if step.status != 0 {
			b.sim.Faults.Add(googletest.Script{Method: lookUp, Mode: googletest.Refuse, Status: step.status})
		}
		if got := b.run().Verified; got != step.verified {
			t.Errorf("%s: %d verified, want %d", step.name, got, step.verified)
		}
		if got := state(); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
	}
	verify := func(result string) line { return line{actor, "enterprise.verify", "enterprise:acme", result, ""} }
	want := []line{verify("bound"), verify("gone"), verify("bound"), verify("gone")}
	if diff := cmp.Diff(want, b.trail()); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// TestReconcile_OneEnterpriseStopsNobody: one that Google does not answer for is
// left for the next run.
func TestReconcile_OneEnterpriseStopsNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.enterprise("beta", enterprise.Pending)
	b.enterprise("gamma", enterprise.Pending)
	// Both attempts of the first look-up.
	b.sim.Faults.Add(googletest.Script{Method: lookUp, Mode: googletest.Refuse, Times: 2})
	if got := b.run().Verified; got != 1 {
		t.Errorf("%d verified, want 1", got)
	}
	if got := b.run().Verified; got != 1 {
		t.Errorf("the next run: %d verified, want the other", got)
	}
}

// TestReconcile_DamagedRecordsStopNobody: what cannot be read is told to the
// operator, also where nothing else is due, and the other enterprises are looked up.
func TestReconcile_DamagedRecordsStopNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var log bytes.Buffer
	b.sweeper.Log = slog.New(slog.NewTextHandler(&log, nil))
	b.enterprise("beta", enterprise.Pending)
	err := b.driver.Update(t.Context(), func(tx store.Txn) error {
		broken := []byte(`{"id":1}`)
		return errors.Join(
			tx.Put(store.Document{Key: store.Key{Kind: record.Enterprises, ID: "aaa"}, Body: broken}),
			tx.Put(store.Document{Key: store.Key{Kind: record.Accounts, ID: "a"}, Body: broken,
				Index: map[string]string{"due": store.Timestamp(b.now)}}),
			tx.Put(store.Document{Key: store.Key{Kind: record.People, ID: "p"}, Body: broken,
				Index: map[string]string{"due": store.Timestamp(b.now)}}))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.run().Verified; got != 1 {
		t.Errorf("%d verified, want 1", got)
	}
	for _, what := range []string{"accounts", "people", "enterprises"} {
		if !strings.Contains(log.String(), what+" cannot be read") {
			t.Errorf("the log does not tell of the %s:\n%s", what, &log)
		}
	}
}

// TestReconcile_NothingDue costs the same whatever the fleet: one call to Google,
// one look each for accounts and for people that are due, the list of enterprises, and the
// password policy of each.
func TestReconcile_NothingDue(t *testing.T) {
	t.Parallel()
	for _, fleet := range []int{0, 300} {
		b := newBench(t)
		b.put(func(tx *record.Tx) error {
			for i := range fleet {
				a := account.Account{ID: fmt.Sprintf("a%03d", i), Enterprise: "acme", PlayEnterprise: b.playID,
					State: account.Active, UserID: fmt.Sprint(i), Type: account.UserAccount}
				if i%3 == 0 {
					a.State, a.UserID = account.Deleted, ""
				}
				if err := tx.PutAccount(a); err != nil {
					return err
				}
			}
			return nil
		})
		ctx, ops := store.WithOps(t.Context())
		calls := b.sim.Faults.Calls("*")
		if sum, err := b.sweeper.Run(ctx); err != nil || sum != (reconcile.Summary{}) {
			t.Errorf("fleet of %d: %+v, %v", fleet, sum, err)
		}
		if r, w := ops.Reads.Load(), ops.Writes.Load(); r != 4 || w != 0 {
			t.Errorf("fleet of %d: %d reads and %d writes, want 4 and 0", fleet, r, w)
		}
		// The first call needs an access token.
		if n := b.sim.Faults.Calls("*") - calls; n != 2 {
			t.Errorf("fleet of %d: %d calls to Google, want 2", fleet, n)
		}
	}
}
