package checkin_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// TestCheckIn_M_ReplyIsBounded: in number and in bytes, and all settings arrive.
func TestCheckIn_M_ReplyIsBounded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		settings int
		text     string // the value of each of 50 keys
		settles  []int  // how many settings each check-in brings
		removals []int
	}{
		{"small", 25, "x", []int{10, 10, 5}, []int{20, 5}},
		{"large", 5, strings.Repeat("x", 350), []int{2, 2, 1}, []int{5, 0}},
		{"too large", 2, strings.Repeat("x", 500) + "$USERID$", []int{0}, []int{0, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var settings []mail.Setting
			for i := range tc.settings {
				m := mail.Managed{App: mail.Generic, Package: "com.example.mail", Extra: map[string]string{}}
				for k := range 50 {
					m.Extra[fmt.Sprintf("key_%d", k)] = tc.text
				}
				settings = append(settings, with(mail.NewIMAP(), fmt.Sprintf("s%02d", i), []func(*mail.Setting){func(s *mail.Setting) { s.Managed = &m }}))
			}
			o := newOffice(t, settings...)
			h := o.handset()
			var got []int
			var outcomes []protocol.Outcome
			for range tc.settles {
				w := h.send(h.proved(protocol.CheckInRequest{Outcomes: outcomes}, deskURL))
				if w.Body.Len() > 42<<10 {
					t.Errorf("a reply of %d bytes", w.Body.Len())
				}
				all := h.read(replyOf(t, w))
				got, outcomes = append(got, len(all)), did(all)
			}
			if diff := cmp.Diff(tc.settles, got); diff != "" {
				t.Errorf("settings in each reply (-want +got):\n%s", diff)
			}
			if more := h.checkIn(outcomes...); len(more) != 0 || h.row().Mail.Open() {
				t.Errorf("in the end it is told %v", list(more))
			}
			h.change(func(d *device.Device) { d.State = device.Retired })
			first := h.checkIn()
			second := h.checkIn(did(first)...)
			if diff := cmp.Diff(tc.removals, []int{len(first), len(second)}); diff != "" {
				t.Errorf("settings withdrawn (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCheckIn_M_ASettingThatIsNeverAnsweredHoldsUpNone: what was never sent goes
// before what is sent again.
func TestCheckIn_M_ASettingThatIsNeverAnsweredHoldsUpNone(t *testing.T) {
	t.Parallel()
	var settings []mail.Setting
	for i := range 12 {
		settings = append(settings, with(mail.NewIMAP(), fmt.Sprintf("s%02d", i), nil))
	}
	h := newOffice(t, settings...).handset()
	h.checkIn()
	second := h.checkIn()
	if len(second) != 10 || !strings.Contains(fmt.Sprint(list(second)), "s10") || !strings.Contains(fmt.Sprint(list(second)), "s11") {
		t.Errorf("told %v, want the two that were not told before among ten", list(second))
	}
}
