package passwordsweep_test

import (
	"context"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/dispatch"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// What the Directory API gives one enterprise: the calls a second that Rollcall makes
// at most, and Google's own bound in a minute.
const (
	directoryRate = 38
	quota         = 2400
)

// outage is what an hour without Google does to people who are all due when it
// begins.
type outage struct {
	during, afterwards int // calls
	busiest            int // calls in one minute
	recovered          int // minutes until everybody had a password
	due, reads, writes int // of the sweeps
	sweeps             int
}

// hourWithoutGoogle simulates the outage for a crowd and a share of the quota that is
// scaled with it: of 1 for 10,000 people.
func hourWithoutGoogle(t testing.TB, people int) (o outage) {
	t.Helper()
	scale := float64(people) / 10_000
	b := newBench(t, dispatch.Share*directoryRate*scale, nil)
	b.people(ent, people, nil)
	down := true
	b.google.answer = func(string, int) error {
		if down {
			return backend()
		}
		return nil
	}
	for minute := 0; len(b.google.has) < people; minute++ {
		if minute == 60 {
			o.during, down = b.google.calls, false
			failed, _, err := b.db.Passwords(context.Background(), ent, password.Failed, record.Page{})
			if err != nil || len(failed) > 0 {
				t.Fatalf("after the hour %d are failed, %v", len(failed), err)
			}
		}
		sum, ops := b.sweep()
		o.sweeps++
		o.due += sum.Due
		o.reads += int(ops.Reads.Load())
		o.writes += int(ops.Writes.Load())
		b.deliver(context.Background())
		o.busiest = max(o.busiest, b.google.minutes[minute])
		o.recovered = minute - 59
		if minute > 200 {
			t.Fatalf("after 200 minutes %d of %d people have a password", len(b.google.has), people)
		}
		b.pass(time.Minute)
	}
	o.afterwards = b.google.calls - o.during
	for i := range people {
		l := b.row(ent, i)
		if sent := b.google.offered["g-"+l.Person]; l.State != password.Active || l.Version != 1 || len(sent) != 1 {
			t.Errorf("%s: version %d, %d passwords at Google", l.State, l.Version, len(sent))
		}
	}
	if most := int(quota * scale); o.busiest > most {
		t.Errorf("%d calls in a minute, and Google allows %d", o.busiest, most)
	}
	if o.afterwards != people {
		t.Errorf("%d calls to bring %d people back", o.afterwards, people)
	}
	// Each time that a row becomes due it is read once, and once more where it has to
	// wait for its place.
	if most := 2*(o.during+o.afterwards) + people; o.due > most {
		t.Errorf("the sweeps found %d rows due for %d pushes, want at most %d", o.due, o.during+o.afterwards, most)
	}
	if most := 2*o.due + o.sweeps*(password.DueShards+10); o.reads > most {
		t.Errorf("%d reads to find %d due rows in %d sweeps, want at most %d", o.reads, o.due, o.sweeps, most)
	}
	return o
}

// TestSweep_W3_AnHourWithoutGoogle: nobody is given up, no minute has more calls than
// Google allows, the recovery needs one call a person, and the sweeps read in
// proportion to what is due. BenchmarkHourWithoutGoogle does the same for 10,000.
func TestSweep_W3_AnHourWithoutGoogle(t *testing.T) {
	t.Parallel()
	o := hourWithoutGoogle(t, 80)
	if o.recovered > 30 {
		t.Errorf("the recovery took %d minutes", o.recovered)
	}
	t.Logf("%+v", o)
}
