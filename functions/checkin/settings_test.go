package checkin_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/functions/checkin"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// TestCheckIn_M_SettingsReachTheDevice: with the first check-in, in a form that the
// agent reads, once, and the trail tells what became of them.
func TestCheckIn_M_SettingsReachTheDevice(t *testing.T) {
	t.Parallel()
	managed := func(id string, s mail.Setting, m mail.Managed) mail.Setting {
		s.ID, s.Name, s.Managed = id, id, &m
		return s
	}
	generic := mail.Managed{App: mail.Generic, Package: "com.example.mail", Extra: map[string]string{"own_key": "$GOOGLE_AUTOGEN_PASSWORD$"}}
	o := newOffice(t, sales(), voice(),
		managed("gmail", sales(), mail.Managed{App: mail.Gmail}),
		managed("app", sales(), generic),
		with(mail.NewExchange(), "desk", []func(*mail.Setting){func(s *mail.Setting) {
			s.SignIn, s.UserName, s.Password, s.Exchange.Server = mail.Password, `corp\$USERID$_US`, "$PASSWORD$", "mail.corp.example"
		}}))
	h := o.handset()
	all := h.checkIn()
	want := []string{"applySetting app", "applySetting desk", "applySetting gmail", "applySetting sales", "applySetting voice"}
	if diff := cmp.Diff(want, list(all)); diff != "" {
		t.Fatalf("told (-want +got):\n%s", diff)
	}
	for _, x := range all {
		switch x.Setting {
		case "sales":
			if a := x.Mail.Account; a.Email != "ada@g.example" || a.PasswordVersion != 1 || len(x.Mail.Secrets()) != 1 {
				t.Errorf("sales is for %s with password %d and %d secrets", a.Email, a.PasswordVersion, len(x.Mail.Secrets()))
			}
		case "desk":
			if a := x.Mail.Account; a.UserName != `corp\ada_US` || a.Email != "ada@corp.example" || !a.AskPassword {
				t.Errorf("desk is for %s at %s", a.UserName, a.Email)
			}
		case "app":
			if n := len(x.Mail.Secrets()); n != 2 {
				t.Errorf("the app gets %d secrets, want the one of its own and the admin's", n)
			}
		case "gmail":
			if x.Mail.Managed.PasswordVersion != 1 || x.Sealed != "" {
				t.Error("Gmail takes no password, and its setting goes with the accepted version all the same")
			}
		}
	}
	if again := h.checkIn(did(all)...); len(again) != 0 {
		t.Errorf("a device that did everything is told %v", list(again))
	}
	if diff := cmp.Diff([]string{"app applied", "desk applied", "gmail applied", "sales applied", "voice applied"}, h.holds()); diff != "" {
		t.Errorf("the row says (-want +got):\n%s", diff)
	}
	records, _, err := h.db.Audit(t.Context(), "acme", time.Time{}, record.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	applied := 0
	for _, r := range records {
		if r.Action == "setting.applied" && r.Target == "device:"+h.id && strings.HasPrefix(r.Detail, "setting:") {
			applied++
		}
	}
	if applied != 5 {
		t.Errorf("the trail has %d settings applied, want 5", applied)
	}
	if o.calls != 1 || o.ledger().Attempts != 0 {
		t.Errorf("Google was called %d times", o.calls)
	}
}

// TestCheckIn_M_Order: what goes before what comes, and mail before the account.
func TestCheckIn_M_Order(t *testing.T) {
	t.Parallel()
	o := newOffice(t, voice())
	h := o.handset()
	h.checkIn(did(h.checkIn())...)
	o.set(sales())
	h.change(func(d *device.Device) { d.Desired.AccountID, d.Mail.Due = "a", true })
	reply := h.report(protocol.CheckInRequest{Accounts: []protocol.Account{{Name: "foreign", State: protocol.AccountReady}}})
	want := []string{"removeSetting voice", "removeAccount ", "applySetting sales", "addAccount "}
	if diff := cmp.Diff(want, list(h.read(reply))); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// TestCheckIn_M_Withdrawal: whatever takes the right to a setting away takes the
// setting away, before long and once.
func TestCheckIn_M_Withdrawal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		do    func(*office, *handset)
		after time.Duration // until a check-in sees it
		left  []string
	}{
		{"a label goes", func(_ *office, h *handset) {
			h.change(func(d *device.Device) { d.Labels, d.Mail.Due = nil, true })
		}, 0, nil},
		{"the person's label stays", func(o *office, h *handset) {
			o.hire(func(p *person.Person) { p.Labels = []string{"field"} })
			h.change(func(d *device.Device) { d.Labels, d.Mail.Due = nil, true })
		}, 0, []string{"sales applied", "voice applied"}},
		{"a setting is removed", func(o *office, _ *handset) { o.set(sales()) }, 15 * time.Minute, []string{"sales applied"}},
		{"all are removed", func(o *office, _ *handset) { o.set() }, 15 * time.Minute, nil},
		{"the setting loses its label", func(o *office, _ *handset) {
			o.set(sales(func(s *mail.Setting) { s.Labels = []string{"office"} }), voice())
		}, 15 * time.Minute, []string{"voice applied"}},
		{"the person is barred", func(_ *office, h *handset) {
			h.change(func(d *device.Device) { d.Desired.Bar(device.PersonLeft) })
		}, 0, nil},
		{"the person left, and the device is not barred yet", func(o *office, _ *handset) {
			o.hire(func(p *person.Person) { p.State = person.Leaving })
		}, 15 * time.Minute, nil},
		{"revoked", func(_ *office, h *handset) { h.change(func(d *device.Device) { d.Desired.Withdraw(device.Revoked) }) }, 0, nil},
		{"retired", func(_ *office, h *handset) { h.change(func(d *device.Device) { d.State = device.Retired }) }, 0, nil},
		{"trouble with the Play account takes no mail", func(_ *office, h *handset) {
			h.change(func(d *device.Device) { d.Desired.Withdraw(device.AccountGone) })
		}, 15 * time.Minute, []string{"sales applied", "voice applied"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, sales(), voice())
			h := o.handset()
			h.checkIn(did(h.checkIn())...)
			tc.do(o, h)
			o.now = o.now.Add(tc.after)
			removals := h.checkIn()
			if len(removals) != 2-len(tc.left) {
				t.Errorf("told %v", list(removals))
			}
			for _, x := range removals {
				if x.Kind != protocol.RemoveSetting {
					t.Errorf("told %v", list(removals))
				}
			}
			if again := h.checkIn(); cmp.Diff(removals, again) != "" {
				t.Errorf("without an answer the directives change: %v, %v", removals, again)
			}
			if more := h.checkIn(did(removals)...); len(more) != 0 {
				t.Errorf("a device that removed everything is told %v", list(more))
			}
			if diff := cmp.Diff(tc.left, h.holds()); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
			removed := 0
			for _, l := range h.trail() {
				if l.Action == "setting.removed" && l.Target == "device:"+h.id {
					removed++
				}
			}
			if removed != len(removals) {
				t.Errorf("the trail has %d removals, want %d", removed, len(removals))
			}
		})
	}
}

// TestCheckIn_M_ChangedSinceTheLook: what an operator does to a device between the
// look and the transaction counts, and the device comes back to it soon.
func TestCheckIn_M_ChangedSinceTheLook(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		before func(*device.Device)
		since  func(*device.Device)
		next   []string
	}{
		{"revoked", nil, func(d *device.Device) { d.Desired.Withdraw(device.Revoked) }, nil},
		{"without labels", nil, func(d *device.Device) { d.Labels = nil }, nil},
		{"released", func(d *device.Device) { d.Desired.Withdraw(device.Revoked) }, func(d *device.Device) { d.Desired.Release() }, []string{"applySetting voice"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, voice())
			h := o.handset()
			if tc.before != nil {
				h.change(tc.before)
			}
			once := sync.OnceFunc(func() { h.change(tc.since) })
			update := o.desk.Update
			o.desk.Update = func(ctx context.Context, fn func(checkin.Rows) error) error { once(); return update(ctx, fn) }
			reply := h.report(protocol.CheckInRequest{})
			if len(reply.Directives) != 0 || reply.NextCheckInSeconds != 60 {
				t.Errorf("told %v, back in %d s", reply.Directives, reply.NextCheckInSeconds)
			}
			if diff := cmp.Diff(tc.next, list(h.checkIn())); diff != "" {
				t.Errorf("told next (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCheckIn_M_PersonChangedSinceTheLook: where the row says since the look that the
// settings are to be looked at, it goes on saying so.
func TestCheckIn_M_PersonChangedSinceTheLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t, voice(func(s *mail.Setting) { s.Labels = []string{"trial"} }))
	o.hire(func(p *person.Person) { p.Labels = []string{"trial"} })
	h := o.handset()
	h.checkIn(did(h.checkIn())...)
	once := sync.OnceFunc(func() {
		o.hire(func(p *person.Person) { p.Labels = nil })
		h.change(func(d *device.Device) { d.Mail.Due = true }) // as the workflow does
	})
	update := o.desk.Update
	o.desk.Update = func(ctx context.Context, fn func(checkin.Rows) error) error { once(); return update(ctx, fn) }
	o.now = o.now.Add(15 * time.Minute)
	if reply := h.report(protocol.CheckInRequest{}); len(reply.Directives) != 0 || reply.NextCheckInSeconds != 60 {
		t.Errorf("told %v, back in %d s", reply.Directives, reply.NextCheckInSeconds)
	}
	o.now = o.now.Add(time.Minute)
	if diff := cmp.Diff([]string{"removeSetting voice"}, list(h.checkIn())); diff != "" {
		t.Errorf("told next (-want +got):\n%s", diff)
	}
}

// TestCheckIn_M_NoSuchPerson: settings that need nothing of a person are sent, the
// others are not, and nothing is asked of Google.
func TestCheckIn_M_NoSuchPerson(t *testing.T) {
	t.Parallel()
	shared := voice(func(s *mail.Setting) { s.Email, s.UserName = "front-desk@corp.example", "front-desk" })
	for name, prepare := range map[string]func(*office, *handset){
		"without a row": func(o *office, h *handset) {
			h.change(func(d *device.Device) { d.Subject.ID = "somebody-else" })
		},
		"without a person": func(o *office, h *handset) {
			h.change(func(d *device.Device) { d.Subject.Kind, d.Subject.ID = "device", d.ID })
		},
		"without values": func(o *office, h *handset) {
			o.hire(func(p *person.Person) { p.Entry, p.Google.Mail = person.Entry{}, "" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, sales(), shared, with(mail.NewIMAP(), "own", nil))
			h := o.handset()
			prepare(o, h)
			all := h.checkIn()
			if diff := cmp.Diff([]string{"applySetting voice"}, list(all)); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			reply := h.report(protocol.CheckInRequest{Outcomes: did(all)})
			if len(reply.Directives) != 0 || reply.NextCheckInSeconds != 14400 || h.row().Mail.Due || o.calls != 0 {
				t.Errorf("told %v, back in %d s, due %v, %d calls", reply.Directives, reply.NextCheckInSeconds, h.row().Mail.Due, o.calls)
			}
		})
	}
}
