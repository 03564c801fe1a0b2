package device_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

func change(do mail.Action, content string) mail.Change {
	return mail.Change{Setting: "sales", Version: 1, Content: content, Do: do}
}

func TestSettingID(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, c := range []mail.Change{
		change(mail.Send, "c1"), change(mail.Send, "c2"), change(mail.Withdraw, "c1"), change(mail.Withdraw, "c2"),
		{Setting: "voice", Content: "c1", Do: mail.Send},
	} {
		id := device.SettingID(c)
		if other := seen[id]; other != "" || id == "" || id != device.SettingID(c) {
			t.Errorf("%v has the id %q, as has %s", c, id, other)
		}
		seen[id] = fmt.Sprint(c)
		if device.Final(id) != (c.Do == mail.Send) {
			t.Errorf("whether a failure at %s is final is wrong", id)
		}
	}
	for _, do := range []mail.Action{mail.Wait, mail.Block} {
		if id := device.SettingID(change(do, "")); id != "" {
			t.Errorf("%s has the id %s", do, id)
		}
	}
}

func TestApply_Settings(t *testing.T) {
	t.Parallel()
	send, withdraw := change(mail.Send, "c1"), change(mail.Withdraw, "c1")
	outcome := func(c mail.Change, reason string) protocol.Outcome {
		o := protocol.Outcome{DirectiveID: device.SettingID(c), Result: protocol.Done}
		if reason != "" {
			o.Result, o.Reason = protocol.Failed, reason
		}
		return o
	}
	sent := mail.Note(nil, send, noon)
	leaving := mail.Note(sent, withdraw, noon)
	for _, tc := range []struct {
		name     string
		held     []mail.Held
		outcomes []protocol.Outcome
		want     []device.SettingAnswer
		status   []mail.Status
	}{
		{"applied", sent, []protocol.Outcome{outcome(send, "")}, []device.SettingAnswer{{Setting: "sales", Do: mail.Send}}, []mail.Status{mail.Applied}},
		{"failed", sent, []protocol.Outcome{outcome(send, "NO")}, []device.SettingAnswer{{Setting: "sales", Do: mail.Send, Reason: "NO"}}, []mail.Status{mail.Failed}},
		{"said twice", sent, []protocol.Outcome{outcome(send, ""), outcome(send, "NO")}, []device.SettingAnswer{{Setting: "sales", Do: mail.Send}}, []mail.Status{mail.Applied}},
		{"an older content", sent, []protocol.Outcome{outcome(change(mail.Send, "c0"), "")}, nil, []mail.Status{mail.Sent}},
		{"removed", leaving, []protocol.Outcome{outcome(withdraw, "")}, []device.SettingAnswer{{Setting: "sales", Do: mail.Withdraw}}, nil},
		{"applied before it was removed", leaving, []protocol.Outcome{outcome(send, ""), outcome(withdraw, "")},
			[]device.SettingAnswer{{Setting: "sales", Do: mail.Withdraw}}, nil},
		{"not to be removed", leaving, []protocol.Outcome{outcome(withdraw, "NO")},
			[]device.SettingAnswer{{Setting: "sales", Do: mail.Withdraw, Reason: "NO"}}, []mail.Status{mail.Withdrawing}},
		{"of an account", sent, []protocol.Outcome{{DirectiveID: "add-x", Result: protocol.Done}}, nil, []mail.Status{mail.Sent}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			row := device.Device{ID: "d", LastSeen: noon, Mail: device.Mail{Held: tc.held}}
			req := protocol.CheckInRequest{Outcomes: tc.outcomes}
			c := device.Apply(row, req, noon.Add(time.Minute))
			if diff := cmp.Diff(tc.want, c.Settings); diff != "" || c.Dirty != (tc.want != nil) {
				t.Errorf("answers (-want +got), dirty %v:\n%s", c.Dirty, diff)
			}
			var status []mail.Status
			for _, h := range c.Device.Mail.Held {
				status = append(status, h.Status)
			}
			if diff := cmp.Diff(tc.status, status); diff != "" {
				t.Errorf("held (-want +got):\n%s", diff)
			}
			if again := device.Apply(c.Device, req, noon.Add(time.Minute)); again.Dirty || again.Settings != nil {
				t.Errorf("the same report once more changed the row again: %+v", again)
			}
			if !cmp.Equal(row.Mail.Held, tc.held) {
				t.Error("the row that was given is changed")
			}
		})
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	var ds []protocol.Directive
	for i, k := range []protocol.DirectiveKind{protocol.AddAccount, protocol.ApplySetting, protocol.RemoveAccount, protocol.ApplySetting, protocol.RemoveSetting} {
		ds = append(ds, protocol.Directive{ID: fmt.Sprint(i), Kind: k})
	}
	got := ""
	for _, d := range device.Order(ds) {
		got += d.ID
	}
	if got != "42130" {
		t.Errorf("order %s, want 42130", got)
	}
}

// TestMail_C3_ObedientDeviceSettles: labels, settings, passwords and the person come
// and go, and the device does not always do what it is told. Once it does, it ends
// with exactly what it is to have and is told no more, and no directive means two
// things.
func TestMail_C3_ObedientDeviceSettles(t *testing.T) {
	t.Parallel()
	ids, labels := []string{"a", "b", "c"}, []string{"x", "y"}
	rapid.Check(t, func(t *rapid.T) {
		who := person.Person{Key: "k", State: person.Active, Entry: person.Entry{Mail: "ada@corp.example"}}
		row := device.Device{ID: "d", State: device.Active, LastSeen: noon, Subject: account.Subject{Kind: account.Person, ID: "p"}}
		book, usable := mail.Book{}, 0
		meaning := map[string]mail.Change{} // of directives
		has := map[string]string{}          // the phone's settings, by content
		var outcomes []protocol.Outcome
		now := noon
		checkIn := func(obeys bool) int {
			now = now.Add(time.Minute)
			row = device.Apply(row, protocol.CheckInRequest{Outcomes: outcomes}, now).Device
			outcomes = nil
			told := 0
			for _, c := range row.MailChanges(book, who, usable) {
				id := device.SettingID(c)
				if id == "" {
					continue
				}
				told++
				row.Mail.Held = mail.Note(row.Mail.Held, c, now)
				c.Version = 0
				if m, ok := meaning[id]; ok && (m.Setting != c.Setting || m.Content != c.Content || m.Do != c.Do) {
					t.Fatalf("%s means %v and %v", id, m, c)
				}
				meaning[id] = c
				switch {
				case !obeys:
				case c.Do == mail.Withdraw:
					delete(has, c.Setting)
					outcomes = append(outcomes, protocol.Outcome{DirectiveID: id, Result: protocol.Done})
				default:
					has[c.Setting] = c.Content
					outcomes = append(outcomes, protocol.Outcome{DirectiveID: id, Result: protocol.Done})
				}
			}
			return told
		}
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				row.Labels = rapid.SliceOfNDistinct(rapid.SampledFrom(labels), 0, 2, rapid.ID[string]).Draw(t, "labels")
			case 1:
				s := mail.NewIMAP()
				if rapid.Bool().Draw(t, "password") {
					s.SignIn = mail.GoogleAppsPassword
				}
				s.ID, s.Labels = rapid.SampledFrom(ids).Draw(t, "id"), []string{rapid.SampledFrom(labels).Draw(t, "label")}
				book, _, _ = book.With(s, now)
			case 2:
				book, _ = book.Without(rapid.SampledFrom(ids).Draw(t, "id"))
			case 3:
				usable = rapid.IntRange(0, 3).Draw(t, "usable")
			case 4:
				who.State = rapid.SampledFrom([]person.State{person.Active, person.Leaving}).Draw(t, "state")
				row.Desired.Bar(device.HoldOf(who.State))
			case 5:
				who.Entry.Mail = rapid.SampledFrom([]string{"ada@corp.example", "lovelace@corp.example"}).Draw(t, "mail")
			default:
				checkIn(rapid.Bool().Draw(t, "obeys"))
			}
		}
		usable = max(usable, 1)
		for range 3 {
			checkIn(true)
		}
		if told := checkIn(true); told != 0 || row.Mail.Open() {
			t.Fatalf("still told %d: %+v", told, row.Mail)
		}
		want := map[string]string{}
		for _, c := range row.MailWanted(book, who, usable) {
			want[c.Setting] = c.Content
		}
		if !row.MayHaveMail() && len(want) > 0 {
			t.Fatalf("a device of nobody's is to have %v", want)
		}
		if diff := cmp.Diff(want, has); diff != "" {
			t.Fatalf("the device has (-want +got):\n%s", diff)
		}
		if !slices.IsSortedFunc(row.Mail.Held, func(a, b mail.Held) int { return strings.Compare(a.Setting, b.Setting) }) {
			t.Fatalf("held out of order: %+v", row.Mail.Held)
		}
	})
}
