package play

import (
	"context"
	"time"

	"google.golang.org/api/androidenterprise/v1"
)

// Notifications is a set of notifications that Google leases to the caller.
type Notifications struct {
	// SetID acknowledges the set; it is empty where there is nothing to tell.
	SetID string
	Items []Notification
}

// Notification is one thing that happened in an enterprise. It may come more
// than once.
type Notification struct {
	// EnterpriseID is Google's id of the enterprise.
	EnterpriseID string
	// Type is Google's notificationType, such as "newDevice".
	Type string
	Time time.Time
	// Device is set for the types newDevice, deviceReportUpdate and
	// installFailure.
	Device *DeviceEvent
	// Upgraded reports that the enterprise is a managed Google domain now (type
	// enterpriseUpgrade).
	Upgraded bool
}

// DeviceEvent names the account and the device that a notification is about.
type DeviceEvent struct {
	UserID string
	// DeviceID is the Android ID in lower-case hex.
	DeviceID string
	// ManagementType is managedDevice or managedProfile, for newDevice.
	ManagementType string
	// DPCPackage is the agent's package name, for newDevice.
	DPCPackage string
}

// serviceAccount is the Caller's key for calls that concern all enterprises of
// the service account; Google's enterprise ids have no space.
const serviceAccount = "service account"

// PullNotifications returns what is waiting for all enterprises of the service
// account, without waiting for more (Enterprises.pullNotificationSet,
// returnImmediately). Google leases the set for 20 seconds and then tells it
// again; concurrent pulls share what is waiting. The contract of
// account.Provider holds for errors.
func (c *Client) PullNotifications(ctx context.Context) (Notifications, error) {
	var out Notifications
	err := c.do(ctx, serviceAccount, "enterprises.pullNotificationSet", true,
		func(ctx context.Context, api *androidenterprise.Service) error {
			set, err := api.Enterprises.PullNotificationSet().RequestMode("returnImmediately").Context(ctx).Do()
			if err != nil {
				return err
			}
			out = Notifications{SetID: set.NotificationSetId}
			for _, n := range set.Notification {
				out.Items = append(out.Items, notificationOf(n))
			}
			return nil
		})
	return out, err
}

// Acknowledge ends a set's lease, so that Google forgets its notifications
// (Enterprises.acknowledgeNotificationSet). Do it once their effect is stored.
func (c *Client) Acknowledge(ctx context.Context, setID string) error {
	if err := required("setID", setID); err != nil {
		return err
	}
	return c.do(ctx, serviceAccount, "enterprises.acknowledgeNotificationSet", true,
		func(ctx context.Context, api *androidenterprise.Service) error {
			return api.Enterprises.AcknowledgeNotificationSet().NotificationSetId(setID).Context(ctx).Do()
		})
}

func notificationOf(n *androidenterprise.Notification) Notification {
	out := Notification{EnterpriseID: n.EnterpriseId, Type: n.NotificationType, Time: time.UnixMilli(n.TimestampMillis).UTC()}
	switch {
	case n.NewDeviceEvent != nil:
		e := n.NewDeviceEvent
		out.Device = &DeviceEvent{e.UserId, e.DeviceId, e.ManagementType, e.DpcPackageName}
	case n.DeviceReportUpdateEvent != nil:
		out.Device = &DeviceEvent{UserID: n.DeviceReportUpdateEvent.UserId, DeviceID: n.DeviceReportUpdateEvent.DeviceId}
	case n.InstallFailureEvent != nil:
		out.Device = &DeviceEvent{UserID: n.InstallFailureEvent.UserId, DeviceID: n.InstallFailureEvent.DeviceId}
	case n.EnterpriseUpgradeEvent != nil:
		out.Upgraded = n.EnterpriseUpgradeEvent.UpgradeState == "upgradeStateSucceeded"
	}
	return out
}
