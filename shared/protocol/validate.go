package protocol

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

var (
	enterprisePattern = pattern.New(`^[a-z][a-z0-9-]{1,39}$`)
	tokenPattern      = pattern.New(`^[A-Za-z0-9_-]{20,100}$`)
	androidIDPattern  = pattern.New(`^[0-9a-f]{1,16}$`)
	directivePattern  = pattern.New(`^[a-z0-9-]{1,64}$`)
	reasonPattern     = pattern.New(`^[A-Z0-9_]{1,64}$`)
)

// Validate returns fault.Invalid naming the first field that is wrong. Of the
// encryption key it checks the shape; package seal checks that it is one.
func (r *EnrollRequest) Validate() error {
	if err := r.checkCredentials(); err != nil {
		return err
	}
	if err := checkKey(r.EncryptionKey); err != nil {
		return err
	}
	if err := text("device.manufacturer", r.Device.Manufacturer, 0, 64); err != nil {
		return err
	}
	if err := text("device.model", r.Device.Model, 0, 64); err != nil {
		return err
	}
	if err := text("device.agent", r.Device.Agent, 0, 64); err != nil {
		return err
	}
	if r.Device.SDK < 0 || r.Device.SDK > 1000 {
		return fault.Field("device.sdk", "give the Android API level, 0 to 1000")
	}
	return nil
}

// Validate returns fault.Invalid naming the first field that is wrong.
func (r *CheckInRequest) Validate() error {
	if err := checkAndroidID(r.AndroidID); err != nil {
		return err
	}
	switch {
	case r.Accounts == nil:
		return fault.Field("accounts", "list the managed Google Play accounts on the device; give [] where there is none")
	case len(r.Accounts) > 20:
		return fault.Field("accounts", "at most 20 accounts can be reported")
	case len(r.Outcomes) > 50:
		return fault.Field("outcomes", "at most 50 outcomes can be reported at once")
	}
	for i, a := range r.Accounts {
		path := fmt.Sprintf("accounts[%d]", i)
		if err := text(path+".name", a.Name, 1, 254); err != nil {
			return err
		}
		if a.State != AccountReady && a.State != AccountInvalidated {
			return fault.Field(path+".state", "give ready or invalidated")
		}
		for _, b := range r.Accounts[:i] {
			if a.Name == b.Name {
				return fault.Field(path+".name", "this account is there twice")
			}
		}
	}
	for i, o := range r.Outcomes {
		if err := o.validate(fmt.Sprintf("outcomes[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

func (o Outcome) validate(path string) error {
	if !directivePattern.MatchString(o.DirectiveID) {
		return fault.Field(path+".directiveId", "give a directive's id as it was sent")
	}
	switch o.Result {
	case Done:
		if o.Reason != "" {
			return fault.Field(path+".reason", "a reason goes with failed only")
		}
		if o.Detail != "" {
			return fault.Field(path+".detail", "a detail goes with failed only")
		}
	case Failed:
		if !reasonPattern.MatchString(o.Reason) {
			return fault.Field(path+".reason", "give 1 to 64 of A-Z, 0-9 and '_'")
		}
		if o.AccountName != "" {
			return fault.Field(path+".accountName", "an account name goes with done only")
		}
	default:
		return fault.Field(path+".result", "give done or failed")
	}
	if err := text(path+".detail", o.Detail, 0, 256); err != nil {
		return err
	}
	switch adds := strings.HasPrefix(o.DirectiveID, "add-"); {
	case adds && o.Result == Done && o.AccountName == "":
		return fault.Field(path+".accountName", "name the account that was added")
	case !adds && o.AccountName != "" && ofSetting(o.DirectiveID):
		return fault.Field(path+".accountName", "a mail setting has no account name")
	}
	return text(path+".accountName", o.AccountName, 0, 254)
}

// ofSetting reports whether the id is that of an applySetting or removeSetting.
func ofSetting(directiveID string) bool {
	return strings.HasPrefix(directiveID, "set-") || strings.HasPrefix(directiveID, "unset-")
}

// Validate returns fault.Invalid naming the first field that is wrong.
func (r *TokenRequest) Validate() error {
	if !directivePattern.MatchString(r.DirectiveID) {
		return fault.Field("directiveId", "give the id of an addAccount directive as it was sent")
	}
	return checkAndroidID(r.AndroidID)
}

func checkAndroidID(id string) error {
	if id != "" && !androidIDPattern.MatchString(id) {
		return fault.Field("androidId", "give 1 to 16 lower-case hex digits")
	}
	return nil
}

// text checks a text's length in characters and that it holds no control ones.
func text(path, s string, least, most int) error {
	if n := utf8.RuneCountInString(s); n < least || n > most {
		return fault.Field(path, "give %d to %d characters", least, most)
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return fault.Field(path, "control characters are not allowed")
		}
	}
	return nil
}
