package directory_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

const runID = "abcdefghijklmnopqrstuvwxyz"

func TestCommandValidate(t *testing.T) {
	t.Parallel()
	base := directory.Command{Enterprise: "acme", RequestedBy: "admin:a@example.com", RequestedAt: t0}
	for _, tc := range []struct {
		field  string // empty: sound
		change func(*directory.Command)
	}{
		{"", func(c *directory.Command) { c.Op = directory.Schedule }},
		{"", func(c *directory.Command) { c.Op, c.Run, c.Kind = directory.Start, runID, directory.DryRun }},
		{"", func(c *directory.Command) { c.Op, c.Run = directory.Continue, runID }},
		{"", func(c *directory.Command) { c.Op, c.Run, c.AdditionsOnly = directory.Approve, runID, true }},
		{"", func(c *directory.Command) { c.Op, c.Run = directory.Reject, runID }},
		{"", func(c *directory.Command) { c.Op, c.Users = directory.Refresh, []string{"123"} }},
		{"", func(c *directory.Command) { c.Op, c.Full = directory.Refresh, true }},
		{"enterprise", func(c *directory.Command) { c.Op, c.Enterprise = directory.Schedule, "A" }},
		{"op", func(c *directory.Command) { c.Op = "stop" }},
		{"kind", func(c *directory.Command) { c.Op, c.Run = directory.Start, runID }},
		{"run", func(c *directory.Command) { c.Op, c.Kind = directory.Start, directory.Sync }},
		{"run", func(c *directory.Command) { c.Op, c.Run = directory.Continue, strings.ToUpper(runID) }},
		{"users", func(c *directory.Command) { c.Op = directory.Refresh }},
		{"users", func(c *directory.Command) { c.Op, c.Users = directory.Refresh, make([]string, directory.MaxUsers+1) }},
		{"users", func(c *directory.Command) { c.Op, c.Users = directory.Refresh, []string{"a@example.com"} }},
		{"requestedBy", func(c *directory.Command) { c.Op, c.RequestedBy = directory.Schedule, "" }},
		{"requestedAt", func(c *directory.Command) {
			c.Op, c.RequestedAt = directory.Schedule, time.Time{}
		}},
	} {
		c := base
		tc.change(&c)
		err := c.Validate()
		if tc.field == "" && err != nil || tc.field != "" && (fault.As(err) == nil || fault.As(err).Field != tc.field) {
			t.Errorf("%+v: %v, want %q", c, err, tc.field)
		}
		b, err := c.Marshal()
		if (err == nil) != (tc.field == "") {
			t.Errorf("%+v was written: %v", c, err)
		}
		if err != nil {
			continue
		}
		if back, err := directory.ParseCommand(b); err != nil || !reflect.DeepEqual(back, c) {
			t.Errorf("%s came back as %+v: %v", b, back, err)
		}
	}
}

func TestParseCommandRefuses(t *testing.T) {
	t.Parallel()
	sound := `{"enterprise":"acme","op":"schedule","requestedBy":"a","requestedAt":"2030-01-02T03:04:05Z"}`
	if _, err := directory.ParseCommand([]byte(sound + "\n")); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "null", "{}", "[]", `"x"`, sound + sound, sound + "}", sound + "]", sound + "x",
		strings.Replace(sound, `"op"`, `"verb"`, 1), strings.Replace(sound, "acme", "", 1), sound[:40], "\x00", strings.Repeat("[", 100_000)} {
		got, err := directory.ParseCommand([]byte(text))
		if fault.KindOf(err) != fault.Invalid || !reflect.DeepEqual(got, directory.Command{}) {
			t.Errorf("%.60q: %+v, %v", text, got, err)
		}
	}
}

func FuzzParseCommand(f *testing.F) {
	f.Add([]byte(`{"enterprise":"acme","op":"schedule","requestedBy":"a","requestedAt":"2030-01-02T03:04:05Z"}`))
	f.Add([]byte(`{"enterprise":"acme","op":"start","run":"` + runID + `","kind":"sync","full":true,"requestedBy":"a","requestedAt":"2030-01-02T03:04:05Z"}`))
	f.Add([]byte(`{"enterprise":"acme","op":"refresh","users":["1"],"requestedBy":"a","requestedAt":"2030-01-02T03:04:05+01:00"}`))
	f.Add([]byte(`{"enterprise":"acme"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := directory.ParseCommand(b)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		again, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, err := directory.ParseCommand(again)
		if err != nil || !back.RequestedAt.Equal(c.RequestedAt) {
			t.Fatalf("%s: %v", again, err)
		}
	})
}
