package playtest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/api/androidenterprise/v1"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

type handler func(s *Server, ctx context.Context, c googletest.Call) (any, *googletest.Error)

const prefix = "androidenterprise."

// handlers are the methods that the simulator has, by id.
var handlers = map[string]handler{
	prefix + "users.insert":                           locked((*Server).insertUser),
	prefix + "users.update":                           locked((*Server).updateUser),
	prefix + "users.get":                              locked((*Server).getUser),
	prefix + "users.list":                             locked((*Server).listUsers),
	prefix + "users.delete":                           locked((*Server).deleteUser),
	prefix + "users.generateAuthenticationToken":      locked((*Server).mintToken),
	prefix + "users.revokeDeviceAccess":               locked((*Server).revokeDeviceAccess),
	prefix + "devices.list":                           locked((*Server).listDevices),
	prefix + "devices.get":                            locked((*Server).getDevice),
	prefix + "devices.getState":                       locked((*Server).getDeviceState),
	prefix + "devices.setState":                       locked((*Server).setDeviceState),
	prefix + "enterprises.get":                        locked((*Server).getEnterprise),
	prefix + "enterprises.list":                       locked((*Server).listEnterprises),
	prefix + "enterprises.generateSignupUrl":          locked((*Server).generateSignupURL),
	prefix + "enterprises.completeSignup":             locked((*Server).completeSignup),
	prefix + "enterprises.enroll":                     locked((*Server).enroll),
	prefix + "enterprises.unenroll":                   locked((*Server).unenroll),
	prefix + "enterprises.setAccount":                 locked((*Server).setAccount),
	prefix + "enterprises.pullNotificationSet":        (*Server).pull,
	prefix + "enterprises.acknowledgeNotificationSet": locked((*Server).acknowledge),
}

func locked(h func(*Server, googletest.Call) (any, *googletest.Error)) handler {
	return func(s *Server, _ context.Context, c googletest.Call) (any, *googletest.Error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return h(s, c)
	}
}

// state is everything that Google remembers. Names that end in Locked need mu.
type state struct {
	mu          sync.Mutex
	enterprises map[string]*enterprise
	tokens      map[string]*token
	minted      []string // every authentication token, in order
	signups     map[string]*signup
	pending     []*pending
	arrived     chan struct{} // closed when a notification comes
	sets        map[string]bool
	quota       map[string]*window
	inserts     int
}

func (s *state) start() {
	s.enterprises = map[string]*enterprise{}
	s.tokens = map[string]*token{}
	s.signups = map[string]*signup{}
	s.sets = map[string]bool{}
	s.quota = map[string]*window{}
	s.arrived = make(chan struct{})
}

type enterprise struct {
	info     androidenterprise.Enterprise
	accounts map[string]bool // service accounts that may act on it
	users    map[string]*user
	deleted  bool
}

type user struct {
	info        androidenterprise.User
	accountName string
	tokens      []*token
	devices     []*binding // oldest first
}

// binding is an account on a device, as Google sees it.
type binding struct {
	androidID string
	held      *held
	state     string
}

type window struct {
	minute time.Time
	used   int
}

func (s *Server) spendQuota(account string) *googletest.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.quota[account]
	if minute := s.opt.Now().Truncate(time.Minute); w == nil || !w.minute.Equal(minute) {
		w = &window{minute: minute}
		s.quota[account] = w
	}
	if w.used++; w.used > s.opt.QuotaPerMinute {
		return &googletest.Error{Status: http.StatusTooManyRequests, Reason: "rateLimitExceeded", Message: "Too Many Requests"}
	}
	return nil
}

// enterpriseLocked finds the call's enterprise: 404 for one that is unknown or
// gone, 403 for one that the caller's service account is not bound to.
func (s *Server) enterpriseLocked(c googletest.Call) (*enterprise, *googletest.Error) {
	e := s.enterprises[c.Path["enterpriseId"]]
	if e == nil || e.deleted {
		return nil, notFound("enterprise")
	}
	if !e.accounts[c.Grant.Account] {
		return nil, &googletest.Error{Status: http.StatusForbidden, Reason: "forbidden",
			Message: "The caller is not authorized to manage this enterprise."}
	}
	return e, nil
}

func (s *Server) userLocked(c googletest.Call) (*enterprise, *user, *googletest.Error) {
	e, refused := s.enterpriseLocked(c)
	if refused != nil {
		return nil, nil, refused
	}
	u := e.users[c.Path["userId"]]
	if u == nil {
		return nil, nil, notFound("user")
	}
	return e, u, nil
}

func notFound(what string) *googletest.Error {
	return &googletest.Error{Status: http.StatusNotFound, Reason: "notFound", Message: "Resource Not Found: " + what}
}

func invalid(message string) *googletest.Error {
	return &googletest.Error{Status: http.StatusBadRequest, Reason: "invalid", Message: message}
}

func decode[T any](c googletest.Call) (*T, *googletest.Error) {
	v := new(T)
	if err := json.Unmarshal(c.Body, v); err != nil {
		return nil, invalid("The body does not fit.")
	}
	return v, nil
}

// withKind adds the kind that Google's server still sends and its discovery
// document no longer declares.
func withKind(kind string, v any) (any, *googletest.Error) {
	b, err := json.Marshal(v)
	m := map[string]any{}
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return nil, &googletest.Error{Status: http.StatusInternalServerError, Reason: "backendError", Message: "Backend Error"}
	}
	m["kind"] = "androidenterprise#" + kind
	return m, nil
}

// newID returns a random id that says nothing about what it names.
func newID(prefix string) string { return prefix + strings.ToLower(rand.Text()[:16]) }
