package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/seal"
	"github.com/rollcall-emm/rollcall/shared/token"
)

// deviceView is a device as admins see it: without its keys, which nobody needs
// to read, and without what guards against replays.
type deviceView struct {
	ID         string `json:"id"`
	Enterprise string `json:"enterprise"`
	// Status says in one word what is the matter: retired, held, no account,
	// adding or ready.
	Status          string              `json:"status"`
	Subject         account.Subject     `json:"subject"`
	Labels          []string            `json:"labels,omitempty"`
	Info            protocol.DeviceInfo `json:"info"`
	AndroidID       string              `json:"androidId,omitempty"`
	EnrollmentToken string              `json:"enrollmentToken"`
	EnrolledBy      device.Credentials  `json:"enrolledBy,omitempty"`
	EnrolledAt      time.Time           `json:"enrolledAt"`
	LastSeen        time.Time           `json:"lastSeen"`
	CheckInSeconds  int                 `json:"checkInSeconds"`
	Desired         device.Desired      `json:"desired"`
	// Accounts are as the device last reported them.
	Accounts []protocol.Account `json:"accounts,omitempty"`
}

// deviceDetail adds what one device's page shows.
type deviceDetail struct {
	deviceView
	// PersonLabels are the labels that the device has because its person has them.
	PersonLabels []string `json:"personLabels,omitempty"`
	// EncryptionKeyThumbprint is the RFC 7638 thumbprint in base64url.
	EncryptionKeyThumbprint string `json:"encryptionKeyThumbprint,omitempty"`
	// Account is the desired account, once it has a row.
	Account *accountView `json:"account,omitempty"`
	// Binding is the device's hold on that account, if it has one.
	Binding *bindingView `json:"binding,omitempty"`
}

// bindingView is one device's hold on an account, with what became of each token.
type bindingView struct {
	DeviceID  string       `json:"deviceId"`
	AndroidID string       `json:"androidId,omitempty"`
	Since     time.Time    `json:"since"`
	Tokens    token.Ledger `json:"tokens,omitempty"`
}

func viewDevice(d device.Device) deviceView {
	return deviceView{
		ID: d.ID, Enterprise: d.Enterprise, Status: d.Status(), Subject: d.Subject, Labels: d.Labels,
		Info: d.Info, AndroidID: d.AndroidID, EnrollmentToken: d.EnrollmentToken, EnrolledBy: d.EnrolledBy, EnrolledAt: d.EnrolledAt,
		LastSeen: d.LastSeen, CheckInSeconds: d.CheckInSeconds, Desired: d.Desired, Accounts: d.Accounts,
	}
}

func viewBinding(b account.Binding) bindingView {
	return bindingView{DeviceID: b.DeviceID, AndroidID: b.AndroidID, Since: b.Since, Tokens: b.Tokens}
}

var deviceStatuses = []string{"ready", "adding", "held", "no account", "retired"}

func (o *Office) listDevices(r *request) error {
	p, err := r.page("status")
	if err != nil {
		return err
	}
	status := r.query("status")
	if status != "" && !slices.Contains(deviceStatuses, status) {
		return fault.Field("status", "give ready, adding, held, no account or retired")
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	read := func(p record.Page) ([]device.Device, string, error) { return o.DB.Devices(r.Context(), e.ID, p) }
	devices, next, err := filtered(p, read, func(d device.Device) bool { return status == "" || d.Status() == status })
	if err != nil {
		return err
	}
	items := make([]deviceView, len(devices))
	for i, d := range devices {
		items[i] = viewDevice(d)
	}
	return list(r, items, next)
}

// device returns the device that the path names, if it is the enterprise's.
func (o *Office) device(r *request) (device.Device, error) {
	id, err := r.id("device")
	if err != nil {
		return device.Device{}, err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return device.Device{}, err
	}
	d, err := o.DB.Device(r.Context(), id)
	if err == nil && d.Enterprise != e.ID {
		err = missing("device", id)
	}
	return d, err
}

// owner returns the person of a device; one without a row, or of a device that is
// nobody's, has the zero value.
func (o *Office) owner(ctx context.Context, d device.Device) (person.Person, error) {
	id, ok := d.PersonID()
	if !ok {
		return person.Person{}, nil
	}
	p, err := o.DB.Person(ctx, person.KeyOf(d.Enterprise, id))
	if fault.KindOf(err) == fault.NotFound {
		return person.Person{}, nil
	}
	return p, err
}

func (o *Office) showDevice(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	d, err := o.device(r)
	if err != nil {
		return err
	}
	owner, err := o.owner(r.Context(), d)
	if err != nil {
		return err
	}
	v := deviceDetail{deviceView: viewDevice(d), PersonLabels: owner.Labels, EncryptionKeyThumbprint: thumbprint(d.EncryptionKey)}
	if d.Desired.AccountID != "" {
		a, err := o.DB.Account(r.Context(), d.Desired.AccountID)
		switch {
		case err == nil:
			av := viewAccount(a)
			v.Account = &av
			if b := a.Binding(d.ID); b != nil {
				bv := viewBinding(*b)
				v.Binding = &bv
			}
		case fault.KindOf(err) != fault.NotFound: // it is made when the device first asks
			return err
		}
	}
	return api.WriteJSON(r.w, http.StatusOK, v)
}

// thumbprint returns "" for a key that cannot be read: the rest of the device's
// page is wanted all the more then.
func thumbprint(jwk json.RawMessage) string {
	key, err := seal.ParseKey(jwk)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(key.Thumbprint())
}
