package playtest

import (
	"cmp"
	"maps"
	"slices"
)

// Snapshot is the state of a Server at one moment, for tests to compare.
type Snapshot struct {
	// Enterprises are those not deleted, by name.
	Enterprises []Enterprise
	// Notifications is how many nobody has acknowledged.
	Notifications int
}

// Enterprise is an enterprise in a Snapshot.
type Enterprise struct {
	ID   string
	Name string
	// Users are the accounts, by identifier.
	Users []User
}

// User is an account in a Snapshot.
type User struct {
	ID          string
	Identifier  string
	Type        string
	DisplayName string
	// AccountName is the name that the account has on devices.
	AccountName string
	// Devices are Android IDs, the oldest binding first.
	Devices []string
	// Tokens counts the account's authentication tokens by state.
	Tokens map[TokenState]int
}

// Snapshot returns the state now.
func (s *Server) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Snapshot{Notifications: len(s.pending)}
	for _, e := range s.enterprises {
		if !e.deleted {
			out.Enterprises = append(out.Enterprises, s.enterpriseSnapshotLocked(e))
		}
	}
	slices.SortFunc(out.Enterprises, func(a, b Enterprise) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Users returns the accounts of an enterprise, by identifier.
func (s *Server) Users(enterpriseID string) []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.enterprises[enterpriseID]; e != nil {
		return s.enterpriseSnapshotLocked(e).Users
	}
	return nil
}

func (s *Server) enterpriseSnapshotLocked(e *enterprise) Enterprise {
	out := Enterprise{ID: e.info.Id, Name: e.info.Name}
	for u := range maps.Values(e.users) {
		v := User{
			ID: u.info.Id, Identifier: u.info.AccountIdentifier, Type: u.info.AccountType,
			DisplayName: u.info.DisplayName, AccountName: u.accountName, Tokens: map[TokenState]int{},
		}
		for _, b := range u.devices {
			v.Devices = append(v.Devices, b.androidID)
		}
		for _, t := range u.tokens {
			v.Tokens[t.at(s.opt.Now())]++
		}
		out.Users = append(out.Users, v)
	}
	slices.SortFunc(out.Users, func(a, b User) int {
		return cmp.Or(cmp.Compare(a.Identifier, b.Identifier), cmp.Compare(a.ID, b.ID))
	})
	return out
}
