package workspacetest

import (
	"encoding/json"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

func (s *Server) deleteUser(c call) (any, *googletest.Error) {
	r, refused := s.userLocked(c)
	if refused != nil {
		return nil, refused
	}
	if refused := c.mayChange(r); refused != nil {
		return nil, refused
	}
	s.removeLocked(r)
	return nil, nil
}

func (s *Server) removeLocked(r *record) {
	r.customer.index.remove(r)
	for _, a := range append([]string{r.email}, r.aliases()...) {
		delete(s.byAddress, strings.ToLower(a))
	}
	r.rare().deleted = s.opt.Now().UnixNano()
	r.touch()
	r.customer.deleted.insert(r)
	s.announceLocked("delete", r)
}

func (s *Server) undeleteUser(c call) (any, *googletest.Error) {
	var body struct {
		OrgUnitPath string `json:"orgUnitPath"`
	}
	if err := json.Unmarshal(c.Body, &body); err != nil {
		return nil, invalid("The body does not fit.")
	}
	s.expireLocked(c.subject.customer)
	r := s.recordByIDLocked(c.Path["userKey"])
	switch {
	case r == nil:
		return nil, conditionNotMet("Could not undelete: there is no such deleted user.")
	case r.customer != c.subject.customer:
		return nil, forbidden()
	case r.deletedAt() == 0:
		return nil, conditionNotMet("Could not undelete: the user is not deleted.")
	case s.byAddress[strings.ToLower(r.email)] != nil:
		return nil, conditionNotMet("Could not undelete: the address is taken.")
	}
	if body.OrgUnitPath != "" {
		if !r.customer.units[body.OrgUnitPath] {
			return nil, invalid("Invalid Input: INVALID_OU_ID")
		}
		r.orgUnitPath = body.OrgUnitPath
	}
	r.customer.deleted.remove(r)
	r.more.deleted = 0
	r.touch()
	r.customer.index.insert(r)
	for _, a := range append([]string{r.email}, r.more.aliases...) {
		if s.byAddress[strings.ToLower(a)] == nil {
			s.byAddress[strings.ToLower(a)] = r
		}
	}
	s.announceLocked("undelete", r)
	return nil, nil
}

func (s *Server) makeAdmin(c call) (any, *googletest.Error) {
	var body struct {
		Status bool `json:"status"`
	}
	if err := json.Unmarshal(c.Body, &body); err != nil {
		return nil, invalid("The body does not fit.")
	}
	r, refused := s.userLocked(c)
	if refused != nil {
		return nil, refused
	}
	if !c.subject.is(admin) {
		return nil, forbidden()
	}
	r.set(admin, body.Status)
	r.touch()
	s.announceLocked("makeAdmin", r)
	return nil, nil
}

func (s *Server) signOut(c call) (any, *googletest.Error) {
	r, refused := s.userLocked(c)
	if refused != nil {
		return nil, refused
	}
	if refused := c.mayChange(r); refused != nil {
		return nil, refused
	}
	s.signOuts[r.id]++
	return nil, nil
}
