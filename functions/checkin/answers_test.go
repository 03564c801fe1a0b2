package checkin_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// TestCheckIn_M_Answers: what a device says of settings, in time, late and never.
func TestCheckIn_M_Answers(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) (*office, *handset, []told) {
		t.Parallel()
		o := newOffice(t, sales(), voice())
		h := o.handset()
		return o, h, h.checkIn()
	}
	t.Run("a failure waits for another content", func(t *testing.T) {
		o, h, all := start(t)
		if more := h.checkIn(cannot(all)...); len(more) != 0 {
			t.Fatalf("told %v at once after it failed", list(more))
		}
		o.now = o.now.Add(time.Hour)
		if more := h.checkIn(); len(more) != 0 {
			t.Errorf("told %v although nothing changed", list(more))
		}
		o.set(sales(), voice(func(s *mail.Setting) { s.Version++ }))
		o.now = o.now.Add(time.Hour)
		more := h.checkIn()
		if diff := cmp.Diff([]string{"applySetting voice"}, list(more)); diff != "" || more[0].ID == all[1].ID {
			t.Errorf("told of the newer version (-want +got):\n%s", diff)
		}
		h.change(func(d *device.Device) { d.Mail.Held, d.Mail.Due = mail.Forget(d.Mail.Held, "sales"), true })
		if diff := cmp.Diff([]string{"applySetting sales", "applySetting voice"}, list(h.checkIn())); diff != "" {
			t.Errorf("told after an operator's release (-want +got):\n%s", diff)
		}
		last := h.trail()
		if got := last[len(last)-1]; got.Action != "setting.failed" || got.Result != "NO_CLIENT" {
			t.Errorf("the trail ends with %v", got)
		}
	})
	t.Run("without an answer the same directives cost no write", func(t *testing.T) {
		o, h, all := start(t)
		for range 3 {
			o.now = o.now.Add(time.Minute)
			again := h.checkIn()
			if len(again) != 2 || again[0].ID != all[0].ID || again[1].ID != all[1].ID {
				t.Errorf("told %v, then %v", all, again)
			}
			h.wantOps("device, book, person and password", 4, 0)
		}
	})
	t.Run("renewed between sending and answer", func(t *testing.T) {
		o, h, all := start(t)
		o.renew()
		more := h.checkIn(did(all)...)
		if len(more) != 0 {
			t.Fatalf("told %v", list(more)) // it is noticed with the next look
		}
		o.now = o.now.Add(15 * time.Minute)
		more = h.checkIn()
		if len(more) != 1 || more[0].Setting != "sales" || more[0].ID == all[0].ID || more[0].Mail.Account.PasswordVersion != 2 {
			t.Fatalf("told %v, want sales with the second password", list(more))
		}
		h.checkIn(did(all)...)
		if diff := cmp.Diff([]string{"sales sent", "voice applied"}, h.holds()); diff != "" {
			t.Errorf("an answer for the older password was taken for the newer one (-want +got):\n%s", diff)
		}
		h.checkIn(did(more)...)
		if diff := cmp.Diff([]string{"sales applied", "voice applied"}, h.holds()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("renewed before the answer of a device that is looked at", func(t *testing.T) {
		o, h, all := start(t)
		o.renew()
		more := h.checkIn()
		if len(more) != 2 || more[0].Mail.Account.PasswordVersion != 2 || more[0].ID == all[0].ID {
			t.Errorf("told %v, want sales with the second password, and voice again", list(more))
		}
	})
	t.Run("the address changes", func(t *testing.T) {
		o, h, all := start(t)
		h.checkIn(did(all)...)
		o.hire(func(p *person.Person) { p.Google.Mail = "ada.b@g.example" })
		o.now = o.now.Add(15 * time.Minute)
		more := h.checkIn()
		if len(more) != 2 || more[0].Mail.Account.Email != "ada.b@g.example" {
			t.Errorf("told %v, want both with the new address", list(more))
		}
	})
	t.Run("the label comes back before the removal", func(t *testing.T) {
		o, h, all := start(t)
		h.checkIn(did(all)...)
		relabel := func(labels ...string) { h.change(func(d *device.Device) { d.Labels, d.Mail.Due = labels, true }) }
		relabel()
		removals := h.checkIn()
		relabel("field")
		if diff := cmp.Diff([]string{"applySetting sales", "applySetting voice"}, list(h.checkIn(did(removals)...))); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if o.calls != 1 {
			t.Errorf("Google was called %d times", o.calls)
		}
	})
	t.Run("a removal that fails is tried again", func(t *testing.T) {
		_, h, all := start(t)
		h.checkIn(did(all)...)
		h.change(func(d *device.Device) { d.State = device.Retired })
		removals := h.checkIn()
		again := h.checkIn(cannot(removals)...)
		if cmp.Diff(removals, again) != "" || h.row().Mail.Held[0].Reason != "NO_CLIENT" {
			t.Errorf("told %v, and the row says %v", list(again), h.row().Mail.Held)
		}
	})
}
