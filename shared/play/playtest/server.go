package playtest

import (
	"crypto/rsa"
	_ "embed"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// discoveryJSON is the trimmed discovery document of google.golang.org/api's
// androidenterprise/v1; go test -run TestDiscoveryDocument -update renews it.
//
//go:embed androidenterprise-api.json
var discoveryJSON []byte

var parseDiscovery = sync.OnceValues(func() (*googletest.Discovery, error) {
	return googletest.ParseDiscovery(discoveryJSON)
})

// LimitBehaviour is what the device above MaxDevices of a user account meets;
// Google documents the maximum and not this.
type LimitBehaviour int

// The behaviours at the limit.
const (
	// Reject refuses the device with TOO_MANY_DEVICES.
	Reject LimitBehaviour = iota
	// Evict takes the account from the device that has had it longest.
	Evict
)

// Options adjusts a Server; the zero value of each field means its default.
type Options struct {
	// Now is the clock of everything but the OAuth endpoint, default time.Now.
	Now func() time.Time
	// TokenTTL is how long an authentication token lives, default 5 min; Google
	// says "a few minutes".
	TokenTTL time.Duration
	// Limit is what the device above MaxDevices meets, default Reject.
	Limit LimitBehaviour
	// MaxDevices is the limit of a user account, default 10.
	MaxDevices int
	// AckLease is how long a pulled set of notifications is kept from others,
	// default 20 s.
	AckLease time.Duration
	// SetSize is the most notifications in one set, default 20.
	SetSize int
	// LongPoll is how long waitForNotifications waits, default 20 s.
	LongPoll time.Duration
	// QuotaPerMinute is how many calls a service account may make in a minute,
	// default 60,000.
	QuotaPerMinute int
	// Faults is the script to follow; nil is an empty one, see Server.Faults.
	Faults *googletest.Faults
	// Tokens is the OAuth endpoint, to share one with another simulator; nil is
	// one of the server's own, on the machine's clock. Either is under /token.
	Tokens *googletest.TokenEndpoint
	// NewKey makes keys for the server's own OAuth endpoint; nil makes a new one
	// each time (googletest.KeyRing saves that time in tests).
	NewKey func() (*rsa.PrivateKey, error)
}

// Server is the simulator. It may be used concurrently, and every method that
// tests call sees the state at once.
type Server struct {
	// URL is the root, without a slash at the end.
	URL string
	// Faults scripts failures and counts calls by method id; those of the
	// server's own OAuth endpoint (googletest.TokenMethod) included.
	Faults *googletest.Faults
	// Tokens is the OAuth endpoint.
	Tokens *googletest.TokenEndpoint

	opt     Options
	checker *googletest.Checker
	http    *httptest.Server
	state
}

// New starts a Server on a loopback port; Close it.
func New(opt Options) *Server {
	s := NewHandler("", opt)
	s.http = httptest.NewServer(s)
	s.URL = s.http.URL
	return s
}

// NewHandler returns a Server that listens nowhere: serve it as an http.Handler
// at the root URL baseURL, which new key files name in their token_uri.
func NewHandler(baseURL string, opt Options) *Server {
	doc, err := parseDiscovery()
	if err != nil {
		// The document is part of this package; only its authors can break it.
		panic(err)
	}
	baseURL = strings.TrimSuffix(baseURL, "/")
	opt.fill(baseURL)
	s := &Server{URL: baseURL, Faults: opt.Faults, Tokens: opt.Tokens, opt: opt}
	s.checker = googletest.NewChecker(doc, s.Tokens.Grant)
	s.start()
	return s
}

func (o *Options) fill(baseURL string) {
	if o.Now == nil {
		o.Now = time.Now
	}
	orDuration := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	orInt := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	orDuration(&o.TokenTTL, 5*time.Minute)
	orDuration(&o.AckLease, 20*time.Second)
	orDuration(&o.LongPoll, 20*time.Second)
	orInt(&o.MaxDevices, 10)
	orInt(&o.SetSize, 20)
	orInt(&o.QuotaPerMinute, 60_000)
	if o.Faults == nil {
		o.Faults = googletest.NewFaults(googletest.FaultOptions{})
	}
	if o.Tokens == nil {
		tokens := googletest.TokenOptions{Faults: o.Faults, NewKey: o.NewKey}
		if baseURL != "" {
			// Behind a proxy the request's own host is not what key files name.
			tokens.URL = baseURL + "/token"
		}
		o.Tokens = googletest.NewTokenEndpoint(tokens)
	}
}

// Close stops a Server of New; for one of NewHandler it does nothing.
func (s *Server) Close() {
	if s.http != nil {
		s.http.CloseClientConnections()
		s.http.Close()
	}
}

// NewServiceAccount makes a service account whose key file sends its assertions
// to this server. name is the part of its address before the @.
func (s *Server) NewServiceAccount(name string) (googletest.ServiceAccount, error) {
	return s.Tokens.NewServiceAccount(name, s.URL+"/token")
}

// ServeHTTP answers the OAuth endpoint at /token and the API everywhere else.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		s.Tokens.ServeHTTP(w, r)
		return
	}
	// Faults come before the checks: a server that is down checks nothing. The
	// body is read within, so a script that echoes still finds it.
	method := "unknown"
	if m := s.resolve(r); m != "" {
		method = m
	}
	s.Faults.Serve(w, r, method, http.HandlerFunc(s.serve))
}

func (s *Server) resolve(r *http.Request) string {
	doc, err := parseDiscovery()
	if err != nil {
		return ""
	}
	m, _ := doc.Resolve(r)
	if m == nil {
		return ""
	}
	return m.ID
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	call, refused := s.checker.Check(r)
	if refused != nil {
		googletest.WriteError(w, *refused)
		return
	}
	if refused := s.spendQuota(call.Grant.Account); refused != nil {
		googletest.WriteError(w, *refused)
		return
	}
	h, ok := handlers[call.Method.ID]
	if !ok {
		googletest.WriteError(w, googletest.Error{Status: http.StatusNotImplemented, Reason: "notImplemented",
			Message: "The simulator does not have " + call.Method.ID})
		return
	}
	result, refused := h(s, r.Context(), call)
	if refused != nil {
		googletest.WriteError(w, *refused)
		return
	}
	googletest.WriteJSON(w, result)
}
