package workspacetest

import (
	"fmt"
	"strings"
	"time"
)

// Edit changes a user as somebody at Google's console does; channels are told.
// change gets the user as it is. ID, Aliases and CreatedAt cannot be changed; a
// changed address leaves the old one as an alias.
func (s *Server) Edit(userKey string, change func(*User)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.findLocked(userKey)
	if r == nil || r.deletedAt() != 0 {
		return fmt.Errorf("no user %q", userKey)
	}
	u := r.view()
	change(&u)
	if s.domains[domainOf(u.PrimaryEmail)] != r.customer {
		return fmt.Errorf("the customer has no domain of %q", u.PrimaryEmail)
	}
	draft := r.clone()
	draft.email, draft.given, draft.family, draft.orgUnitPath = u.PrimaryEmail, u.GivenName, u.FamilyName, u.OrgUnitPath
	draft.setFlags(u)
	r.customer.units[u.OrgUnitPath] = true
	if u.DisplayName != "" || len(u.Fields) > 0 || draft.more != nil {
		draft.rare().displayName, draft.rare().fields = u.DisplayName, u.Fields
	}
	if refused := s.commitLocked(r, draft); refused != nil {
		return refused
	}
	s.announceLocked("update", r)
	return nil
}

// Remove deletes a user at Google without the caller's doing.
func (s *Server) Remove(userKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.findLocked(userKey); r != nil && r.deletedAt() == 0 {
		s.removeLocked(r)
	}
}

// HideStatus makes replies about the user lack suspended and archived, or have
// them again.
func (s *Server) HideStatus(userKey string, hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.findLocked(userKey); r != nil {
		r.set(statusHidden, hidden)
	}
}

// Young makes calls for the user meet one of Options.Unsettled in turn until that
// moment, as those for a user do who was just made, whoever made this one. Options
// say which: with the 404 alone the user is not known yet to the server that answers,
// and with the 412 alone known and not ready. A time that is over ends it.
func (s *Server) Young(userKey string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.findLocked(userKey); r != nil {
		r.rare().youngUntil = until.UnixNano()
	}
}

func (s *Server) findLocked(userKey string) *record {
	if r := s.byAddress[strings.ToLower(userKey)]; r != nil {
		return r
	}
	return s.recordByIDLocked(userKey)
}
