package functions_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// order is that in which a reply has its directives.
var order = []protocol.DirectiveKind{protocol.RemoveSetting, protocol.RemoveAccount, protocol.ApplySetting, protocol.AddAccount}

// wantOrder fails if the directives are in another order than the document says.
func wantOrder(t testing.TB, ds []protocol.Directive) {
	t.Helper()
	if !slices.IsSortedFunc(ds, func(a, b protocol.Directive) int {
		return slices.Index(order, a.Kind) - slices.Index(order, b.Kind)
	}) {
		t.Errorf("directives in another order than %v: %+v", order, ds)
	}
}

func done(d protocol.Directive) map[string]any {
	return map[string]any{"directiveId": d.ID, "result": "done"}
}

// TestContract_E3T2_MailSettingsComeAsDocumented: a person's device is sent every
// setting, at most ten at a time, in replies that the document knows; it opens them with
// its key, reports what became of them, and is told to remove them with the label. The
// password is nowhere but in what is sealed.
func TestContract_E3T2_MailSettingsComeAsDocumented(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	w := newWorld(t, nil)
	all := mailSettings()
	for i := range 3 {
		s := all["voice"]
		s.ID = fmt.Sprintf("voice-%d", i)
		all[s.ID] = s
	}
	p := w.enrolled(w.mailed(slices.Collect(maps.Values(all))...))
	k := p.keys(t)
	id := device.ID(p.thumbprint(t))
	got := map[string]protocol.MailSetting{}
	var outcomes []any
	for round := range 4 {
		r, reply := w.told(p, outcomes...)
		l.check(t, "checkin", r)
		wantOrder(t, reply.Directives)
		outcomes = nil
		for _, d := range reply.Directives {
			if d.Kind != protocol.ApplySetting {
				continue
			}
			s, err := k.OpenSetting(d, id)
			if err != nil {
				t.Fatalf("%s: %v", d.Setting, err)
			}
			got[d.Setting] = s
			outcomes = append(outcomes, done(d))
		}
		if n := len(outcomes); n > 10 || round == 0 && n != 10 {
			t.Errorf("round %d brought %d settings", round, n)
		}
	}
	if len(outcomes) != 0 || len(got) != len(all) {
		t.Fatalf("%d settings came, and %d outcomes are open", len(got), len(outcomes))
	}
	for setting, s := range all {
		c, err := mail.For(s, ada, mail.Device{ID: id, Labels: []string{"mail"}}, accepted)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := c.Reveal()
		// The book counts versions by itself.
		want = []byte(strings.Replace(string(want), `"version":2`, `"version":1`, 1))
		if diff := cmp.Diff(parseJSON(t, want), parseJSON(t, whole(t, got[setting]))); diff != "" {
			t.Errorf("%s (-rendered +taken):\n%s", setting, diff)
		}
	}
	w.put(func(tx *record.Tx) error {
		ada, err := tx.Person(person.KeyOf("acme", adaID))
		ada.Labels = nil
		if err != nil {
			return err
		}
		d, err := tx.Device(id)
		d.Mail.Due = true
		if err != nil {
			return err
		}
		if err := tx.PutPerson(ada); err != nil {
			return err
		}
		return tx.PutDevice(d)
	})
	removed := 0
	for range 3 {
		r, reply := w.told(p, outcomes...)
		l.check(t, "checkin", r)
		wantOrder(t, reply.Directives)
		outcomes = nil
		for _, d := range reply.Directives {
			if d.Kind == protocol.RemoveSetting {
				removed++
				outcomes = append(outcomes, done(d))
			}
		}
	}
	if removed != len(all) {
		t.Errorf("%d settings were removed, want %d", removed, len(all))
	}
	written := fmt.Sprint(w.dump(nil)) + w.log.String()
	for _, form := range []string{generated, string(marshal(t, generated)), "Zq7 generated"} {
		if strings.Contains(written, form) {
			t.Errorf("the password is in the store or the log as %s", form)
		}
	}
}

// TestContract_RepliesStayBelow64KiB even where settings that fill a reply, and as many
// to remove as go into one, meet a device that holds as many foreign accounts as it can
// report, with the longest names.
func TestContract_RepliesStayBelow64KiB(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	w := newWorld(t, nil)
	p := w.enrolled(w.mailed(largeSettings(160)...))
	for _, tc := range []struct {
		letter string
		length int
	}{{"a", 160}, {"<", 160}, {"\u2028", 160}, {"\U0001F642", 165}, {"\U0001F642", 172}, {"\U0001F642", 182}} {
		w.mailed(largeSettings(tc.length)...)
		w.put(func(tx *record.Tx) error {
			d, err := tx.Device(device.ID(p.thumbprint(t)))
			d.Mail = device.Mail{Due: true}
			for i := range 30 {
				d.Mail.Held = append(d.Mail.Held, mail.Held{Setting: fmt.Sprintf("gone-%035d", i), Version: 1, Status: mail.Applied})
			}
			if err != nil {
				return err
			}
			return tx.PutDevice(d)
		})
		var accounts []any
		for i := range 20 {
			accounts = append(accounts, map[string]any{"name": fmt.Sprintf("%02d", i) + strings.Repeat(tc.letter, 252), "state": "ready"})
		}
		r := w.send(w.request(p, "checkin", map[string]any{"accounts": accounts}))
		l.check(t, "checkin", r)
		apply, remove := strings.Count(string(r.body), `"applySetting"`), strings.Count(string(r.body), `"removeSetting"`)
		t.Logf("%q: %d bytes, %d settings to apply, %d to remove", tc.letter, len(r.body), apply, remove)
		if r.status != http.StatusOK || len(r.body) > protocol.MaxBody || remove < 20 || apply < 9 {
			t.Errorf("%q, %d: %d with %d bytes, %d settings to apply, %d to remove", tc.letter, tc.length, r.status, len(r.body), apply, remove)
		}
	}
}

// largeSettings are more settings than fill a reply, with eleven texts of the length.
func largeSettings(length int) (all []mail.Setting) {
	for i := range 15 {
		s := mailSettings()["app"]
		s.ID = fmt.Sprintf("app-%036d", i)
		extra := map[string]string{"own_key": "$GOOGLE_AUTOGEN_PASSWORD$"}
		for j := range 11 {
			extra[fmt.Sprintf("text_%d", j)] = strings.Repeat("x", length)
		}
		s.Managed = &mail.Managed{App: mail.Generic, Package: "com.example.mail", Extra: extra}
		all = append(all, s)
	}
	return all
}
