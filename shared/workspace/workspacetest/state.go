package workspacetest

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

const (
	prefix     = "directory.users."
	stopMethod = "admin.channels.stop"
)

// call is a checked request of an admin.
type call struct {
	googletest.Call
	header  http.Header
	subject *record
	mask    mask
}

type handler func(*Server, call) (any, *googletest.Error)

// handlers are the methods that the simulator has, by id. They run under the lock.
var handlers = map[string]handler{
	prefix + "list":      (*Server).listUsers,
	prefix + "get":       (*Server).getUser,
	prefix + "insert":    (*Server).insertUser,
	prefix + "update":    (*Server).updateUser,
	prefix + "patch":     (*Server).patchUser,
	prefix + "delete":    (*Server).deleteUser,
	prefix + "undelete":  (*Server).undeleteUser,
	prefix + "makeAdmin": (*Server).makeAdmin,
	prefix + "signOut":   (*Server).signOut,
	prefix + "watch":     (*Server).watchUsers,
	stopMethod:           (*Server).stopChannel,
}

// state is everything that Google remembers. Names that end in Locked need mu.
type state struct {
	mu        sync.Mutex
	customers map[string]*customer // by id
	domains   map[string]*customer // by name in lower case
	byID      map[uint64]*record   // deleted ones included
	byAddress map[string]*record   // primary addresses and aliases in lower case
	ids       uint64               // how many ids were made
	tokenKey  []byte
	quota     map[string]*window
	creations map[string]*window // by domain
	faults    []*ListFault
	channels  map[string]*channel
	signOuts  map[uint64]int
}

func (s *state) start() {
	s.customers = map[string]*customer{}
	s.domains = map[string]*customer{}
	s.byID = map[uint64]*record{}
	s.byAddress = map[string]*record{}
	s.quota = map[string]*window{}
	s.creations = map[string]*window{}
	s.channels = map[string]*channel{}
	s.signOuts = map[uint64]int{}
	s.tokenKey = make([]byte, 32)
	// crypto/rand never fails.
	_, _ = rand.Read(s.tokenKey)
}

// customer is one Workspace account.
type customer struct {
	id      string
	domains map[string]bool
	units   map[string]bool
	index   index // the living
	deleted index
	// passwords is what the customer's own policy asks of passwords.
	passwords PasswordPolicy
}

// window counts calls within one period.
type window struct {
	from time.Time
	used int
}

func spend(windows map[string]*window, key string, now time.Time, period time.Duration, limit int) bool {
	w := windows[key]
	if from := now.Truncate(period); w == nil || !w.from.Equal(from) {
		w = &window{from: from}
		windows[key] = w
	}
	w.used++
	return w.used <= limit
}

func (s *Server) spendQuotaLocked(who string) *googletest.Error {
	if spend(s.quota, who, s.opt.Now(), time.Minute, s.opt.QuotaPerMinute) {
		return nil
	}
	return &googletest.Error{Status: http.StatusForbidden, Reason: "userRateLimitExceeded", Message: "Rate Limit Exceeded"}
}

func (s *Server) spendCreationLocked(domain string) *googletest.Error {
	if spend(s.creations, domain, s.opt.Now(), time.Second, s.opt.CreationsPerSecond) {
		return nil
	}
	return &googletest.Error{Status: http.StatusServiceUnavailable, Reason: "quotaExceeded", Message: "Quota exceeded."}
}

func notFound(what string) *googletest.Error {
	return &googletest.Error{Status: http.StatusNotFound, Reason: "notFound", Message: "Resource Not Found: " + what}
}

func invalid(message string) *googletest.Error {
	return &googletest.Error{Status: http.StatusBadRequest, Reason: "invalid", Message: message}
}

func duplicate() *googletest.Error {
	return &googletest.Error{Status: http.StatusConflict, Reason: "duplicate", Message: "Entity already exists."}
}

func conditionNotMet(message string) *googletest.Error {
	return &googletest.Error{Status: http.StatusPreconditionFailed, Reason: "conditionNotMet", Message: message}
}
