package checkin_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// TestCheckIn_C4_Costs holds the store operations of each kind of check-in.
func TestCheckIn_C4_Costs(t *testing.T) {
	t.Parallel()
	p := newBench(t).phone()
	at := func(d time.Duration) { p.now = noon.Add(d) }

	at(time.Second)
	p.report(protocol.CheckInRequest{})
	p.wantOps("the first after enrolment", 1, 0)

	p.asked()
	p.report(p.done())
	p.wantOps("with an answer: twice the device, the account; device, account and trail", 3, 3)

	steady := protocol.CheckInRequest{Accounts: holding(protocol.AccountReady)}
	for d := 2 * time.Second; d < 15*time.Minute; d += 2 * time.Minute {
		at(d)
		p.report(steady)
		p.wantOps("nothing changed", 1, 0)
	}

	at(15*time.Minute + time.Second)
	p.report(steady)
	p.wantOps("last seen a quarter of an hour ago: twice the device, the enterprise; the device", 3, 1)
	at(30 * time.Minute)
	p.report(steady)
	p.wantOps("last seen less than a quarter of an hour ago", 1, 0)

	steady.AndroidID = "3f2a"
	p.report(steady)
	p.wantOps("the Android ID alone is news", 1, 0)
}

// TestCheckIn_C4_CostsOfMail holds what mail settings add; see Desk.Handler.
func TestCheckIn_C4_CostsOfMail(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sales(), voice())
	h := o.handset()
	at := func(d time.Duration) { h.now = noon.Add(d) }

	// Enterprise and person of the push are read with it, and its policy and
	// configuration once in half a minute.
	all := h.checkIn()
	h.wantOps("the first, with a push: device, book, person, password; wanted: password, policy, password and its write; "+
		"pushed: policy, configuration, password and person, its write, password and policy, its write and the trail; device and its write", 14, 5)
	h.checkIn(did(all)...)
	h.wantOps("answered: twice the device, its write and two lines of the trail", 2, 3)
	for d := time.Minute; d < 15*time.Minute; d += 2 * time.Minute {
		at(d)
		h.checkIn()
		h.wantOps("nothing changed", 1, 0)
	}
	at(15*time.Minute + time.Second)
	h.checkIn()
	h.wantOps("a quarter of an hour: twice the device, enterprise, book, person, password; the device", 6, 1)

	o.set(voice())
	at(31 * time.Minute)
	gone := h.checkIn()
	h.wantOps("a quarter of an hour, no password needed: twice the device, enterprise, book, person; the device", 5, 1)
	h.checkIn(did(gone)...)
	at(47 * time.Minute)
	o.set()
	h.checkIn(did(h.checkIn())...)
	at(63 * time.Minute)
	h.checkIn()
	h.wantOps("a quarter of an hour, an empty book: twice the device, enterprise, book; the device", 4, 1)

	second := o.handset()
	o.set(sales())
	second.checkIn()
	second.wantOps("another device of the person: twice the device, book, person, password; the device", 5, 1)
	second.change(func(d *device.Device) { d.State = device.Retired })
	second.checkIn()
	second.wantOps("retired: twice the device; the device", 2, 1)
}

// TestCheckIn_C6_NextCheckIn: within ten per cent of the policy's interval, or of a
// minute where there is something to do, and spread over the whole of that.
func TestCheckIn_C6_NextCheckIn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name             string
		policy           int
		pending          bool
		least, mid, most int
	}{
		{"steady", 14400, false, 12960, 14400, 15839},
		{"something to do", 14400, true, 54, 60, 65},
		{"something to do, and the interval is shorter still", 50, true, 45, 50, 54},
		{"never less than a second", 1, false, 1, 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newBench(t).phone()
			p.asked()
			report := protocol.CheckInRequest{}
			if !tc.pending {
				report.Accounts = holding(protocol.AccountReady)
				p.report(p.done())
			}
			row := p.row()
			row.CheckInSeconds = tc.policy
			p.put(func(tx *record.Tx) error { return tx.PutDevice(row) })
			got := []int{}
			for _, p.random = range []float64{0, 0.5, 0.99999} {
				got = append(got, p.report(report).NextCheckInSeconds)
			}
			if want := []int{tc.least, tc.mid, tc.most}; fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("next check-in in %v s, want %v", got, want)
			}
		})
	}
}

// TestCheckIn_PolicyReachesTheDevice: with the write that last-seen costs anyway,
// so within a quarter of an hour of check-ins.
func TestCheckIn_PolicyReachesTheDevice(t *testing.T) {
	t.Parallel()
	p := newBench(t).phone()
	p.asked()
	p.report(p.done())
	p.put(func(tx *record.Tx) error {
		e, err := tx.Enterprise("acme")
		if err != nil {
			return err
		}
		e.Policy.CheckInSeconds = 600
		return tx.PutEnterprise(e)
	})
	steady := protocol.CheckInRequest{Accounts: holding(protocol.AccountReady)}
	for _, tc := range []struct {
		after time.Duration
		want  int
	}{{time.Minute, 14400}, {15 * time.Minute, 600}, {16 * time.Minute, 600}} {
		p.now = noon.Add(tc.after)
		if got := p.report(steady).NextCheckInSeconds; got != tc.want {
			t.Errorf("after %v: next check-in in %d s, want %d", tc.after, got, tc.want)
		}
	}
}
