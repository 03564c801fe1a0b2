package workspacetest

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// AddCustomer makes a Workspace account with these domains, the first of which
// is the primary one, and returns its id.
func (s *Server) AddCustomer(domains ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	cu := &customer{
		id:      fmt.Sprintf("C%08x", s.newIDLocked()>>32),
		domains: map[string]bool{},
		units:   map[string]bool{"/": true},
	}
	for _, d := range domains {
		d = strings.ToLower(d)
		cu.domains[d] = true
		s.domains[d] = cu
	}
	s.customers[cu.id] = cu
	return cu.id
}

// AddOrgUnit makes an organizational unit; "/" is there from the start.
func (s *Server) AddOrgUnit(customerID, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cu := s.customers[customerID]; cu != nil {
		cu.units[path] = true
	}
}

// AddAdmin makes a super admin, who may be impersonated at once, and returns the
// id.
func (s *Server) AddAdmin(address string) (string, error) {
	id, err := s.AddUser(User{PrimaryEmail: address, GivenName: "Ada", FamilyName: "Admin", Admin: true})
	if err == nil {
		s.Tokens.SetSubject(address, googletest.SubjectActive)
	}
	return id, err
}

// User is a user as tests make and see one.
type User struct {
	// ID is Google's; new users get another.
	ID           string
	PrimaryEmail string
	GivenName    string
	FamilyName   string
	DisplayName  string
	// OrgUnitPath is "/" where it is empty. Units are made as needed.
	OrgUnitPath    string
	Aliases        []string
	Suspended      bool
	Archived       bool
	ChangePassword bool
	Admin          bool
	DelegatedAdmin bool
	// CreatedAt is now where it is zero.
	CreatedAt time.Time
	// Fields are all other writable fields that have a value.
	Fields map[string]json.RawMessage
}

// AddUser makes a user in the customer of the address's domain, as somebody at
// Google's console does, and returns the id. Channels are told.
func (s *Server) AddUser(u User) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.seedLocked(u)
	if err != nil {
		return "", err
	}
	s.announceLocked("add", r)
	return idText(r.id), nil
}

// Seed makes many users, fast: they are sorted once, at first use. It tells
// nobody, whatever channels are open.
func (s *Server) Seed(users iter.Seq[User]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for u := range users {
		if _, err := s.seedLocked(u); err != nil {
			return err
		}
	}
	return nil
}

// Numbered yields n users user-0000000@domain and so on.
func Numbered(domain string, n int) iter.Seq[User] {
	return func(yield func(User) bool) {
		for i := range n {
			if !yield(User{PrimaryEmail: fmt.Sprintf("user-%07d@%s", i, domain), GivenName: "User", FamilyName: "Numbered"}) {
				return
			}
		}
	}
}

func (s *Server) seedLocked(u User) (*record, error) {
	cu := s.domains[domainOf(u.PrimaryEmail)]
	if cu == nil {
		return nil, fmt.Errorf("no customer has the domain of %q", u.PrimaryEmail)
	}
	for _, a := range append([]string{u.PrimaryEmail}, u.Aliases...) {
		if s.byAddress[strings.ToLower(a)] != nil {
			return nil, fmt.Errorf("%q is taken", a)
		}
	}
	r := &record{
		email: u.PrimaryEmail, given: u.GivenName, family: u.FamilyName, orgUnitPath: u.OrgUnitPath, customer: cu,
		created: u.CreatedAt.UnixNano(),
	}
	if u.CreatedAt.IsZero() {
		r.created = s.opt.Now().UnixNano()
	}
	if r.orgUnitPath == "" {
		r.orgUnitPath = "/"
	}
	cu.units[r.orgUnitPath] = true
	r.setFlags(u)
	if u.DisplayName != "" || len(u.Aliases) > 0 || len(u.Fields) > 0 {
		r.more = &rareFields{displayName: u.DisplayName, aliases: slices.Clone(u.Aliases), fields: u.Fields}
	}
	r.id = s.newIDLocked()
	s.byID[r.id] = r
	for _, a := range append([]string{r.email}, u.Aliases...) {
		s.byAddress[strings.ToLower(a)] = r
	}
	cu.index.append(r)
	return r, nil
}

func (r *record) setFlags(u User) {
	r.set(suspended, u.Suspended)
	r.set(archived, u.Archived)
	r.set(changePassword, u.ChangePassword)
	r.set(admin, u.Admin)
	r.set(delegatedAdmin, u.DelegatedAdmin)
}
