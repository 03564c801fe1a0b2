package checkin_test

import (
	"github.com/go-json-experiment/json"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/seal"
)

// handset is a device of Ada's without anything to do but for mail.
type handset struct {
	*phone
	o *office
}

func (o *office) handset() *handset {
	o.t.Helper()
	key, err := seal.NewKey(o.opening.Public())
	if err != nil {
		o.t.Fatal(err)
	}
	p := o.phone()
	p.change(func(d *device.Device) {
		d.EncryptionKey, d.Mail.Due, d.Desired.AccountID = key.JSON(), true, ""
	})
	return &handset{p, o}
}

// told is a directive with the setting that the device makes of it.
type told struct {
	protocol.Directive
	Mail protocol.MailSetting
}

// checkIn checks in and reads the directives as a device does, but strictly, and holds
// invariant C5: what leaves with a password has the one that Google accepted last.
func (h *handset) checkIn(outcomes ...protocol.Outcome) []told {
	h.t.Helper()
	return h.read(h.report(protocol.CheckInRequest{Outcomes: outcomes}))
}

func (h *handset) read(reply protocol.CheckInReply) []told {
	h.t.Helper()
	var all []told
	for _, d := range reply.Directives {
		x := told{Directive: d}
		if d.Kind == protocol.ApplySetting {
			raw := d.Content
			if d.Sealed != "" {
				raw = h.opened(d)
			}
			if err := json.Unmarshal(raw, &x.Mail, json.RejectUnknownMembers(true)); err != nil {
				h.t.Fatalf("the agent cannot read %s: %v", d.Setting, err)
			}
			if err := x.Mail.Validate(); err != nil || x.Mail.ID() != d.Setting {
				h.t.Errorf("the content of %s, for %q, has not the protocol's form: %v", d.Setting, x.Mail.ID(), err)
			}
			h.holdC5(x)
		}
		all = append(all, x)
	}
	return all
}

func (h *handset) opened(d protocol.Directive) []byte {
	h.t.Helper()
	plain, err := seal.Open(h.o.opening, d.Sealed)
	if err != nil {
		h.t.Fatal(err)
	}
	var c protocol.SettingClaims
	if err := json.Unmarshal(plain, &c, json.RejectUnknownMembers(true)); err != nil {
		h.t.Fatal(err)
	}
	if c.DeviceID != h.id || c.DirectiveID != d.ID || d.Content != nil {
		h.t.Errorf("sealed for %s and %s, sent as %s to %s", c.DeviceID, c.DirectiveID, d.ID, h.id)
	}
	return c.Content
}

func (h *handset) holdC5(x told) {
	h.t.Helper()
	h.o.mu.Lock()
	defer h.o.mu.Unlock()
	secrets := x.Mail.Secrets()
	if len(secrets) > 0 != (x.Sealed != "") {
		h.t.Errorf("%s with %d secrets is sealed: %v", x.Setting, len(secrets), x.Sealed != "")
	}
	for _, s := range secrets {
		if n := len(h.o.accepted); n == 0 || h.o.accepted[n-1] != s.Reveal() {
			h.t.Errorf("%s left with a password that Google does not have (C5)", x.Setting)
		}
	}
}

// did are the outcomes of an obedient device.
func did(all []told) (os []protocol.Outcome) {
	for _, x := range all {
		os = append(os, protocol.Outcome{DirectiveID: x.ID, Result: protocol.Done})
	}
	return os
}

// cannot are those of one that fails at everything.
func cannot(all []told) (os []protocol.Outcome) {
	for _, x := range all {
		os = append(os, protocol.Outcome{DirectiveID: x.ID, Result: protocol.Failed, Reason: "NO_CLIENT"})
	}
	return os
}

// list is what the device is told, one word for each.
func list(all []told) (words []string) {
	for _, x := range all {
		words = append(words, string(x.Kind)+" "+x.Setting)
	}
	return words
}

// holds is what the row has of the device's settings, one word for each.
func (h *handset) holds() (words []string) {
	h.t.Helper()
	for _, x := range h.row().Mail.Held {
		words = append(words, x.Setting+" "+string(x.Status))
	}
	return words
}
