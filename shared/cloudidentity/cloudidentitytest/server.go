package cloudidentitytest

import (
	_ "embed"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// discoveryJSON is the discovery document of google.golang.org/api's
// cloudidentity/v1, trimmed to policies; go test -run TestDiscoveryDocument -update
// renews it.
//
//go:embed cloudidentity-api.json
var discoveryJSON []byte

var parseDiscovery = sync.OnceValues(func() (*googletest.Discovery, error) {
	return googletest.ParseDiscovery(discoveryJSON)
})

// ListMethod is the id of policies.list in fault scripts and counts.
const ListMethod = "cloudidentity.policies.list"

// Options adjusts a Server; the zero value of each field means its default.
type Options struct {
	// Faults is the script to follow; nil is an empty one, see Server.Faults.
	Faults *googletest.Faults
	// Tokens is the OAuth endpoint, to share one with another simulator; nil is one
	// of the server's own. Either is under /token.
	Tokens *googletest.TokenEndpoint
	// MaxPage is how many policies a page has at most, default 100 as Google's.
	MaxPage int
}

// Server is the simulator. It may be used concurrently, and every method that tests
// call sees the state at once.
type Server struct {
	// URL is the root, without a slash at the end.
	URL string
	// Faults scripts failures and counts calls by method id.
	Faults *googletest.Faults
	// Tokens is the OAuth endpoint.
	Tokens *googletest.TokenEndpoint

	doc     *googletest.Discovery
	checker *googletest.Checker
	http    *httptest.Server
	maxPage int

	mu       sync.Mutex
	admins   map[string]bool // super administrators, in lower case
	policies []Policy
}

// New starts a Server on a loopback port; Close it.
func New(opt Options) *Server {
	s := NewHandler(opt)
	s.http = httptest.NewServer(s)
	s.URL = s.http.URL
	return s
}

// NewHandler returns a Server that listens nowhere: serve it as an http.Handler.
func NewHandler(opt Options) *Server {
	doc, err := parseDiscovery()
	if err != nil {
		// The document is part of this package; only its authors can break it.
		panic(err)
	}
	if opt.Faults == nil {
		opt.Faults = googletest.NewFaults(googletest.FaultOptions{})
	}
	if opt.Tokens == nil {
		opt.Tokens = googletest.NewTokenEndpoint(googletest.TokenOptions{Faults: opt.Faults})
	}
	if opt.MaxPage <= 0 {
		opt.MaxPage = 100
	}
	s := &Server{Faults: opt.Faults, Tokens: opt.Tokens, doc: doc, maxPage: opt.MaxPage, admins: map[string]bool{}}
	s.checker = googletest.NewChecker(doc, s.Tokens.Grant)
	return s
}

// Close stops a Server of New.
func (s *Server) Close() {
	if s.http != nil {
		s.http.CloseClientConnections()
		s.http.Close()
	}
}

// NewServiceAccount makes a service account whose key file sends its assertions to
// this server. name is the part of its address before the @; grant it scopes with
// Tokens.Delegate.
func (s *Server) NewServiceAccount(name string) (googletest.ServiceAccount, error) {
	return s.Tokens.NewServiceAccount(name, s.URL+"/token")
}

// SetSuperAdmin says whether the person with this address is a super administrator.
// Who may be impersonated, the OAuth endpoint says.
func (s *Server) SetSuperAdmin(address string, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.admins[strings.ToLower(address)] = is
}

// ServeHTTP answers the OAuth endpoint at /token and the API everywhere else.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		s.Tokens.ServeHTTP(w, r)
		return
	}
	method := "unknown"
	if m, _ := s.doc.Resolve(r); m != nil {
		method = m.ID
	}
	s.Faults.Serve(w, r, method, http.HandlerFunc(s.serve))
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	call, refused := s.checker.Check(r)
	if refused != nil {
		googletest.WriteError(w, *refused)
		return
	}
	if call.Method.ID != ListMethod {
		googletest.WriteError(w, googletest.Error{Status: http.StatusNotImplemented, Reason: "notImplemented",
			Message: "The simulator does not have " + call.Method.ID})
		return
	}
	reply, refused := s.list(call)
	if refused != nil {
		googletest.WriteError(w, *refused)
		return
	}
	googletest.WriteJSON(w, reply)
}
