package directorysync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

func (s *site) openGoogle(opt options) {
	if s.google == nil {
		s.newGoogle()
	}
	limits := workspace.CallerOptions()
	limits.Now, limits.Sleep, limits.Attempts = s.clock.Now, s.clock.Sleep, opt.attempts
	limits.BreakerFailures = 1 << 20 // the breaker's clock is the machine's
	caller := google.NewCaller(limits)
	creations := workspace.NewCreationLimit(workspace.CreationOptions{Now: s.clock.Now, Sleep: s.clock.Sleep})
	var mu sync.Mutex
	made := map[bool]*workspace.Client{}
	s.engine.Google = func(_ context.Context, c directory.Config) (*workspace.Client, error) {
		mu.Lock()
		defer mu.Unlock()
		readOnly := c.Mode != directory.ReadWrite
		if made[readOnly] != nil {
			return made[readOnly], nil
		}
		made[readOnly] = workspace.New(workspace.Options{
			Enterprise: c.Enterprise, Subject: c.Google.Subject, Endpoint: s.google.URL, Now: s.clock.Now,
			ReadOnly: readOnly, PageSize: opt.page, Caller: caller, Creations: creations,
			Credential: func(context.Context) (secret.Value, error) { return secret.NewBytes(s.account.JSON), nil },
		})
		return made[readOnly], nil
	}
}

func (s *site) newGoogle() {
	random := rand.New(rand.NewPCG(1, 2))
	s.google = workspacetest.New(workspacetest.Options{Now: s.clock.Now, NewKey: keyRing,
		Faults: googletest.NewFaults(googletest.FaultOptions{Float64: random.Float64})})
	s.t.Cleanup(s.google.Close)
	var err error
	if s.account, err = s.google.NewServiceAccount("sync"); err != nil {
		s.t.Fatal(err)
	}
	s.google.Tokens.Delegate(s.account.Email, admin.AdminDirectoryUserScope, admin.AdminDirectoryUserReadonlyScope,
		admin.AdminDirectoryUserSecurityScope)
	s.customer = s.google.AddCustomer(domain)
	if _, err := s.google.AddAdmin(boss); err != nil {
		s.t.Fatal(err)
	}
	s.config.Google = &directory.Google{Subject: boss}
}

func (s *site) openLDAP(opt options) {
	if s.ldap == nil {
		var err error
		if s.ldap, err = ldaptest.Start(ldaptest.Options{BaseDN: base, Schema: opt.schema}); err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(s.ldap.Close)
		l := s.ldap.Config()
		l.PageSize = opt.page
		if opt.schema == "" {
			l.Incremental = directory.Full
		}
		s.config.LDAP = &l
	}
	s.engine.LDAP = func(_ context.Context, c directory.Config) (ldapSource, error) {
		return ldap.New(ldap.Options{Config: *c.LDAP, Password: s.ldap.Password}), nil
	}
}

func mail(i int) string { return fmt.Sprintf("u%05d@%s", i, domain) }

// hire adds n Google users from number first on.
func (s *site) hire(first, n int) {
	s.t.Helper()
	for i := first; i < first+n; i++ {
		if _, err := s.google.AddUser(googleUser(i)); err != nil {
			s.t.Fatal(err)
		}
	}
}

func googleUser(i int) workspacetest.User {
	return workspacetest.User{PrimaryEmail: mail(i), GivenName: "Given", FamilyName: fmt.Sprintf("Family %d", i)}
}

func ldapDN(i int) string { return fmt.Sprintf("uid=u%05d,ou=people,%s", i, base) }

// ldapPerson is person i in the form of ldaptest.Person.
func ldapPerson(i int) ldaptest.Entry {
	return ldaptest.Entry{DN: ldapDN(i), Attributes: map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {fmt.Sprintf("u%05d", i)}, "cn": {fmt.Sprintf("Given Family %d", i)},
		"givenName": {"Given"}, "sn": {fmt.Sprintf("Family %d", i)}, "mail": {mail(i)},
	}}
}

// employ adds n people to LDAP.
func (s *site) employ(first, n int) {
	s.t.Helper()
	for i := first; i < first+n; i++ {
		if err := s.ldap.Add(ldapPerson(i)); err != nil {
			s.t.Fatal(err)
		}
	}
}
