package checkin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

// attempt checks in, and may get no answer.
func (h *handset) attempt(outcomes []protocol.Outcome) ([]told, bool) {
	h.t.Helper()
	w := h.send(h.proved(protocol.CheckInRequest{Outcomes: outcomes}, deskURL))
	if w.Code != http.StatusOK {
		return nil, false
	}
	return h.read(replyOf(h.t, w)), true
}

// TestCheckIn_C5_WhateverBreaks: every operation of the store and every call to
// Google of a first check-in breaks in turn; nothing leaves that Google has not
// accepted (see handset.holdC5), and an obedient device ends with both settings, by
// one password that was never another.
func TestCheckIn_C5_WhateverBreaks(t *testing.T) {
	t.Parallel()
	arms := map[string]func(*storetest.Faulty, int){
		"not done":       func(f *storetest.Faulty, k int) { f.Fail(k, storetest.Before) },
		"answer lost":    func(f *storetest.Faulty, k int) { f.Fail(k, storetest.After) },
		"process killed": func(f *storetest.Faulty, k int) { f.Crash(k, storetest.After) },
	}
	answers := map[string]func(call int) error{
		"Google is well": func(int) error { return nil },
		"Google is down at first": func(call int) error {
			if call == 1 {
				return transient()
			}
			return nil
		},
	}
	for arming, arm := range arms {
		for answering, answer := range answers {
			t.Run(arming+", "+answering, func(t *testing.T) {
				t.Parallel()
				for k, fired := 1, true; fired; k++ {
					o := newOffice(t, sales(), voice())
					o.answer = func(context.Context) error { return answer(o.calls) }
					h := o.handset()
					arm(o.faulty, k)
					all, _ := h.attempt(nil)
					fired = o.faulty.Fired()
					o.faulty.Fail(0, storetest.Before)
					h.settles(fmt.Sprintf("operation %d", k), all)
				}
			})
		}
	}
}

// settles lets the device do what it is told until there is nothing left.
func (h *handset) settles(what string, all []told) {
	h.t.Helper()
	done := map[string]bool{}
	for range 20 {
		for _, x := range all {
			done[x.Setting] = true
		}
		var ok bool
		if all, ok = h.attempt(did(all)); !ok {
			h.t.Fatalf("%s: no answer although everything is well", what)
		}
		if len(all) == 0 && len(done) == 2 {
			break
		}
		h.now = h.now.Add(time.Minute)
		if l := h.o.ledger(); !l.Usable() && !l.Due().IsZero() && l.Due().After(h.now) {
			h.now = l.Due()
		}
	}
	l := h.o.ledger()
	if diff := cmp.Diff([]string{"sales applied", "voice applied"}, h.holds()); diff != "" || l.State != password.Active {
		h.t.Errorf("%s: the row is %s, and the device (-want +got):\n%s", what, l.State, diff)
	}
	passwords := slices.Compact(slices.Sorted(slices.Values(h.o.offered)))
	if l.Version != 1 || len(passwords) != 1 || h.o.calls > 4 {
		h.t.Errorf("%s: version %d, %d passwords in %d calls", what, l.Version, len(passwords), h.o.calls)
	}
}

// TestCheckIn_E3_ThePasswordIsInTheJWEAlone: neither a row nor a log nor the trail nor
// a reply holds it, through delivery, renewal, failure and withdrawal.
func TestCheckIn_E3_ThePasswordIsInTheJWEAlone(t *testing.T) {
	t.Parallel()
	m := mail.Managed{App: mail.Generic, Package: "com.example.mail", Extra: map[string]string{"own": "$GOOGLE_AUTOGEN_PASSWORD$"}}
	app := sales(func(s *mail.Setting) { s.ID, s.Managed = "app", &m })
	o := newOffice(t, sales(), app)
	h := o.handset()
	var replies strings.Builder
	in := func(outcomes ...protocol.Outcome) []told {
		w := h.send(h.proved(protocol.CheckInRequest{Outcomes: outcomes}, deskURL))
		replies.WriteString(w.Body.String())
		return h.read(replyOf(t, w))
	}
	opened := 0
	for _, x := range in() {
		opened += len(x.Mail.Secrets())
	}
	o.answer = func(context.Context) error { return transient() }
	o.renew()
	in(cannot(in())...)
	o.answer = nil
	o.sweep()
	o.now = o.now.Add(time.Hour)
	in(did(in())...)
	h.change(func(d *device.Device) { d.State = device.Retired })
	in(did(in())...)

	if opened != 3 || o.ledger().Version != 2 || len(slices.Compact(slices.Clone(o.offered))) != 2 {
		t.Fatalf("%d secrets were opened, of version %d; this test proves nothing", opened, o.ledger().Version)
	}
	everything := map[string]string{"a log": o.log.String(), "a reply": replies.String()}
	for key, body := range o.documents() {
		everything[fmt.Sprint(key)] = body
	}
	for _, clear := range o.offered {
		escaped, err := json.Marshal(clear)
		if err != nil {
			t.Fatal(err)
		}
		quoted, err := jsontext.AppendQuote(nil, clear)
		if err != nil {
			t.Fatal(err)
		}
		for where, text := range everything {
			for _, form := range []string{clear, string(escaped[1 : len(escaped)-1]), string(quoted[1 : len(quoted)-1])} {
				if strings.Contains(text, form) {
					t.Errorf("%s holds the password in clear", where)
				}
			}
		}
	}
}
