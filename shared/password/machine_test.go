package password_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/password"
)

// world is one person's row with everything around it that can go wrong: workers
// that stall, die, answer twice or late, and a Google that is down or refuses.
type world struct {
	row   password.Ledger
	now   time.Time
	asked time.Time // when the last renewal was asked for

	verdict *password.Verdict // how Google answers; nil accepts
	held    int               // the version that Google holds
	account int               // which Google account the person has
	texts   map[int]string    // what each version was at Google

	workers []*worker
	counted map[int]int // attempts of each version, as the model counts them
	strays  []*worker   // calls that nobody waits for and that are on their way
	offers  map[int]int // calls that Google answered, by version
}

type worker struct {
	ticket  password.Ticket
	sealed  string
	account int
	sent    bool
	verdict *password.Verdict
}

// google is the id of a Google account.
func google(n int) string { return fmt.Sprintf("g%d", n) }

func (w *world) lease() {
	before := w.row
	row, ticket, ok := w.row.Lease(w.now, policy)
	w.row = row
	if ok {
		w.workers = append(w.workers, &worker{ticket: ticket, sealed: before.Sealed, account: w.account})
		w.counted[ticket.Version]++
	}
}

// send is the call to Google; a worker that comes too late gives it up.
func (w *world) send(t *rapid.T, k *worker) {
	if k.ticket.Lease == 0 || k.sent || w.now.After(k.ticket.Deadline) {
		return
	}
	k.sent, k.verdict = true, w.verdict
	v := k.ticket.Version
	if k.verdict == nil || k.verdict.Outcome != password.Deferred {
		w.offers[v]++
	}
	if k.verdict != nil || k.account != w.account {
		return
	}
	if v < w.held {
		t.Fatalf("version %d arrived at Google after version %d", v, w.held)
	}
	if was, ok := w.texts[v]; ok && was != k.sealed {
		t.Fatalf("version %d was %q at Google and is %q", v, was, k.sealed)
	}
	w.held, w.texts[v] = v, k.sealed
}

// abandon has a worker give up waiting while the call is on its way.
func (w *world) abandon(k *worker) {
	if k.ticket.Lease == 0 || k.sent || w.now.After(k.ticket.Deadline) {
		return
	}
	k.sent, k.verdict = true, &lost
	w.strays = append(w.strays, &worker{ticket: k.ticket, sealed: k.sealed, account: k.account})
}

// arrive has a call that nobody waits for reach Google, or not.
func (w *world) arrive(t *rapid.T) {
	for _, k := range w.strays {
		offers := w.offers[k.ticket.Version]
		w.send(t, k)
		w.offers[k.ticket.Version] = offers // nobody was told
	}
	w.strays = nil
}

// report takes a worker's result in; it may come more than once.
func (w *world) report(t *rapid.T, k *worker, jitter float64) {
	if !k.sent {
		return
	}
	before := w.row
	defer func() {
		if k.ticket.Lease != before.Leases && w.row != before {
			t.Fatalf("the result of lease %d changed a row with %d leases", k.ticket.Lease, before.Leases)
		}
	}()
	if k.verdict == nil {
		w.row = w.row.Succeed(k.ticket, w.now, policy, google(k.account))
		return
	}
	w.row = w.row.Fail(k.ticket, w.now, policy, *k.verdict, jitter)
	if w.row != before && k.verdict.Outcome == password.Deferred {
		w.counted[k.ticket.Version]--
	}
}

func (w *world) check(t *rapid.T) {
	v := w.row.Version
	if w.counted[v] > policy.MaxAttempts || w.row.State != password.Active && w.row.Attempts != w.counted[v] {
		t.Fatalf("%q: %d attempts were made, of %d", short(w.row), w.counted[v], policy.MaxAttempts)
	}
	if w.offers[v] > policy.MaxAttempts {
		t.Fatalf("%q: Google answered %d offers, the maximum is %d", short(w.row), w.offers[v], policy.MaxAttempts)
	}
	if w.row.State == password.Active && w.held != v {
		t.Fatalf("%q, and Google holds version %d", short(w.row), w.held)
	}
	if w.row.State == password.Failed && w.row.Reason == "" {
		t.Fatalf("%q: failed without a reason", short(w.row))
	}
	if w.row.Accepted > w.held {
		t.Fatalf("%q: accepted version %d, and Google holds %d", short(w.row), w.row.Accepted, w.held)
	}
}

// TestLedger_W2_W3_W4_WhateverHappens: with crashes, duplicates, delays and lost
// results, attempts never exceed the maximum, a version is one password, an older
// password never takes the place of a newer one at Google, and once Google and the
// sweep work, nobody is stuck.
func TestLedger_W2_W3_W4_WhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := &world{row: none(), now: noon, asked: noon, texts: map[int]string{}, counted: map[int]int{}, offers: map[int]int{}, account: 1}
		jitter := rapid.Float64Range(0, 1)
		pick := func() *worker {
			if len(w.workers) == 0 {
				return &worker{}
			}
			return w.workers[rapid.IntRange(0, len(w.workers)-1).Draw(t, "worker")]
		}
		whens := rapid.SampledFrom([]password.When{password.AtOnce, password.AtCheckIn})
		steps := rapid.SampledFrom([]time.Duration{time.Second, 50 * time.Second, time.Minute, 2 * time.Minute, time.Hour, 24 * time.Hour})
		answers := rapid.SampledFrom([]*password.Verdict{nil, nil, &deferred, &counted, &permanent, &unknown})
		actions := map[string]func(){
			"nothing": func() {},
			"time":    func() { w.now = w.now.Add(steps.Draw(t, "step")) },
			"until due": func() {
				if due := w.row.Due(); due.After(w.now) {
					w.now = due
				}
			},
			"check in": func() { w.row = w.row.Want(w.now, fresh(w.row)) },
			"lease":    w.lease,
			"send":     func() { w.send(t, pick()) },
			"report":   func() { w.report(t, pick(), jitter.Draw(t, "jitter")) },
			"abandon":  func() { w.abandon(pick()) },
			"arrive":   func() { w.arrive(t) },
			"crash": func() {
				dead := pick()
				w.workers = slices.DeleteFunc(w.workers, func(k *worker) bool { return k == dead })
			},
			"renew": func() {
				w.now = w.now.Add(time.Second)
				w.asked = w.now
				w.row = w.row.Renew(w.now, w.asked, fresh(w.row), whens.Draw(t, "when"))
			},
			"renew again": func() {
				before := w.row
				w.row = w.row.Renew(w.now, w.asked, fresh(w.row), whens.Draw(t, "when"))
				if !before.Begun.Before(w.asked) && w.row != before {
					t.Fatalf("a renewal that came again made version %d of %d", w.row.Version, before.Version)
				}
			},
			"rotate": func() { w.row = w.row.Rotate(w.now, fresh(w.row)) },
			"appear": func() {
				before := w.row
				if w.row = w.row.Appeared(w.now, google(w.account)); w.row != before && before.State == password.Failed {
					w.counted[w.row.Version], w.offers[w.row.Version] = 0, 0
				}
			},
			"another account": func() {
				before := w.row
				w.account, w.held = w.account+1, 0
				w.row = w.row.Appeared(w.now, google(w.account))
				if w.row.Attempts < before.Attempts || before.State == password.Active {
					w.counted[w.row.Version], w.offers[w.row.Version] = 0, 0
				}
			},
			"return": func() {
				before := w.row
				if w.row = w.row.Returned(w.now); w.row != before {
					w.counted[w.row.Version], w.offers[w.row.Version] = 0, 0
				}
			},
			"away": func() {
				if k := pick(); !k.sent {
					w.row = w.row.Away(k.ticket, w.now)
				}
			},
			"replan":   func() { w.row, _ = w.row.Replan(w.now, policy) },
			"postpone": func() { w.row = w.row.Postpone(w.now, w.now.Add(time.Minute)) },
			"hand out": func() { w.row = w.row.HandOut(w.now, w.now.Add(password.TurnTime)) },
			"google":   func() { w.verdict = answers.Draw(t, "answer") },
		}
		// What a worker does comes more often than what ends a version.
		names := []string{"nothing", "until due", "until due", "lease", "lease", "lease", "send", "send", "send", "abandon", "report", "report", "check in"}
		names = append(names, slices.Sorted(maps.Keys(actions))...)
		for range 120 {
			actions[rapid.SampledFrom(names).Draw(t, "action")]()
			w.check(t)
		}

		w.verdict = nil
		for range policy.MaxAttempts + 2 {
			if w.row.Waiting() {
				w.row = w.row.Want(w.now, password.Fresh{})
			}
			due := w.row.Due()
			if due.IsZero() || w.row.State == password.Active {
				break
			}
			if due.After(w.now) {
				w.now = due
			}
			alive := len(w.workers)
			w.lease()
			for _, k := range w.workers[alive:] {
				w.send(t, k)
				w.report(t, k, 0.5)
			}
			w.check(t)
		}
		switch w.row.State {
		case password.None, password.Active, password.Failed:
		default:
			t.Fatalf("Google and the sweep work, and the person is stuck in %q", short(w.row))
		}
	})
}

// TestFleet_W3_AnHourWithoutGoogleFailsNobody: ten thousand people who are due when
// an outage begins are all accepted soon after it ends, and come back within the
// 2,400 calls a minute that Google's quota allows.
func TestFleet_W3_AnHourWithoutGoogleFailsNobody(t *testing.T) {
	t.Parallel()
	const people, quota = 10_000, 2400
	end := at(time.Hour)
	random := rand.New(rand.NewPCG(1, 2))
	calls, during := map[int]int{}, 0
	var last time.Time
	for range people { // each for themselves, for nothing that they do is shared
		l := pending()
		for l.State != password.Active {
			now := l.Due()
			next, ticket, ok := l.Lease(now, policy)
			if !ok {
				t.Fatalf("nothing to lease in %q", short(l))
			}
			if now.Before(end) {
				during++
				if l = next.Fail(ticket, now, policy, deferred, random.Float64()); l.State != password.Retry {
					t.Fatalf("after %v of an outage a person is %q", now.Sub(noon), short(l))
				}
				continue
			}
			calls[int(now.Sub(end)/time.Minute)]++
			last = later(last, now)
			l = next.Succeed(ticket, now, policy, "g")
		}
	}
	busiest := 0
	for _, n := range calls {
		busiest = max(busiest, n)
	}
	if busiest > quota || last.Sub(end) > 16*time.Minute {
		t.Errorf("the busiest minute after the outage has %d calls, the last is %v after it; want at most %d, 16m", busiest, last.Sub(end), quota)
	}
	t.Logf("%.1f calls a person during the outage; the busiest minute after it %d, all done after %v", float64(during)/people, busiest, last.Sub(end))
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
