package workspacetest

import (
	"net/http"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

const notAuthorized = "Not Authorized to access this resource/api"

func forbidden() *googletest.Error {
	return &googletest.Error{Status: http.StatusForbidden, Reason: "forbidden", Message: notAuthorized}
}

// subjectLocked finds the impersonated admin. The service account itself has no
// rights in any directory, and neither has a person who is no admin.
func (s *Server) subjectLocked(address string) (*record, *googletest.Error) {
	r := s.byAddress[strings.ToLower(address)]
	if address == "" || r == nil || r.is(suspended) || !r.isAnyAdmin() {
		return nil, forbidden()
	}
	return r, nil
}

// mayChange refuses what a delegated admin may not do to another admin.
func (c call) mayChange(r *record) *googletest.Error {
	if r.isAnyAdmin() && !c.subject.is(admin) {
		return forbidden()
	}
	return nil
}

// customerLocked finds the customer that the parameters customer or domain name;
// domain is empty where all domains are meant.
func (s *Server) customerLocked(c call) (cu *customer, domain string, refused *googletest.Error) {
	id, domain := c.Query.Get("customer"), strings.ToLower(c.Query.Get("domain"))
	switch {
	case (id == "") == (domain == ""):
		return nil, "", &googletest.Error{Status: http.StatusBadRequest, Reason: "badRequest", Message: "Bad Request"}
	case domain != "":
		if cu = s.domains[domain]; cu == nil {
			return nil, "", notFound("domain")
		}
	case id == "my_customer":
		cu = c.subject.customer
	default:
		if cu = s.customers[id]; cu == nil {
			return nil, "", notFound("customer")
		}
	}
	if cu != c.subject.customer {
		return nil, "", forbidden()
	}
	return cu, domain, nil
}

// userLocked finds the living user of the call by address, alias or id.
func (s *Server) userLocked(c call) (*record, *googletest.Error) {
	key := c.Path["userKey"]
	r := s.byAddress[strings.ToLower(key)]
	if r == nil {
		s.expireLocked(c.subject.customer)
		if r = s.recordByIDLocked(key); r != nil && r.deletedAt() != 0 {
			return nil, conditionNotMet("User is deleted.")
		}
	}
	if r == nil {
		return nil, notFound("userKey")
	}
	if r.customer != c.subject.customer {
		return nil, forbidden()
	}
	if refused := s.unsettledLocked(r); refused != nil {
		return nil, refused
	}
	return r, nil
}

// unsettledLocked returns what a call for a new user meets, each in turn.
func (s *Server) unsettledLocked(r *record) *googletest.Error {
	now := s.opt.Now()
	young := r.more != nil && now.UnixNano() < r.more.youngUntil
	settling := s.opt.Settling > 0 && r.is(inserted) && now.Sub(r.createdAt()) < s.opt.Settling
	if !young && !settling {
		return nil
	}
	m := r.rare()
	e := s.opt.Unsettled[m.unsettled%len(s.opt.Unsettled)]
	m.unsettled++
	return &e
}
