package checkin_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// TestCheckIn_M_ADeviceThatAlwaysHasNews gets and loses settings as soon as any other:
// what it reports does not put off the look at its settings.
func TestCheckIn_M_ADeviceThatAlwaysHasNews(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	h := o.handset()
	h.checkIn()
	// news reports for half an hour, each time other accounts than before, until the
	// device is told something about settings.
	news := func(outcomes ...protocol.Outcome) (all []told) {
		t.Helper()
		for i := 0; i < 30 && len(all) == 0; i++ {
			o.now = o.now.Add(time.Minute)
			all = h.read(h.report(protocol.CheckInRequest{Outcomes: outcomes, Accounts: []protocol.Account{
				{Name: fmt.Sprintf("account-%d", o.now.Unix()), State: protocol.AccountReady},
			}}))
			all = slices.DeleteFunc(all, func(x told) bool { return x.Setting == "" })
			outcomes = nil
		}
		return all
	}
	o.set(voice())
	got := news()
	if diff := cmp.Diff([]string{"applySetting voice"}, list(got)); diff != "" {
		t.Fatalf("told of a new setting (-want +got):\n%s", diff)
	}
	o.set(voice(func(s *mail.Setting) { s.Version++ }))
	if got = news(did(got)...); len(got) != 1 {
		t.Errorf("told %v of a changed setting", list(got))
	}
	o.set()
	if diff := cmp.Diff([]string{"removeSetting voice"}, list(news(did(got)...))); diff != "" {
		t.Errorf("told of a setting that is gone (-want +got):\n%s", diff)
	}
}

// TestCheckIn_M_AClockThatWasAhead keeps no device from its settings.
func TestCheckIn_M_AClockThatWasAhead(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	h := o.handset()
	h.checkIn()
	h.change(func(d *device.Device) { d.LastSeen = o.now.AddDate(1, 0, 0) })
	o.set(voice())
	if diff := cmp.Diff([]string{"applySetting voice"}, list(h.checkIn())); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
