package admin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const settingsPath = "/v1/enterprises/acme/settings"

// withSetting is the body of an Exchange setting, with a change.
func withSetting(change func(*mail.Setting)) string {
	s := mail.NewExchange()
	s.Name, s.Labels = "Sales", []string{"sales"}
	change(&s)
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	var members map[string]any
	if err := json.Unmarshal(b, &members); err != nil {
		panic(err)
	}
	for _, name := range []string{"id", "enterprise", "version", "createdAt", "updatedAt"} {
		if v := members[name]; v == "" || v == 0.0 || v == "0001-01-01T00:00:00Z" {
			delete(members, name)
		}
	}
	b, err = json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// generated is the Google Apps Password flag.
func generated(s *mail.Setting) { s.SignIn = mail.GoogleAppsPassword }

// linked is acme with all that generated passwords need.
func (b *bench) linked() {
	b.t.Helper()
	b.configured()
	b.want(200, "PUT", policyPath, `{}`, nil)
	if err := b.office.Secrets.Put(b.t.Context(), directory.KeySecret("acme"), secret.New("{}")); err != nil {
		b.t.Fatal(err)
	}
	b.bus.take()
}

// revisions returns the revision of the book, and that in the enterprise's row.
func (b *bench) revisions() [2]int {
	b.t.Helper()
	book, err := b.office.DB.MailBook(b.t.Context(), "acme")
	if err != nil {
		b.t.Fatal(err)
	}
	var e enterprise.Enterprise
	b.want(200, "GET", "/v1/enterprises/acme", "", &e)
	return [2]int{book.Revision, e.MailRevision}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	path := settingsPath + "/sales"
	b.refuse(404, "GET", path, "", "", `no mail setting "sales"`)
	var got settingView
	b.want(200, "PUT", path, withSetting(func(*mail.Setting) {}), &got)
	want := mail.NewExchange()
	want.ID, want.Enterprise, want.Name, want.Labels = "sales", "acme", "Sales", []string{"sales"}
	want.Version, want.CreatedAt, want.UpdatedAt = 1, clock, clock
	if d := cmp.Diff(want, got.Setting); d != "" || got.Changed == nil || !*got.Changed || got.Standing != nil {
		t.Errorf("%+v, -want +got:\n%s", got, d)
	}
	got = settingView{}
	b.want(200, "GET", path, "", &got)
	if d := cmp.Diff(want, got.Setting); d != "" || got.Standing == nil || got.Changed != nil {
		t.Errorf("%+v, -want +got:\n%s", got, d)
	}
	if r := b.revisions(); r != [2]int{1, 1} {
		t.Errorf("revisions %v", r)
	}

	// What equals the stored one changes nothing: with what the server counts, without
	// it, and with the labels in another order.
	whole, err := json.Marshal(got.Setting)
	if err != nil {
		t.Fatal(err)
	}
	for _, same := range []string{
		string(whole), withSetting(func(*mail.Setting) {}),
		withSetting(func(s *mail.Setting) { s.Labels = []string{"sales", "sales"} }),
	} {
		b.want(200, "PUT", path, same, &got)
		if *got.Changed || got.Version != 1 {
			t.Errorf("the same setting: %+v", got)
		}
	}
	if r := b.revisions(); r != [2]int{1, 1} {
		t.Errorf("revisions %v after nothing changed", r)
	}
	b.want(200, "PUT", path, withSetting(func(s *mail.Setting) { s.Version, s.Exchange.Server = 1, "m.example.com" }), &got)
	if got.Version != 2 || !*got.Changed {
		t.Errorf("changed: %+v", got)
	}
	b.refuse(409, "PUT", path, string(whole), "", "has the version 2 by now")
	b.want(200, "PUT", path+"/labels", `{"labels":["b","a"]}`, &got)
	if !slices.Equal(got.Labels, []string{"a", "b"}) || got.Version != 2 || !*got.Changed {
		t.Errorf("labelled: %+v", got)
	}
	b.want(200, "PUT", path+"/labels", `{"labels":["a","b"]}`, &got)
	if *got.Changed {
		t.Errorf("the same labels: %+v", got)
	}
	// Whoever read the labels before another changed them undoes nothing unseen.
	read := func(at time.Time) string {
		return fmt.Sprintf(`{"labels":["c"],"updatedAt":%q}`, at.Format(time.RFC3339Nano))
	}
	b.refuse(409, "PUT", path+"/labels", read(got.UpdatedAt.Add(-time.Nanosecond)), "", "was last changed at")
	b.want(200, "PUT", path+"/labels", strings.Replace(read(got.UpdatedAt), `"c"`, `"a","b"`, 1), nil)
	got = settingView{}
	b.want(200, "PUT", path+"/labels", `{"labels":[]}`, &got)
	if len(got.Labels) > 0 || got.Warnings[len(got.Warnings)-1].Reason != mail.WarnNothingApplied {
		t.Errorf("without labels: %+v", got)
	}
	if r := b.revisions(); r != [2]int{4, 4} {
		t.Errorf("revisions %v", r)
	}
	b.want(204, "DELETE", path, "", nil)
	b.refuse(404, "DELETE", path, "", "", "no mail setting")
	b.refuse(404, "PUT", path+"/labels", `{"labels":[]}`, "", "no mail setting")
	if r := b.revisions(); r != [2]int{5, 0} {
		t.Errorf("revisions %v of an empty book", r)
	}
	b.refuse(409, "PUT", path, string(whole), "", "leave the members version")
	b.want(200, "PUT", path, withSetting(func(*mail.Setting) {}), nil)
	if r := b.revisions(); r != [2]int{6, 6} {
		t.Errorf("revisions %v", r)
	}
	save, label, remove := "admin:local setting.save setting:sales ok", "admin:local setting.labels setting:sales ok", "admin:local setting.remove setting:sales ok"
	if d := cmp.Diff([]string{save, save, label, label, remove, save}, b.trail("acme")[1:]); d != "" {
		t.Errorf("trail: -want +got:\n%s", d)
	}
}

func TestSettingsStanding(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	for _, id := range []string{"b", "c", "a"} {
		b.want(200, "PUT", settingsPath+"/"+id, withSetting(func(*mail.Setting) {}), nil)
	}
	held := func(id string, version int, status mail.Status) mail.Held {
		return mail.Held{Setting: id, Version: version, Status: status}
	}
	for i, h := range [][]mail.Held{
		{held("a", 1, mail.Applied), held("b", 2, mail.Sent)}, {held("a", 1, mail.Applied)}, {held("a", 2, mail.Applied)},
		{held("a", 1, mail.Failed)}, {held("gone", 1, mail.Withdrawing)}, nil,
	} {
		b.putDevice(device.Device{ID: fmt.Sprintf("d%d", i), Enterprise: "acme", Mail: device.Mail{Held: h}})
	}
	b.putDevice(device.Device{ID: "e1", Enterprise: "other", Mail: device.Mail{Held: []mail.Held{held("a", 1, mail.Applied)}}})
	ofA := []standingView{{1, mail.Applied, 2}, {1, mail.Failed, 1}, {2, mail.Applied, 1}}
	var all page[settingView]
	b.want(200, "GET", settingsPath, "", &all)
	got := map[string][]standingView{}
	for _, v := range all.Items {
		got[v.ID] = v.Standing
	}
	if d := cmp.Diff(map[string][]standingView{"a": ofA, "b": {{2, mail.Sent, 1}}, "c": {}}, got); d != "" || all.Next != "" {
		t.Errorf("next %q, -want +got:\n%s", all.Next, d)
	}
	var one settingView
	b.want(200, "GET", settingsPath+"/a", "", &one)
	if d := cmp.Diff(ofA, one.Standing); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	var seen []string
	next := ""
	for range 3 {
		var got page[settingView]
		b.want(200, "GET", settingsPath+"?limit=1&next="+next, "", &got)
		for _, v := range got.Items {
			seen = append(seen, v.ID)
		}
		next = got.Next
	}
	if !slices.Equal(seen, []string{"a", "b", "c"}) || next != "" {
		t.Errorf("in pages of one: %v, next %q", seen, next)
	}
	b.want(200, "GET", settingsPath+"?next=zzz", "", &all)
	if all.Items == nil || len(all.Items) > 0 {
		t.Errorf("behind the last: %+v", all)
	}
}
