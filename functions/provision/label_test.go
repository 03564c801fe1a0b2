package provision_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

func relabel(add, remove []string, at time.Duration) workflow.Command {
	c := command(workflow.Label, "x")
	c.Devices, c.AddLabels, c.RemoveLabels, c.RequestedAt = nil, add, remove, asked.Add(at)
	return c
}

// TestLabel_Device: labels change, and the device's settings are looked at; also when
// every event comes twice and out of order.
func TestLabel_Device(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, other := b.labelled("jane", "old"), b.labelled("joe")
	late := relabel([]string{"old", "late"}, []string{"new"}, -time.Hour)
	c := relabel([]string{"new"}, []string{"old"}, 0)
	c.Devices, late.Devices = []string{one, "nothing"}, []string{one}
	b.do(c)
	b.do(late)
	b.do(c)
	if d := b.row(one); !slices.Equal(d.Labels, []string{"late", "new"}) || !d.Mail.Due || !d.CommandAt.IsZero() {
		t.Errorf("labels %v, due %v, commanded at %v", d.Labels, d.Mail.Due, d.CommandAt)
	}
	if d := b.row(other); len(d.Labels) > 0 || d.Mail.Due {
		t.Errorf("a device that was not named: %+v", d)
	}
	want := []line{{admin, "workflow.label", "device:" + one, "ok"}, {admin, "workflow.label", "device:nothing", "not-found"}}
	if diff := cmp.Diff(want, b.trail()); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// TestLabel_Person: the settings of all devices of the person are looked at, more of
// them than a page has.
func TestLabel_Person(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := b.someone("jane")
	var ids []string
	for range 3 {
		ids = append(ids, b.labelled("jane"))
	}
	retired := b.labelled("jane")
	b.edit(retired, func(d *device.Device) { d.State = device.Retired })
	stranger := b.labelled("joe")
	c := relabel([]string{"field"}, nil, 0)
	c.People = []string{key}
	b.do(c)
	if p := b.personRow("jane"); !slices.Equal(p.Labels, []string{"field"}) {
		t.Errorf("labels %v", p.Labels)
	}
	for _, id := range ids {
		if !b.row(id).Mail.Due {
			t.Errorf("the settings of %s are not looked at", id)
		}
	}
	if b.row(retired).Mail.Due || b.row(stranger).Mail.Due {
		t.Error("settings are looked at of a device that is none of the person's any more")
	}
	if diff := cmp.Diff([]line{{admin, "workflow.label", "person:" + key, "ok"}}, b.trail()); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// TestLabel_RepeatCompletes: wherever the store fails, the repeat reaches the devices
// too.
func TestLabel_RepeatCompletes(t *testing.T) {
	t.Parallel()
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		for k := 1; ; k++ {
			b := newBench(t)
			c := relabel([]string{"field"}, nil, 0)
			c.People = []string{b.someone("jane"), b.someone("joe")}
			ids := []string{b.labelled("jane"), b.labelled("jane"), b.labelled("joe")}
			b.driver.Crash(k, when)
			err := b.handle(c)
			fired := b.driver.Fired()
			b.driver.Fail(0, when)
			if fired {
				if !fault.Redeliver(err) {
					t.Fatalf("operation %d: %v, want an error that brings the event back", k, err)
				}
				if err := b.handle(c); err != nil {
					t.Fatal(err)
				}
			}
			for _, id := range ids {
				if !b.row(id).Mail.Due {
					t.Errorf("operation %d: the settings of %s are not looked at", k, id)
				}
			}
			if !fired {
				break
			}
		}
	}
}

// TestLabel_OfAnotherEnterprise: what another enterprise has is as good as unknown.
func TestLabel_OfAnotherEnterprise(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key, id := b.someone("jane"), b.labelled("jane")
	for _, c := range []workflow.Command{
		{Enterprise: "other", Op: workflow.Label, People: []string{key}, AddLabels: []string{"x"}},
		{Enterprise: "other", Op: workflow.Label, Devices: []string{id}, AddLabels: []string{"x"}},
	} {
		c.RequestedBy, c.RequestID, c.RequestedAt = admin, "r1", asked
		b.do(c)
	}
	if d, p := b.row(id), b.personRow("jane"); len(d.Labels)+len(p.Labels) > 0 || d.Mail.Due {
		t.Errorf("another enterprise's command changed %+v, %+v", d, p)
	}
}

// TestRelease_SendsFailedSettingsAgain: and no others.
func TestRelease_SendsFailedSettingsAgain(t *testing.T) {
	t.Parallel()
	held := func(id string, s mail.Status) mail.Held {
		return mail.Held{Setting: id, Version: 1, Status: s, At: noon}
	}
	for _, tc := range []struct {
		name   string
		hold   device.Hold
		barred device.Hold
		failed bool
		result string
		due    bool
	}{
		{"nothing", "", "", false, "not-held", false},
		{"held", device.NeedsOperator, "", false, "ok", true},
		{"failed settings", "", "", true, "ok", true},
		{"held, with failed settings", device.NeedsOperator, "", true, "ok", true},
		{"the person is away", device.PersonDisabled, device.PersonDisabled, false, "person-disabled", false},
		{"the person is away, with failed settings", device.PersonDisabled, device.PersonDisabled, true, "ok", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			id := b.phone("jane", account.UserAccount).id
			b.edit(id, func(d *device.Device) {
				d.Desired.Hold, d.Desired.Barred = tc.hold, tc.barred
				d.Mail.Held = []mail.Held{held("a", mail.Applied), held("c", mail.Sent)}
				if tc.failed {
					d.Mail.Held = []mail.Held{held("a", mail.Applied), held("b", mail.Failed), held("c", mail.Sent), held("d", mail.Failed)}
				}
			})
			b.do(command(workflow.Release, id))
			d := b.row(id)
			stands := ""
			for _, h := range d.Mail.Held {
				stands += fmt.Sprintf("%s %s, ", h.Setting, h.Status)
			}
			want := "a applied, c sent, "
			if tc.failed {
				want = "a applied, b sent, c sent, d sent, "
			}
			if stands != want || d.Mail.Due != tc.due || d.Desired.Hold != tc.barred {
				t.Errorf("%s due %v, hold %q", stands, d.Mail.Due, d.Desired.Hold)
			}
			if got := fmt.Sprint(b.trail()); got != fmt.Sprint([]line{{admin, "workflow.release", "device:" + id, tc.result}}) {
				t.Errorf("trail %s, want %s", got, tc.result)
			}
		})
	}
}
