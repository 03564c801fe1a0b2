package workspacetest

import (
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

// PasswordPolicy is what a customer's own rules ask of passwords, beside what the API
// asks of all (8 to 100 characters of ASCII). What does not fit is refused with 400
// "Invalid Password". Google judges plain passwords alone, and documents neither the
// words nor whether a user may be given the present password again where reuse is
// off, so that is for tests to say.
type PasswordPolicy struct {
	// MinLength is the least number of characters; 0 is the API's.
	MinLength int
	// RefuseEarlier refuses what the user had before the present password.
	RefuseEarlier bool
	// RefusePresent refuses what the user has already.
	RefusePresent bool
}

// SetPasswordPolicy changes the customer's rules. Passwords that are set already stay.
func (s *Server) SetPasswordPolicy(customerID string, p PasswordPolicy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cu := s.customers[customerID]; cu != nil {
		cu.passwords = p
	}
}

// takes reports whether the user may be given a plain password.
func (p PasswordPolicy) takes(r *record, password string) bool {
	if len(password) < p.MinLength {
		return false
	}
	if r.more == nil {
		return true
	}
	v := secret.New(password)
	if r.more.hash == "" && r.more.password.Equal(v) {
		return !p.RefusePresent
	}
	return !p.RefuseEarlier || !slices.ContainsFunc(r.more.sets, func(was PasswordSet) bool {
		return was.Hash == "" && was.Password.Equal(v)
	})
}

// PasswordSet is one setting of a user's password that was carried out, whatever was
// answered.
type PasswordSet struct {
	At time.Time
	// Password is the clear one, or the hash that Hash says.
	Password secret.Value
	Hash     string
}

// PasswordSets returns how the user's password was set, oldest first: at
// users.insert, and by each update that had one, also of the same. The last is the
// present one. A user who was made by AddUser or Seed has none at first. Deleted users
// are found by their id.
func (s *Server) PasswordSets(userKey string) []PasswordSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.findLocked(userKey); r != nil && r.more != nil {
		return slices.Clone(r.more.sets)
	}
	return nil
}

// ClearPasswords returns which clear password each living user of the customer has
// now, by id. Users without one, and those who have a hash, are not in it.
func (s *Server) ClearPasswords(customerID string) map[string]secret.Value {
	s.mu.Lock()
	defer s.mu.Unlock()
	have := map[string]secret.Value{}
	cu := s.customers[customerID]
	if cu == nil {
		return have
	}
	for _, r := range cu.index.all() {
		if r.more != nil && r.more.hash == "" && !r.more.password.Empty() {
			have[idText(r.id)] = r.more.password
		}
	}
	return have
}
