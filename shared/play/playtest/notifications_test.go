package playtest_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/api/androidenterprise/v1"

	"github.com/rollcall-emm/rollcall/shared/play/playtest"
)

func (b *bench) pull(t *testing.T) *androidenterprise.NotificationSet {
	t.Helper()
	set, err := b.api.Enterprises.PullNotificationSet().RequestMode("returnImmediately").Do()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestNotificationLease(t *testing.T) {
	t.Parallel()
	b := newBench(t, playtest.Options{SetSize: 2})
	if set := b.pull(t); set.NotificationSetId != "" {
		t.Errorf("empty set has id %q", set.NotificationSetId)
	}
	u := b.insert(t, "person", "userAccount")
	for i := range 3 {
		b.add(t, b.NewDevice(fmt.Sprintf("d%d", i)), u.Id)
	}
	first, second := b.pull(t), b.pull(t)
	if len(first.Notification) != 2 || len(second.Notification) != 1 {
		t.Fatalf("sets of %d and %d, want 2 and 1", len(first.Notification), len(second.Notification))
	}
	n := first.Notification[0]
	if n.NotificationType != "newDevice" || n.NewDeviceEvent.DeviceId != "d0" || n.NewDeviceEvent.UserId != u.Id ||
		n.EnterpriseId != b.ent || n.TimestampMillis != b.clock.Now().UnixMilli() {
		t.Errorf("notification: %+v", n)
	}
	if set := b.pull(t); len(set.Notification) != 0 {
		t.Errorf("leased notifications came again: %+v", set)
	}
	ack := func(id string) error {
		return b.api.Enterprises.AcknowledgeNotificationSet().NotificationSetId(id).Do()
	}
	if err := ack(first.NotificationSetId); err != nil {
		t.Error(err)
	}
	b.clock.Advance(20 * time.Second)
	if err := ack(second.NotificationSetId); err != nil {
		t.Error(err)
	}
	again := b.pull(t)
	if len(again.Notification) != 1 || again.Notification[0].NewDeviceEvent.DeviceId != "d2" {
		t.Errorf("after the lease: %+v", again)
	}
	wantStatus(t, ack("made up"), 400, "invalid")
}

func TestWaitForNotifications(t *testing.T) {
	t.Parallel()
	b := newBench(t, playtest.Options{})
	u := b.insert(t, "person", "userAccount")
	got := make(chan *androidenterprise.NotificationSet)
	go func() {
		set, err := b.api.Enterprises.PullNotificationSet().Do()
		if err != nil {
			t.Error(err)
		}
		got <- set
	}()
	b.add(t, b.NewDevice("d0"), u.Id)
	if set := <-got; len(set.Notification) != 1 {
		t.Errorf("set: %+v", set)
	}
}
