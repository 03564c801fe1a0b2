package workspacetest

import (
	"maps"
	"slices"
)

// UserOf returns the living user with this address, alias or id.
func (s *Server) UserOf(userKey string) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.findLocked(userKey)
	if r == nil || r.deletedAt() != 0 {
		return User{}, false
	}
	return r.view(), true
}

// UserCount returns how many users the customer has.
func (s *Server) UserCount(customerID string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cu := s.customers[customerID]; cu != nil {
		return len(cu.index.sorted)
	}
	return 0
}

// SignOuts returns how often the user was signed out.
func (s *Server) SignOuts(userKey string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.findLocked(userKey); r != nil {
		return s.signOuts[r.id]
	}
	return 0
}

// Snapshot is a customer at one moment, for tests to compare.
type Snapshot struct {
	// Users are the living, by address.
	Users []User
	// Deleted are those who can be restored, by address.
	Deleted []User
	// Channels are the ids of open notification channels, sorted.
	Channels []string
}

// Snapshot returns the customer's state now.
func (s *Server) Snapshot(customerID string) Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	cu := s.customers[customerID]
	if cu == nil {
		return Snapshot{}
	}
	s.expireLocked(cu)
	return Snapshot{Users: views(cu.index.all()), Deleted: views(cu.deleted.all()), Channels: s.openChannelsLocked(cu)}
}

func views(rs []*record) []User {
	out := make([]User, 0, len(rs))
	for _, r := range rs {
		out = append(out, r.view())
	}
	return out
}

func (r *record) view() User {
	u := User{
		ID: idText(r.id), PrimaryEmail: r.email, GivenName: r.given, FamilyName: r.family, OrgUnitPath: r.orgUnitPath,
		Suspended: r.is(suspended), Archived: r.is(archived), ChangePassword: r.is(changePassword),
		Admin: r.is(admin), DelegatedAdmin: r.is(delegatedAdmin), CreatedAt: r.createdAt(),
	}
	if r.more != nil {
		u.DisplayName, u.Aliases, u.Fields = r.more.displayName, slices.Clone(r.more.aliases), maps.Clone(r.more.fields)
	}
	return u
}
