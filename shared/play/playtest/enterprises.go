package playtest

import (
	"net/url"
	"strings"

	"google.golang.org/api/androidenterprise/v1"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

const playAccounts = "managedGooglePlayAccountsEnterprise"

// signup is a begun sign-up, found by its completion token and its URL.
type signup struct {
	url             string
	callback        string
	adminEmail      string
	enterpriseToken string
	name            string
	done            bool
}

func (s *Server) getEnterprise(c googletest.Call) (any, *googletest.Error) {
	e, refused := s.enterpriseLocked(c)
	if refused != nil {
		return nil, refused
	}
	return withKind("enterprise", e.info)
}

// listEnterprises finds Google-initiated enterprises by exact primary domain.
func (s *Server) listEnterprises(c googletest.Call) (any, *googletest.Error) {
	out := androidenterprise.EnterprisesListResponse{}
	for _, e := range s.enterprises {
		if e.alive() && e.accounts[c.Grant.Account] && e.info.PrimaryDomain == c.Query.Get("domain") {
			out.Enterprise = append(out.Enterprise, &e.info)
		}
	}
	return withKind("enterprisesListResponse", out)
}

func (s *Server) generateSignupURL(c googletest.Call) (any, *googletest.Error) {
	callback := c.Query.Get("callbackUrl")
	if u, err := url.Parse(callback); err != nil || u.Host == "" {
		return nil, invalid("callbackUrl is not a URL.")
	}
	completion := newID("complete-")
	s.signups[completion] = &signup{
		url:        s.URL + "/signup/" + newID(""),
		callback:   callback,
		adminEmail: c.Query.Get("adminEmail"),
	}
	return withKind("signupInfo", androidenterprise.SignupInfo{CompletionToken: completion, Url: s.signups[completion].url})
}

// completeSignup binds the new enterprise to the calling service account, once.
func (s *Server) completeSignup(c googletest.Call) (any, *googletest.Error) {
	su := s.signups[c.Query.Get("completionToken")]
	if su == nil || su.enterpriseToken == "" || su.enterpriseToken != c.Query.Get("enterpriseToken") {
		return nil, invalid("The tokens do not fit.")
	}
	if su.done {
		return nil, invalid("The enterprise token was used already.")
	}
	su.done = true
	e := s.addEnterpriseLocked(su.name, c.Grant.Account)
	if su.adminEmail != "" {
		e.info.Administrator = []*androidenterprise.Administrator{{Email: su.adminEmail}}
	}
	return withKind("enterprise", e.info)
}

// enroll binds a Google-initiated enterprise; its token is the domain with
// "enroll-" before it, for no administrator's console is simulated.
func (s *Server) enroll(c googletest.Call) (any, *googletest.Error) {
	in, refused := decode[androidenterprise.Enterprise](c)
	if refused != nil {
		return nil, refused
	}
	domain, ok := strings.CutPrefix(c.Query.Get("token"), "enroll-")
	if !ok || domain == "" || (in.PrimaryDomain != "" && in.PrimaryDomain != domain) {
		return nil, invalid("The enrollment token is not valid.")
	}
	e := s.addEnterpriseLocked(domain, c.Grant.Account)
	e.info.PrimaryDomain = domain
	e.info.EnterpriseType = "managedGoogleDomain"
	return withKind("enterprise", e.info)
}

// unenroll unbinds the enterprise from every service account; later calls are
// refused with 403.
func (s *Server) unenroll(c googletest.Call) (any, *googletest.Error) {
	e, refused := s.enterpriseLocked(c)
	if refused != nil {
		return nil, refused
	}
	clear(e.accounts)
	return nil, nil
}

func (s *Server) setAccount(c googletest.Call) (any, *googletest.Error) {
	e, refused := s.enterpriseLocked(c)
	if refused != nil {
		return nil, refused
	}
	in, refused := decode[androidenterprise.EnterpriseAccount](c)
	if refused != nil {
		return nil, refused
	}
	if in.AccountEmail == "" {
		return nil, invalid("accountEmail is required.")
	}
	e.accounts[in.AccountEmail] = true
	return withKind("enterpriseAccount", *in)
}

func (s *Server) addEnterpriseLocked(name string, accounts ...string) *enterprise {
	e := &enterprise{
		info:     androidenterprise.Enterprise{Id: newID("LC"), Name: name, EnterpriseType: playAccounts},
		accounts: map[string]bool{},
		users:    map[string]*user{},
	}
	for _, a := range accounts {
		e.accounts[a] = true
	}
	s.enterprises[e.info.Id] = e
	return e
}
