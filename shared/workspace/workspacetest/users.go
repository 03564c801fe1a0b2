package workspacetest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

func (s *Server) getUser(c call) (any, *googletest.Error) {
	r, refused := s.userLocked(c)
	if refused != nil {
		return nil, refused
	}
	if c.header.Get("If-None-Match") == r.etag() {
		return nil, &googletest.Error{Status: http.StatusNotModified}
	}
	return s.userReply(c, r), nil
}

func (s *Server) insertUser(c call) (any, *googletest.Error) {
	body, refused := decodeFields(c)
	if refused != nil {
		return nil, refused
	}
	r := &record{orgUnitPath: "/", customer: c.subject.customer, created: s.opt.Now().UnixNano(), flags: inserted}
	e := edit{record: r, replace: true}
	if refused := s.applyLocked(&e, body); refused != nil {
		return nil, refused
	}
	switch {
	case r.email == "":
		return nil, invalid("Invalid Input: primary_user_email")
	case r.given == "":
		return nil, invalid("Invalid Given/Family Name: GivenName")
	case r.family == "":
		return nil, invalid("Invalid Given/Family Name: FamilyName")
	case r.more == nil || r.more.password.Empty():
		return nil, invalid("Invalid Password")
	}
	if s.byAddress[strings.ToLower(r.email)] != nil {
		return nil, duplicate()
	}
	if refused := s.spendCreationLocked(r.domain()); refused != nil {
		return nil, refused
	}
	r.id = s.newIDLocked()
	s.byID[r.id] = r
	s.byAddress[strings.ToLower(r.email)] = r
	r.customer.index.insert(r)
	s.announceLocked("add", r)
	return s.userReply(c, r), nil
}

func (s *Server) updateUser(c call) (any, *googletest.Error) { return s.changeUser(c, true) }
func (s *Server) patchUser(c call) (any, *googletest.Error)  { return s.changeUser(c, false) }

// changeUser applies all of the body or nothing.
func (s *Server) changeUser(c call, replace bool) (any, *googletest.Error) {
	r, refused := s.userLocked(c)
	if refused != nil {
		return nil, refused
	}
	if refused := c.mayChange(r); refused != nil {
		return nil, refused
	}
	body, refused := decodeFields(c)
	if refused != nil {
		return nil, refused
	}
	e := edit{record: r.clone(), replace: replace}
	if refused := s.applyLocked(&e, body); refused != nil {
		return nil, refused
	}
	if refused := s.commitLocked(r, e.record); refused != nil {
		return nil, refused
	}
	s.announceLocked("update", r)
	return s.userReply(c, r), nil
}

// maxAliases is how many a user may have.
const maxAliases = 30

// commitLocked makes r what draft is. An address that changes stays as an alias.
func (s *Server) commitLocked(r, draft *record) *googletest.Error {
	if draft.email != r.email {
		if owner := s.byAddress[strings.ToLower(draft.email)]; owner != nil && owner != r {
			return duplicate()
		}
		m := draft.rare()
		m.aliases = slices.DeleteFunc(slices.Clone(m.aliases), func(a string) bool { return strings.EqualFold(a, draft.email) })
		if !strings.EqualFold(draft.email, r.email) {
			m.aliases = append(m.aliases, r.email)
		}
		if len(m.aliases) > maxAliases {
			return &googletest.Error{Status: http.StatusForbidden, Reason: "limitExceeded", Message: "Limit reached."}
		}
		r.customer.index.remove(r)
		s.byAddress[strings.ToLower(draft.email)] = r
	}
	moved := draft.email != r.email
	*r = *draft
	if moved {
		r.customer.index.insert(r)
	}
	r.touch()
	return nil
}

func (r *record) clone() *record {
	c := *r
	if r.more != nil {
		m := *r.more
		m.fields = make(map[string]json.RawMessage, len(r.more.fields))
		for k, v := range r.more.fields {
			m.fields[k] = v
		}
		c.more = &m
	}
	return &c
}
