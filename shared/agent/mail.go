package agent

import (
	"context"
	"errors"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// Mail is the device's mail client: on Android, the account of a mail app, or
// managed configuration by DevicePolicyManager.setApplicationRestrictions. An Agent
// calls one method at a time.
//
// Both methods are called again with the same arguments when the agent was killed, or
// could not save, before it noted that they returned: doing them twice must end as
// doing them once.
//
// An error may have a reason of [A-Z0-9_]{1,64}, as a fault or by a method Reason()
// string, and a method Detail() string for the operator, which is left out where the
// setting has a secret; nothing else of the error leaves the device.
type Mail interface {
	// Apply sets the setting up, in the place of whatever there is of the setting of the
	// same id, be it another account, another kind, or another app's configuration. The
	// setting is whole and right in form. Its secrets, a Password or the Secrets of
	// managed configuration, are for the mail client alone: they are not logged, kept
	// elsewhere, or put into an error.
	Apply(ctx context.Context, s protocol.MailSetting) error
	// Remove removes what there is of the setting of the given id. One that is not there
	// is no error.
	Remove(ctx context.Context, setting string) error
}

// Reasons that an agent gives for a mail setting that it did not apply or remove.
const (
	// ReasonSettingUnreadable: the content does not open with the device's key, is not
	// in the form that the protocol says, or has a secret without being sealed.
	ReasonSettingUnreadable = "SETTING_UNREADABLE"
	// ReasonSettingMisdirected: the content is for another device, directive or setting.
	ReasonSettingMisdirected = "SETTING_MISDIRECTED"
	// ReasonMailClientMissing: there is no mail client that could have the setting.
	ReasonMailClientMissing = "MAIL_CLIENT_MISSING"
	// ReasonSettingUnsupported: the mail client has no such kind of account, or no such
	// way to sign in.
	ReasonSettingUnsupported = "SETTING_UNSUPPORTED"
	// ReasonApplyFailed and ReasonWithdrawFailed are for an error of Mail that has no
	// reason of its own.
	ReasonApplyFailed    = "APPLY_SETTING_FAILED"
	ReasonWithdrawFailed = "REMOVE_SETTING_FAILED"
)

// ErrNotYet is what a Mail returns, wrapped or not, while its mail client is being
// installed: nothing is reported then, and the directive comes again with a later
// check-in. For one that does not come at all there is ReasonMailClientMissing.
var ErrNotYet = fault.New(fault.Transient, "mail-client-later", "the mail client is not there yet")

// setting does a directive about a mail setting. Without an outcome, nothing is to be
// reported.
func (a *Agent) setting(ctx context.Context, d protocol.Directive) *protocol.Outcome {
	if d.Kind == protocol.RemoveSetting {
		return a.withdraw(ctx, d)
	}
	s, err := a.cfg.Keys.OpenSetting(d, a.state.DeviceID)
	if err == nil {
		err = a.cfg.Mail.Apply(ctx, s)
	}
	return mailOutcome(d, err, ReasonApplyFailed, s.Secrets())
}

func (a *Agent) withdraw(ctx context.Context, d protocol.Directive) *protocol.Outcome {
	err := errSettingUnreadable
	if settingPattern.MatchString(d.Setting) {
		err = a.cfg.Mail.Remove(ctx, d.Setting)
	}
	return mailOutcome(d, err, ReasonWithdrawFailed, nil)
}

// mailOutcome makes an outcome of what became of a directive; nil for ErrNotYet. A mail
// client repeats a password in more forms than can be hidden, so that where there was
// one the operator gets the reason alone.
func mailOutcome(d protocol.Directive, err error, reason string, secrets []protocol.Secret) *protocol.Outcome {
	switch {
	case err == nil:
		return &protocol.Outcome{DirectiveID: d.ID, Result: protocol.Done}
	case errors.Is(err, ErrNotYet):
		return nil
	}
	var hide []string
	for _, s := range secrets {
		hide = append(hide, hidden(s.Value)...)
	}
	o := failure(d.ID, err, reason, hide)
	if len(secrets) > 0 {
		o.Detail = ""
	}
	return &o
}
