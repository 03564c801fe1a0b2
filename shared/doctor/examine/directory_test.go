package examine_test

import (
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

func TestDirectoryLines(t *testing.T) {
	t.Parallel()
	api := func(sc googletest.Script) func(*site) {
		return func(s *site) {
			s.script("directory.users.list", sc)
			s.script("directory.users.get", sc)
		}
	}
	run(t, []lineTest{
		{"the administrator is none", func(s *site) { s.must(s.users.Edit(boss, func(u *workspacetest.User) { u.Admin = false })) },
			map[string]string{"subject": "fail|may not administer users", "directory-api": "skip|may not list users"}},
		{"the administrator has chosen rights", func(s *site) {
			s.must(s.users.Edit(boss, func(u *workspacetest.User) { u.Admin, u.DelegatedAdmin = false, true }))
		}, nil},
		{"the API is off", api(googletest.Script{Mode: googletest.Refuse, Status: 403, Reason: "accessNotConfigured"}),
			map[string]string{"subject": "skip|", "directory-api": "fail|not enabled in the service account's project. [Enable the Admin SDK API"}},
		{"the API is off, in newer words", api(googletest.Script{Mode: googletest.Refuse, Status: 403, Reason: "SERVICE_DISABLED"}),
			map[string]string{"subject": "skip|", "directory-api": "fail|not enabled"}},
		{"the organisation allows no APIs", api(googletest.Script{Mode: googletest.Refuse, Status: 403, Reason: "domainCannotUseApis"}),
			map[string]string{"subject": "skip|", "directory-api": "fail|by APIs. [Turn API access on"}},
		{"it is down", api(googletest.Script{Mode: googletest.Refuse}),
			map[string]string{"subject": "fail|could not be asked", "directory-api": "fail|cannot be read. Google has a fault"}},
		{"another's domain", func(s *site) { s.directory(func(c *directory.Config) { c.Google.Domain = "other.example" }) },
			map[string]string{"directory-api": "fail|none of this Google account"}},
		{"LDAP alone", func(s *site) { s.directory(func(c *directory.Config) { c.Mode, c.Google = directory.LDAPOnly, nil }) },
			map[string]string{"subject": "skip|", "directory-api": "skip|", "imap-sign-in": "skip|", "google-settings": "skip|",
				"scope:" + mailclient.Full.URL(): "warn|no administrator is configured", "scope:" + mailclient.IMAPAdmin.URL(): "warn|", "scope:" + doctor.ScopePolicies: "skip|"}},
		{"read with the scope that writes", func(s *site) { s.directory(func(c *directory.Config) { c.Mode = directory.ReadOnly }) },
			map[string]string{"scope:" + doctor.ScopeReadUsers: "fail|read Google's directory"}},
		{"Google alone", func(s *site) {
			s.directory(func(c *directory.Config) { c.Mode, c.LDAP = directory.GoogleOnly, nil })
			s.tokens.Delegate(s.account.Email, doctor.ScopeReadUsers)
		}, map[string]string{"ldap": "skip|No LDAP"}},
	})
}
