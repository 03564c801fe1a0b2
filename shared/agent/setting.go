package agent

import (
	"regexp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/seal"
)

var settingPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

var (
	errSettingUnreadable  error = fault.New(fault.Invalid, ReasonSettingUnreadable, "the setting cannot be opened with this device's key, or is not in form")
	errSettingMisdirected error = fault.New(fault.Denied, ReasonSettingMisdirected, "the setting is for another device or another directive")
)

// OpenSetting returns what an applySetting directive has this device set up, from its
// content or from what is sealed to the device. What does not open, or has not the form
// that the protocol says, is fault.Invalid with ReasonSettingUnreadable, and so is a
// secret that was not sealed; what was meant for another device, directive or setting
// is fault.Denied with ReasonSettingMisdirected. Neither error holds any of the content.
func (k Keys) OpenSetting(d protocol.Directive, deviceID string) (protocol.MailSetting, error) {
	content, err := k.content(d, deviceID)
	if err != nil {
		return protocol.MailSetting{}, err
	}
	defer clear(content)
	var s protocol.MailSetting
	if decode(content, &s) != nil || s.Validate() != nil || d.Sealed == "" && len(s.Secrets()) > 0 {
		return protocol.MailSetting{}, errSettingUnreadable
	}
	if s.ID() != d.Setting {
		return protocol.MailSetting{}, errSettingMisdirected
	}
	return s, nil
}

// content returns a copy of the directive's content in clear.
func (k Keys) content(d protocol.Directive, deviceID string) ([]byte, error) {
	if (d.Sealed == "") == (len(d.Content) == 0) {
		return nil, errSettingUnreadable // neither, or both
	}
	if d.Sealed == "" {
		return append([]byte(nil), d.Content...), nil
	}
	plain, err := seal.Open(k.opening, d.Sealed)
	if err != nil {
		return nil, errSettingUnreadable
	}
	defer clear(plain)
	var c protocol.SettingClaims
	if decode(plain, &c) != nil || len(c.Content) == 0 {
		return nil, errSettingUnreadable
	}
	if c.DeviceID != deviceID || c.DirectiveID != d.ID {
		clear(c.Content)
		return nil, errSettingMisdirected
	}
	return c.Content, nil
}
