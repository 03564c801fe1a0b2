package directorysync

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// breakable is a run over prepared directories and a prepared store that can be
// done again and again, each time from a copy.
type breakable struct {
	t    *testing.T
	site *site
	dir  string
	// page is how many users a page of Google's has.
	page int
}

func prepare(t *testing.T, mode directory.Mode, fill func(*site), change func(*site)) *breakable {
	t.Helper()
	b := &breakable{t: t, dir: t.TempDir(), page: 2}
	file, err := embedded.Open(t.Context(), b.dir)
	if err != nil {
		t.Fatal(err)
	}
	b.site = newSite(t, mode, options{driver: file})
	fill(b.site)
	if change != nil {
		wantRun(t, b.site.sync(), directory.Done, "")
		change(b.site)
	}
	b.site.must(file.Close())
	return b
}

// store returns a copy of the store before the run.
func (b *breakable) store(t *testing.T) store.Driver {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(b.dir)); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(dir, "lock"))
	file, err := embedded.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// open returns a copy of the site before the run.
func (b *breakable) open(t *testing.T, attempts int) *site {
	t.Helper()
	s := newSite(t, b.site.config.Mode, options{driver: b.store(t), attempts: attempts, beside: b.site, plain: true, page: b.page})
	s.ids = 1 << 20
	s.engine.keep, s.engine.part = 8, 10 // the first import is planned in ranges and parts
	s.clock.Advance(time.Hour)
	return s
}

// broken does one run, in which something fails, to its end. s.stopped is then the
// phase in which an operation of the store failed, and s.operations how many there
// were, if none did.
func (s *site) broken() directory.Run {
	s.t.Helper()
	id := s.newID()
	s.command(directory.Command{Op: directory.Start, Run: id, Kind: directory.Sync})
	for range 100 {
		e, ok := s.next()
		if !ok {
			break
		}
		err := s.engine.Handle(context.Background(), e)
		if s.faulty.Fired() {
			s.faulty.Fail(0, storetest.Before)
			s.stopped = s.phaseOf(id)
		}
		if err != nil && !fault.Redeliver(err) {
			s.t.Errorf("the event is given up: %v", err)
		}
		if err != nil {
			s.clock.Advance(lease)
			s.queue = append(s.queue, e)
		}
	}
	s.operations = s.faulty.Count()
	s.faulty.Fail(0, storetest.Before)
	return s.run(id)
}

// phaseOf returns the phase of a run as it is stored; where none is, that is the
// one before it begins.
func (s *site) phaseOf(id string) directory.Phase {
	s.t.Helper()
	r, err := s.db.Run(context.Background(), id)
	if fault.KindOf(err) == fault.NotFound {
		return directory.Planned
	}
	s.must(err)
	return r.Phase
}

func someChanges(s *site) {
	if s.google != nil {
		s.must(s.google.Edit(mail(3), func(u *workspacetest.User) { u.FamilyName = "Other" }))
		s.must(s.google.Edit(mail(4), func(u *workspacetest.User) { u.Suspended = true }))
		s.google.Remove(mail(5))
		s.google.Remove(mail(10))
		s.hire(2000, 2)
	}
	if s.ldap != nil {
		s.must(s.ldap.Set(ldapDN(6), "mail", "moved@"+domain))
		s.must(s.ldap.Delete(ldapDN(7)))
		s.employ(3000, 2)
		twin := ldapPerson(4000)
		twin.Attributes["mail"] = []string{mail(9)}
		s.must(s.ldap.Add(twin))
	}
}

// crowd fills six pages of Google's, with its administrator.
const crowd = 11

// fillCrowd has people enough for the guard to look at their shares.
func fillCrowd(s *site) {
	s.configure(func(c *directory.Config) { c.Guard.Population, c.Guard.Withdraw.Percent = 10, 30 })
	s.fill(crowd)
}

func scenarios(t *testing.T, mode directory.Mode) map[string]*breakable {
	return map[string]*breakable{"first": prepare(t, mode, fillCrowd, nil), "changes": prepare(t, mode, fillCrowd, someChanges)}
}

// passed are the phases that every run goes through; one that misses somebody goes
// through directory.Confirming too.
var passed = []directory.Phase{directory.Planned, directory.Collecting, directory.Comparing, directory.Applying, directory.Finishing}

// TestKilled_D3_AtEveryStoreOperation: a process that dies at any operation of the
// store, before or after its effect, leaves a run that another one ends as though
// nothing had been, with at most one page of Google's asked for twice.
func TestKilled_D3_AtEveryStoreOperation(t *testing.T) {
	t.Parallel()
	for _, mode := range readingModes {
		for name, b := range scenarios(t, mode) {
			t.Run(string(mode)+" "+name, func(t *testing.T) {
				t.Parallel()
				whole := b.open(t, 0)
				lists := whole.lists()
				whole.faulty.Fail(0, storetest.Before)
				r := whole.broken()
				operations, want := whole.operations, whole.outcome(r)
				wantRun(t, want.Run, directory.Done, "")
				lists = whole.lists() - lists
				reached, phases := map[directory.Phase]int{}, passed
				if name == "changes" {
					phases = append(slices.Clone(passed), directory.Confirming)
				}
				for k := 1; ; k++ {
					fired := false
					for _, when := range []storetest.When{storetest.Before, storetest.After} {
						s := b.open(t, 0)
						before := s.lists()
						s.faulty.Crash(k, when)
						r := s.broken()
						if fired = s.stopped != ""; fired {
							reached[s.stopped]++
						}
						if diff := differs(want, s.outcome(r)); diff != "" {
							t.Fatalf("killed at operation %d (%v): %s", k, when, diff)
						}
						if got := s.lists() - before; got > lists+1 {
							t.Errorf("killed at operation %d: %d pages of Google's, want %d and one again", k, got, lists)
						}
					}
					if !fired {
						t.Logf("%d operations, in the phases %v", k-1, reached)
						if k-1 != operations || operations < 14 {
							t.Errorf("%d operations were broken, want all %d, and 14 at least", k-1, operations)
						}
						for _, p := range phases {
							if reached[p] == 0 {
								t.Errorf("no operation was broken in the phase %s", p)
							}
						}
						return
					}
				}
			})
		}
	}
}

func (s *site) lists() int {
	if s.google == nil {
		return 0
	}
	return s.google.Faults.Calls(listUser)
}

// TestKilled_D3_AtEveryCallToGoogle: the same where a call fails in any of the ways
// that calls fail.
func TestKilled_D3_AtEveryCallToGoogle(t *testing.T) {
	t.Parallel()
	for _, mode := range []directory.Mode{directory.GoogleOnly, directory.ReadOnly} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			b := prepare(t, mode, fillCrowd, someChanges)
			whole := b.open(t, 1)
			calls := whole.google.Faults.Calls("*")
			want := whole.outcome(whole.broken())
			calls = whole.google.Faults.Calls("*") - calls
			if gets := whole.google.Faults.Calls(getUser); calls < 9 || gets == 0 {
				t.Errorf("%d calls, %d of them for one user, are too few", calls, gets)
			}
			for _, script := range []googletest.Script{
				{Mode: googletest.Refuse, Status: 503}, {Mode: googletest.Refuse, Status: 429}, {Mode: googletest.DropBefore},
				{Mode: googletest.DropAfter}, {Mode: googletest.Refuse, Status: 403, Reason: "userRateLimitExceeded"},
				// Half of a refusal says nothing that could confirm an absence.
				{Mode: googletest.Malformed, Method: listUser},
			} {
				if script.Method == "" {
					script.Method = "*"
				}
				for k := range calls {
					switch {
					case script.Method == listUser && k >= 6:
						continue
					case script.Status == 403 && k == 0:
						continue // the token endpoint has no such refusal
					}
					s := b.open(t, 1)
					before := s.lists()
					script.Skip, script.Times = k, 1
					s.google.Faults.Add(script)
					r := s.broken()
					if s.google.Faults.Pending() > 0 {
						t.Fatalf("call %d of %d was not made", k, calls)
					}
					if diff := differs(want, s.outcome(r)); diff != "" {
						t.Fatalf("call %d fails (%+v): %s", k, script, diff)
					}
					if got := s.lists() - before; got > 7 {
						t.Errorf("call %d fails: %d pages of Google's, want 6 and one again", k, got)
					}
				}
			}
		})
	}
}
