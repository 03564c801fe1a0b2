package examine_test

import (
	"testing"

	"github.com/rollcall-emm/rollcall/shared/cloudidentity/cloudidentitytest"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mail"
)

func TestSettingsLines(t *testing.T) {
	t.Parallel()
	set := func(p ...cloudidentitytest.Policy) func(*site) {
		return func(s *site) {
			s.policies.ClearPolicies()
			for _, policy := range p {
				s.policies.AddPolicy(policy)
			}
		}
	}
	imapOn := cloudidentitytest.Policy{Setting: "gmail.imap_access", Value: map[string]any{"enable_imap_access": true}}
	pass := func(unit string, v map[string]any) cloudidentitytest.Policy {
		return cloudidentitytest.Policy{Setting: "security.password", OrgUnit: unit, Value: v}
	}
	apps := func(unit string, allowed bool) cloudidentitytest.Policy {
		return cloudidentitytest.Policy{Setting: "security.less_secure_apps", OrgUnit: unit, Value: map[string]any{"allowLessSecureApps": allowed}}
	}
	withPassword := func(next func(*site)) func(*site) {
		return func(s *site) {
			m := mail.NewIMAP()
			m.SignIn = mail.GoogleAppsPassword
			s.setting(m)
			next(s)
		}
	}
	list := func(sc googletest.Script) func(*site) {
		return func(s *site) { s.script(cloudidentitytest.ListMethod, sc) }
	}
	run(t, []lineTest{
		{"defaults", set(), map[string]string{"google-imap-access": "skip|as long as nobody has set it"}},
		{"too short", set(imapOn, pass("", map[string]any{"minimumLength": 24})), map[string]string{"google-password-length": "fail|at least 24 characters, and Rollcall makes them of 20"}},
		{"too short for some", set(imapOn, pass("", nil), pass("sales", map[string]any{"minimum_length": 24})), map[string]string{"google-password-length": "fail|24 characters in some part"}},
		{"an old policy does not count", set(imapOn, pass("", map[string]any{"minimumLength": 24}), pass("", map[string]any{"minimumLength": 8})), nil},
		{"they expire", set(imapOn, pass("", map[string]any{"expirationDuration": "7776000s"})), map[string]string{"google-password-expiration": "fail|after 90 days, and Rollcall never replaces them"}},
		{"less secure apps by default", withPassword(set(imapOn)), map[string]string{"google-less-secure-apps": "fail|lets none do so"}},
		{"less secure apps on", withPassword(set(imapOn, apps("", false), apps("", true))), map[string]string{"google-less-secure-apps": "warn|closed it on most domains"}},
		{"less secure apps for some", withPassword(set(imapOn, apps("", true), apps("sales", false))), map[string]string{"google-less-secure-apps": "fail|in some part"}},
		{"IMAP off", set(cloudidentitytest.Policy{Setting: "gmail.imap_access", Value: map[string]any{"enableImapAccess": false}}),
			map[string]string{"google-imap-access": "fail|turned off, and mail clients and devices read mail"}},
		{"IMAP for listed clients", set(cloudidentitytest.Policy{Setting: "gmail.imap_access", Value: map[string]any{
			"enableImapAccess": true, "imapAccessRestriction": map[string]any{"allowedOauthMailClientList": map[string]any{}}}}),
			map[string]string{"google-imap-access": "warn|list the client id 1"}},
		{"IMAP for any client", set(cloudidentitytest.Policy{Setting: "gmail.imap_access", Value: map[string]any{
			"enableImapAccess": true, "imapAccessRestriction": map[string]any{"allowAllMailClients": true}}}), nil},
		{"no super administrator", func(s *site) { s.policies.SetSuperAdmin(boss, false) }, map[string]string{"google-settings": "warn|to super administrators alone"}},
		{"the API is off", list(googletest.Script{Mode: googletest.Refuse, Status: 403, Reason: "SERVICE_DISABLED"}), map[string]string{"google-settings": "warn|Cloud Identity API is not enabled"}},
		{"it is down", list(googletest.Script{Mode: googletest.Refuse}), map[string]string{"google-settings": "warn|could not be read"}},
	})
}
