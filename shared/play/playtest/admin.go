package playtest

import (
	"fmt"
	"maps"
	"net/url"
	"slices"

	"google.golang.org/api/androidenterprise/v1"
)

// AddEnterprise makes an enterprise of managed Google Play accounts, bound to the
// given service accounts by e-mail address, and returns its id.
func (s *Server) AddEnterprise(name string, serviceAccounts ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addEnterpriseLocked(name, serviceAccounts...).info.Id
}

// DeleteEnterprise removes the enterprise at Google: calls get 404, and devices
// see its accounts invalidated.
func (s *Server) DeleteEnterprise(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.enterprises[id]; e != nil {
		e.deleted = true
	}
}

// DeleteUser removes an account at Google without this service's doing.
func (s *Server) DeleteUser(enterpriseID, userID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.enterprises[enterpriseID]; e != nil {
		delete(e.users, userID)
	}
}

// AddGoogleUser adds a Google-managed user to the enterprise and returns its id.
func (s *Server) AddGoogleUser(enterpriseID, email string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.enterprises[enterpriseID]
	if e == nil {
		return "", fmt.Errorf("no enterprise %q", enterpriseID)
	}
	u := &user{accountName: email, info: androidenterprise.User{
		Id: newID("1"), AccountType: userAccount, ManagementType: googleManaged, PrimaryEmail: email,
	}}
	e.users[u.info.Id] = u
	return u.info.Id, nil
}

// ApproveSignup plays the administrator who follows a sign-up URL and names the
// enterprise. It returns where Google sends the browser: the callback with its
// enterpriseToken.
func (s *Server) ApproveSignup(signupURL, name string) (*url.URL, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, su := range s.signups {
		if su.url != signupURL {
			continue
		}
		if su.enterpriseToken == "" {
			su.enterpriseToken, su.name = newID("enterprise-"), name
		}
		back, err := url.Parse(su.callback)
		if err != nil {
			return nil, fmt.Errorf("parse callback: %w", err)
		}
		q := back.Query()
		q.Set("enterpriseToken", su.enterpriseToken)
		back.RawQuery = q.Encode()
		return back, nil
	}
	return nil, fmt.Errorf("no sign-up at %q", signupURL)
}

// InsertCalls returns how many Users.insert calls took effect or were refused by
// the method itself; those that a fault stopped before are not among them.
func (s *Server) InsertCalls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inserts
}

// IssuedTokens returns every authentication token ever minted, in order, for
// tests that search logs, errors and stores for them.
func (s *Server) IssuedTokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.minted)
}

// UserCount returns how many accounts the enterprise has.
func (s *Server) UserCount(enterpriseID string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.enterprises[enterpriseID]
	if e == nil {
		return 0
	}
	return len(e.users)
}

// TokenCount returns how many authentication tokens are in the state now.
func (s *Server) TokenCount(state TokenState) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for t := range maps.Values(s.tokens) {
		if t.at(s.opt.Now()) == state {
			n++
		}
	}
	return n
}
