package provision_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

const day = 24 * time.Hour

// fleet stores people whose passwords are of every length, age and state, and returns
// how many there are.
func (b *bench) fleet() (n int) {
	b.t.Helper()
	for i := range 130 {
		b.password(fmt.Sprintf("p%03d", i), func(l *password.Ledger) {
			l.SetAt = noon.Add(-time.Duration(i) * day)
			l.Length = 12 + i%3*4
			switch i % 10 {
			case 7:
				l.State, l.Attempts, l.NextAt = password.Retry, 3, noon.Add(time.Hour)
			case 8:
				l.State, l.Reason = password.Failed, password.ReasonAttempts
			case 9:
				l.State = password.Pending
			}
		})
		n++
	}
	return n
}

func (b *bench) ledgers() []password.Ledger {
	b.t.Helper()
	ls, _, err := b.db.Passwords(b.t.Context(), "acme", "", record.Page{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	return ls
}

// TestReplan_W5_DoesWhatTheDryRunSays: every row ends as the dry run's rule said, and
// the counts by effect are the same, for each of several policies in a row; none of
// them comes due at once.
func TestReplan_W5_DoesWhatTheDryRunSays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fleet()
	for i, p := range []password.Policy{
		{RotateDays: 60}, {RotateDays: 60, Length: 20}, {RotateDays: 30}, {RotateDays: 30, MaxAttempts: 3}, {}, {RotateDays: 365},
	} {
		b.policy(p)
		want, effects := []password.Ledger{}, map[password.Effect]int{}
		for _, l := range b.ledgers() {
			planned, effect := l.Replan(b.now, p)
			want = append(want, planned)
			effects[effect]++
		}
		c := command(workflow.Replan)
		c.RequestedAt = asked.Add(time.Duration(i) * time.Second)
		before := b.ledgers()
		b.do(c)
		after := b.ledgers()
		if diff := cmp.Diff(want, after); diff != "" {
			t.Fatalf("policy %d (-dry run +done):\n%s", i, diff)
		}
		changed, due := 0, 0
		for j, l := range after {
			if l != before[j] {
				changed++
			}
			if l.State == password.Active && !l.RotateAt.IsZero() && !l.RotateAt.After(b.now) {
				due++
			}
		}
		if told := len(after) - effects[password.Unaffected]; changed != told || due > 0 {
			t.Errorf("policy %d: %d rows changed, and the dry run says %d; %d are due at once", i, changed, told, due)
		}
		t.Logf("policy %d: %v", i, effects)
	}
}

// TestReplan_NotesThatThePasswordsAreInLine once all pages are through, and only for the
// policy that the first page began with.
func TestReplan_NotesThatThePasswordsAreInLine(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fleet()
	set := func(revision int) {
		p := password.Policy{Enterprise: "acme", RotateDays: 60}.Changed(password.Policy{Revision: revision - 1}, b.now, admin)
		b.put(func(tx *record.Tx) error { return tx.PutPasswordPolicy(p) })
	}
	open := func() bool {
		p, err := b.db.PasswordPolicy(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		return !p.ReplanAt.IsZero()
	}
	var pages []workflow.Command
	b.worker.Bus = publisherFunc(func(data []byte) error {
		c, err := workflow.Parse(data)
		pages = append(pages, c)
		return err
	})
	set(1)
	for pages = []workflow.Command{command(workflow.Replan)}; len(pages) > 0; {
		c := pages[0]
		if pages = pages[1:]; !open() {
			t.Errorf("in line before the page %q", c.Next)
		}
		if err := b.handle(c); err != nil {
			t.Fatal(err)
		}
	}
	if open() {
		t.Error("after all pages the passwords are not in line")
	}
	set(2)
	if err := b.handle(command(workflow.Replan)); err != nil || len(pages) != 1 {
		t.Fatal(pages, err)
	}
	set(3) // the first page was by the policy before
	if err := b.handle(pages[0]); err != nil || len(pages) != 1 || !open() {
		t.Errorf("%v, more pages %v; in line with a policy that the first page did not know: %v", err, pages[1:], !open())
	}
	for _, next := range []string{"x_abc", "abc", "7", "7_"} {
		c := command(workflow.Replan)
		c.Next = next
		if err := b.handle(c); fault.KindOf(err) != fault.Invalid {
			t.Errorf("next %q: %v", next, err)
		}
	}
}

// publisherFunc is a bus that hands on what is published.
type publisherFunc func(data []byte) error

func (f publisherFunc) Publish(_ context.Context, _ event.Topic, data []byte) (string, error) {
	return "e", f(data)
}

// TestReplan_WithoutAPolicyNothingIsReplaced: and a new policy plans again.
func TestReplan_WithoutAPolicyNothingIsReplaced(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fleet()
	b.policy(password.Policy{RotateDays: 60})
	b.do(command(workflow.Replan))
	planned := b.ledgers()
	b.put(func(tx *record.Tx) error { return tx.DeletePasswordPolicy("acme") })
	b.do(command(workflow.Replan))
	for _, l := range b.ledgers() {
		if l.State == password.Active && !l.Due().IsZero() {
			t.Errorf("without a policy %s is due at %v", l.Person, l.Due())
		}
	}
	b.policy(password.Policy{RotateDays: 60})
	b.do(command(workflow.Replan))
	for i, l := range b.ledgers() {
		if l.State == password.Active && l.RotateAt.IsZero() != planned[i].RotateAt.IsZero() {
			t.Errorf("%s: planned for %v, and before for %v", l.Person, l.RotateAt, planned[i].RotateAt)
		}
	}
}

// TestReplan_TheLastPolicyWins: whatever store operation another policy, and its
// command, come in between at.
func TestReplan_TheLastPolicyWins(t *testing.T) {
	t.Parallel()
	for k := 1; ; k++ {
		b := newBench(t)
		for i := range 3 {
			b.password(fmt.Sprintf("p%d", i), func(l *password.Ledger) { l.SetAt = noon })
		}
		b.policy(password.Policy{RotateDays: 60})
		last := password.Policy{RotateDays: 300}
		reached := b.into(k, func() {
			if err := b.handle(command(workflow.Replan)); err != nil {
				t.Fatal(err)
			}
		}, func() {
			b.policy(last)
			if err := b.handle(command(workflow.Replan)); err != nil {
				t.Fatal(err)
			}
		})
		if !reached {
			return
		}
		for _, l := range b.ledgers() {
			if again, effect := l.Replan(b.now, last); again != l {
				t.Errorf("before operation %d: %s is planned for %v, and the last policy says %s", k, l.Person, l.RotateAt, effect)
			}
		}
	}
}

// TestReplan_RepeatCompletes: wherever the store fails.
func TestReplan_RepeatCompletes(t *testing.T) {
	t.Parallel()
	for k := 1; ; k++ {
		b := newBench(t)
		for i := range 3 {
			b.password(fmt.Sprintf("p%d", i), func(l *password.Ledger) { l.SetAt = noon })
		}
		p := password.Policy{RotateDays: 60}
		b.policy(p)
		b.driver.Crash(k, storetest.After)
		err := b.handle(command(workflow.Replan))
		fired := b.driver.Fired()
		b.driver.Fail(0, storetest.After)
		if fired {
			err = b.handle(command(workflow.Replan))
		}
		if err != nil {
			t.Fatalf("operation %d: %v", k, err)
		}
		for _, l := range b.ledgers() {
			if again, _ := l.Replan(b.now, p); again != l || l.RotateAt.IsZero() {
				t.Errorf("operation %d: %s is planned for %v", k, l.Person, l.RotateAt)
			}
		}
		if !fired {
			return
		}
	}
}
