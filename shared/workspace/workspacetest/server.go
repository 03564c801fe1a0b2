package workspacetest

import (
	"context"
	_ "embed"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// discoveryJSON is the discovery document of google.golang.org/api's
// admin/directory/v1, trimmed to users and channels; go test -run
// TestDiscoveryDocument -update renews it.
//
//go:embed admin-api.json
var discoveryJSON []byte

var parseDiscovery = sync.OnceValues(func() (*googletest.Discovery, error) {
	return googletest.ParseDiscovery(discoveryJSON)
})

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
	doc     *googletest.Discovery
	checker *googletest.Checker
	http    *httptest.Server
	stop    context.CancelFunc
	post    *postOffice
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
// at the root URL baseURL, which new key files name in their token_uri. Close it
// all the same where channels were opened.
func NewHandler(baseURL string, opt Options) *Server {
	doc, err := parseDiscovery()
	if err != nil {
		// The document is part of this package; only its authors can break it.
		panic(err)
	}
	baseURL = strings.TrimSuffix(baseURL, "/")
	opt.fill(baseURL)
	s := &Server{URL: baseURL, Faults: opt.Faults, Tokens: opt.Tokens, opt: opt, doc: doc}
	s.checker = googletest.NewChecker(doc, s.Tokens.Grant)
	ctx, cancel := context.WithCancel(context.Background())
	s.stop, s.post = cancel, newPostOffice(ctx, opt)
	s.start()
	return s
}

// Close stops the deliveries and, for a Server of New, the server.
func (s *Server) Close() {
	s.stop()
	if s.http != nil {
		s.http.CloseClientConnections()
		s.http.Close()
	}
	s.post.wait()
}

// NewServiceAccount makes a service account whose key file sends its assertions
// to this server. name is the part of its address before the @; grant it scopes
// with Tokens.Delegate.
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
	if m, _ := s.doc.Resolve(r); m != nil {
		method = m.ID
	}
	s.Faults.Serve(w, r, method, http.HandlerFunc(s.serve))
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	checked, refused := s.checker.Check(r)
	if refused != nil {
		googletest.WriteError(w, *refused)
		return
	}
	h, ok := handlers[checked.Method.ID]
	if !ok {
		googletest.WriteError(w, googletest.Error{Status: http.StatusNotImplemented, Reason: "notImplemented",
			Message: "The simulator does not have " + checked.Method.ID})
		return
	}
	result, refused := s.answer(h, call{Call: checked, header: r.Header})
	switch {
	case refused == nil:
		googletest.WriteJSON(w, result)
	case refused.Status == http.StatusNotModified:
		w.WriteHeader(http.StatusNotModified)
	default:
		googletest.WriteError(w, *refused)
	}
}

// answer does the call under the lock.
func (s *Server) answer(h handler, c call) (any, *googletest.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if refused := s.spendQuotaLocked(c.Grant.Account + " " + c.Grant.Subject); refused != nil {
		return nil, refused
	}
	if c.Method.ID == stopMethod {
		// Whoever holds the client's token may stop its channels.
		return h(s, c)
	}
	var refused *googletest.Error
	if c.subject, refused = s.subjectLocked(c.Grant.Subject); refused != nil {
		return nil, refused
	}
	if c.mask, refused = s.maskOf(c); refused != nil {
		return nil, refused
	}
	return h(s, c)
}
