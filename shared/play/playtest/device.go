package playtest

import (
	"context"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Words of AddError. Google documents none; an agent passes them on as they are.
const (
	// InvalidToken: unknown, used, expired or superseded; or its account is gone.
	InvalidToken = "INVALID_TOKEN"
	// TooManyDevices: the user account is on MaxDevices devices already.
	TooManyDevices = "TOO_MANY_DEVICES"
	// NoSuchAccount: the account to remove is not on the device.
	NoSuchAccount = "NO_SUCH_ACCOUNT"
)

// AddError is a failure of the device's Play side.
type AddError struct{ reason string }

// Error returns the reason.
func (e *AddError) Error() string { return "play on the device: " + e.reason }

// Reason returns a word of [A-Z0-9_], such as InvalidToken.
func (e *AddError) Reason() string { return e.reason }

// Device is the Play side of an Android device: what an agent reaches through
// Google's device library. It may be used concurrently.
type Device struct {
	server    *Server
	androidID string

	// The server's mutex guards these, for an account's state depends on both.
	accounts []*held
	failures []string
}

// held is an account on a device, as the device sees it.
type held struct {
	name       string
	enterprise *enterprise
	user       *user
	lost       bool
}

// NewDevice returns a device without accounts. androidID is its Android ID, 1 to
// 16 lower-case hex digits; two devices with one id are one to Google.
func (s *Server) NewDevice(androidID string) *Device {
	return &Device{server: s, androidID: androidID}
}

// AndroidID returns the device's Android ID.
func (d *Device) AndroidID() string { return d.androidID }

// FailAdd makes the next call of AddAccount fail with the reason before it uses
// the token. Calls of FailAdd queue up.
func (d *Device) FailAdd(reason string) {
	d.server.mu.Lock()
	defer d.server.mu.Unlock()
	d.failures = append(d.failures, reason)
}

// AddAccount spends an authentication token, binds the account to the device and
// returns the account's name. Adding an account that is there already signs it
// in again. Failures are *AddError, or ctx's error.
func (d *Device) AddAccount(ctx context.Context, auth secret.Value) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	s := d.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(d.failures) > 0 {
		reason := d.failures[0]
		d.failures = d.failures[1:]
		return "", &AddError{reason}
	}
	t := s.tokens[auth.Reveal()]
	if t == nil || t.at(s.opt.Now()) != TokenIssued || !t.enterprise.alive() || t.enterprise.users[t.user.info.Id] != t.user {
		return "", &AddError{InvalidToken}
	}
	// Single use means that the first exchange spends it, however that ends.
	t.state = TokenConsumed
	if !s.makeRoomLocked(t.user, d.androidID) {
		return "", &AddError{TooManyDevices}
	}
	h := &held{name: t.user.accountName, enterprise: t.enterprise, user: t.user}
	d.drop(h.name)
	d.accounts = append(d.accounts, h)
	t.user.devices = append(t.user.devices, &binding{androidID: d.androidID, held: h, state: "disabled"})
	s.announceNewDeviceLocked(t.enterprise, t.user, d.androidID)
	return h.name, nil
}

// makeRoomLocked applies the limits: one device for a device account, MaxDevices
// for a user account. A device that comes back takes its own place.
func (s *Server) makeRoomLocked(u *user, androidID string) bool {
	u.devices = slices.DeleteFunc(u.devices, func(b *binding) bool { return b.androidID == androidID })
	switch {
	case u.info.AccountType == deviceAccount:
		u.devices = nil
	case len(u.devices) < s.opt.MaxDevices:
	case s.opt.Limit == Evict:
		u.devices = slices.Delete(u.devices, 0, 1)
	default:
		return false
	}
	return true
}

// RemoveAccount takes the account off the device, which frees its place at
// Google. A name that is not there is an *AddError with NoSuchAccount.
func (d *Device) RemoveAccount(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.server.mu.Lock()
	defer d.server.mu.Unlock()
	if !d.drop(name) {
		return &AddError{NoSuchAccount}
	}
	return nil
}

func (d *Device) drop(name string) bool {
	i := slices.IndexFunc(d.accounts, func(h *held) bool { return h.name == name })
	if i < 0 {
		return false
	}
	d.accounts[i].user.unbind(d.accounts[i])
	d.accounts = slices.Delete(d.accounts, i, i+1)
	return true
}

// Accounts returns the accounts in the order of their adding. One is invalidated
// when its sign-in was lost or revoked, when the account or its enterprise is
// gone, and when a device account was added on another device.
func (d *Device) Accounts(ctx context.Context) ([]protocol.Account, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.server.mu.Lock()
	defer d.server.mu.Unlock()
	out := make([]protocol.Account, 0, len(d.accounts))
	for _, h := range d.accounts {
		state := protocol.AccountReady
		if !h.valid() {
			state = protocol.AccountInvalidated
		}
		out = append(out, protocol.Account{Name: h.name, State: state})
	}
	return out, nil
}

// LoseSignIn invalidates the account as Google does when its long-lived token
// goes bad: the agent sees ACCOUNT_REAUTH_REQUIRED. An unknown name is ignored.
func (d *Device) LoseSignIn(name string) {
	d.server.mu.Lock()
	defer d.server.mu.Unlock()
	for _, h := range d.accounts {
		if h.name == name {
			h.lost = true
		}
	}
}

func (h *held) valid() bool {
	return !h.lost && h.enterprise.alive() && h.enterprise.users[h.user.info.Id] == h.user &&
		slices.ContainsFunc(h.user.devices, func(b *binding) bool { return b.held == h })
}

// alive reports whether the enterprise is there and bound to somebody.
func (e *enterprise) alive() bool { return !e.deleted && len(e.accounts) > 0 }
