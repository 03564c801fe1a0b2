package playtest

import (
	"net/http"
	"strings"

	"google.golang.org/api/androidenterprise/v1"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

const (
	emmManaged    = "emmManaged"
	googleManaged = "googleManaged"
	userAccount   = "userAccount"
	deviceAccount = "deviceAccount"
)

// insertUser is the documented upsert: the same accountIdentifier finds the same
// user, of which at most displayName changes.
func (s *Server) insertUser(c googletest.Call) (any, *googletest.Error) {
	s.inserts++
	e, refused := s.enterpriseLocked(c)
	if refused != nil {
		return nil, refused
	}
	in, refused := decode[androidenterprise.User](c)
	if refused != nil {
		return nil, refused
	}
	if in.ManagementType == googleManaged || in.PrimaryEmail != "" || in.Id != "" {
		return nil, invalid("Only EMM-managed users can be inserted.")
	}
	for _, u := range e.users {
		if u.info.AccountIdentifier != in.AccountIdentifier {
			continue
		}
		if u.info.AccountType != in.AccountType {
			return nil, invalid("accountType cannot be changed.")
		}
		if in.DisplayName != "" {
			u.info.DisplayName = in.DisplayName
		}
		return withKind("user", u.info)
	}
	u := &user{info: *in, accountName: newID("") + "@managed-play.example"}
	u.info.Id = newID("1")
	u.info.ManagementType = emmManaged
	e.users[u.info.Id] = u
	return withKind("user", u.info)
}

func (s *Server) updateUser(c googletest.Call) (any, *googletest.Error) {
	_, u, refused := s.emmUserLocked(c)
	if refused != nil {
		return nil, refused
	}
	in, refused := decode[androidenterprise.User](c)
	if refused != nil {
		return nil, refused
	}
	same := func(sent, now string) bool { return sent == "" || sent == now }
	if !same(in.Id, u.info.Id) || !same(in.AccountIdentifier, u.info.AccountIdentifier) ||
		!same(in.AccountType, u.info.AccountType) || !same(in.ManagementType, u.info.ManagementType) ||
		!same(in.PrimaryEmail, u.info.PrimaryEmail) {
		return nil, invalid("Only displayName can be changed.")
	}
	u.info.DisplayName = in.DisplayName
	return withKind("user", u.info)
}

func (s *Server) getUser(c googletest.Call) (any, *googletest.Error) {
	_, u, refused := s.userLocked(c)
	if refused != nil {
		return nil, refused
	}
	return withKind("user", u.info)
}

// listUsers finds Google-managed users by exact address and nobody else.
func (s *Server) listUsers(c googletest.Call) (any, *googletest.Error) {
	e, refused := s.enterpriseLocked(c)
	if refused != nil {
		return nil, refused
	}
	out := androidenterprise.UsersListResponse{}
	for _, u := range e.users {
		if u.info.PrimaryEmail != "" && strings.EqualFold(u.info.PrimaryEmail, c.Query.Get("email")) {
			out.User = append(out.User, &u.info)
		}
	}
	return withKind("usersListResponse", out)
}

func (s *Server) deleteUser(c googletest.Call) (any, *googletest.Error) {
	e, u, refused := s.emmUserLocked(c)
	if refused != nil {
		return nil, refused
	}
	delete(e.users, u.info.Id)
	return nil, nil
}

func (s *Server) revokeDeviceAccess(c googletest.Call) (any, *googletest.Error) {
	_, u, refused := s.emmUserLocked(c)
	if refused != nil {
		return nil, refused
	}
	u.devices = nil
	return nil, nil
}

// emmUserLocked refuses Google-managed users.
func (s *Server) emmUserLocked(c googletest.Call) (*enterprise, *user, *googletest.Error) {
	e, u, refused := s.userLocked(c)
	if refused == nil && u.info.ManagementType != emmManaged {
		return nil, nil, &googletest.Error{Status: http.StatusForbidden, Reason: "forbidden",
			Message: "The method is for EMM-managed users only."}
	}
	return e, u, refused
}
