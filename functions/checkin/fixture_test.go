package checkin_test

import (
	"encoding/json"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// enrolled returns the row of a device as enroll leaves it.
func enrolled(id string) device.Device {
	now := time.Now()
	return device.Device{
		ID: id, Enterprise: "acme", State: device.Active,
		EncryptionKey:   json.RawMessage(`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`),
		Subject:         account.Subject{Kind: account.Person, ID: "128b2f33-0c5c-4fd0-a6a3-a4506513270e"},
		Labels:          []string{"field"},
		Info:            protocol.DeviceInfo{Manufacturer: "Acme", Model: "Phone 9", SDK: 35, Agent: "agent/1.0"},
		EnrollmentToken: "abcdefghijklmnopqrstuvwxyz", EnrolledAt: now, LastSeen: now, CheckInSeconds: 14400,
		Desired: device.Desired{
			AccountID: "abcdefghijklmnopqrstuvwxyz234567", AccountType: account.UserAccount,
			PlayEnterprise: "LC03abcd12", DisplayName: "Acme",
			OwnAccountID: "zbcdefghijklmnopqrstuvwxyz234567",
		},
	}
}
