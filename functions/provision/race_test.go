package provision_test

import (
	"context"
	"sync"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// TestProvision_P2_DeletionRacesCreation: a deletion that overtakes a creation,
// before Google is asked or before its answer is stored, leaves nothing at Google.
func TestProvision_P2_DeletionRacesCreation(t *testing.T) {
	t.Parallel()
	for _, early := range []bool{true, false} {
		b := newBench(t)
		p := b.phone("jane", account.UserAccount)
		want := p.wanted()
		b.worker.Accounts.Google = &overtaken{provider: b.worker.Accounts.Google, early: early, meanwhile: func() {
			if err := b.handle(command(workflow.Delete, want.ID)); err != nil {
				t.Errorf("the deletion: %v", err)
			}
		}}
		_, err := b.worker.Accounts.Ensure(t.Context(), want, admin)
		if fault.KindOf(err) != fault.Conflict || fault.ReasonOf(err) != "account-deleted" {
			t.Errorf("early %t: the creation: %v, want account-deleted", early, err)
		}
		if n := b.sim.UserCount(b.playID); n != 0 {
			t.Errorf("early %t: Google has %d accounts", early, n)
		}
		if a := p.account(); a.State != account.Deleted || a.UserID != "" {
			t.Errorf("early %t: row %+v, want it deleted", early, a)
		}
	}
}

// TestProvision_P2_WantedAgainWhileTheFirstIsSlow: an account that is deleted and
// wanted again while its first creation is under way ends as one that the row
// names.
func TestProvision_P2_WantedAgainWhileTheFirstIsSlow(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		again func(b *bench, want account.Account) error
	}{
		{"and was created", func(b *bench, want account.Account) error {
			return b.handle(command(workflow.Create, want.ID))
		}},
		{"and is not yet created", func(b *bench, want account.Account) error {
			return b.db.Update(b.t.Context(), func(tx *record.Tx) error {
				found, err := tx.Account(want.ID)
				row, _, err := account.Intend(found, err, want, b.now)
				if err != nil {
					return err
				}
				return tx.PutAccount(row)
			})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			p := b.phone("jane", account.UserAccount)
			want := p.wanted()
			b.worker.Accounts.Google = &overtaken{provider: b.worker.Accounts.Google, meanwhile: func() {
				if err := b.handle(command(workflow.Delete, want.ID)); err != nil {
					t.Errorf("the deletion: %v", err)
				}
				if err := tc.again(b, want); err != nil {
					t.Error(err)
				}
			}}
			if _, err := b.worker.Accounts.Ensure(t.Context(), want, admin); err != nil {
				t.Errorf("the first creation: %v", err)
			}
			users := b.sim.Users(b.playID)
			if len(users) != 1 || users[0].ID != p.account().UserID {
				t.Errorf("Google has %+v, the row names %q", users, p.account().UserID)
			}
		})
	}
}

// TestProvision_P2_WantedAgainWhileADeletionIsSlow: a deletion that comes twice
// leaves alone what was made after the first was done.
func TestProvision_P2_WantedAgainWhileADeletionIsSlow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.phone("jane", account.UserAccount)
	want := p.wanted()
	b.put(func(tx *record.Tx) error { // as a creation leaves it that died
		row, _, err := account.Intend(account.Account{}, fault.New(fault.NotFound, "", ""), want, b.now)
		if err != nil {
			return err
		}
		return tx.PutAccount(row)
	})
	b.worker.Accounts.Google = &overtaken{provider: b.worker.Accounts.Google, early: true, meanwhile: func() {
		for _, op := range []workflow.Op{workflow.Delete, workflow.Create} {
			if err := b.handle(command(op, want.ID)); err != nil {
				t.Errorf("%s: %v", op, err)
			}
		}
	}}
	if err := b.worker.Accounts.Remove(t.Context(), want.ID, admin); err != nil {
		t.Errorf("the slow deletion: %v", err)
	}
	users, row := b.sim.Users(b.playID), p.account()
	if len(users) != 1 || row.State != account.Active || users[0].ID != row.UserID {
		t.Errorf("Google has %+v; the row is %s and names %q", users, row.State, row.UserID)
	}
}

// overtaken lets something happen while the first insertion is under way: before
// it reaches Google (early), or after Google answered.
type overtaken struct {
	provider
	once      sync.Once
	early     bool
	meanwhile func()
}

type provider interface {
	account.Provider
	account.Remover
}

func (o *overtaken) Insert(ctx context.Context, ent string, s account.Spec) (string, error) {
	first := false
	o.once.Do(func() { first = true })
	if first && o.early {
		o.meanwhile()
	}
	id, err := o.provider.Insert(ctx, ent, s)
	if first && !o.early {
		o.meanwhile()
	}
	return id, err
}
