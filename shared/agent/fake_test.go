package agent_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/seal"
)

const (
	enrollmentToken = "rc1_enrollment-token-0123456789"
	somePassword    = `correct "horse" & <battery>`
	anIDToken       = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
)

var epoch = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)

// trouble is what the server does to one request.
type trouble struct {
	dropBefore, dropAfter bool // cut the connection before or after doing it
	status                int
	reason                string
	retryAfter            int
	body                  string // with status: the body, instead of a problem
	echo                  bool   // repeat the request in every part of the refusal
	garble                func(reply any) any
}

// server is Rollcall reduced to one account, with real proofs, real seals and the
// real rules of check-in.
type server struct {
	*httptest.Server
	t *testing.T
	// plan, if set, says what goes wrong with the n-th request (from 1) of an endpoint.
	plan func(e agent.Endpoint, n int) trouble

	mu       sync.Mutex
	now      time.Time
	devices  map[string]*device.Device
	keys     map[string]seal.Key
	nonces   map[string]bool
	requests map[agent.Endpoint]int
	tokens   map[string]string // minted token -> device; "" once it was used
	extra    []protocol.Directive
	mail     mailPlan
	claims   func(*protocol.TokenClaims)
	reports  []protocol.CheckInRequest
}

func newServer(t *testing.T) *server {
	s := &server{
		t: t, now: epoch, devices: map[string]*device.Device{}, keys: map[string]seal.Key{},
		nonces: map[string]bool{}, requests: map[agent.Endpoint]int{}, tokens: map[string]string{},
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) endpoint(e agent.Endpoint) string { return s.URL + "/" + string(e) }

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := agent.Endpoint(strings.TrimPrefix(r.URL.Path, "/"))
	body, _ := io.ReadAll(r.Body)
	s.requests[e]++
	var x trouble
	if s.plan != nil {
		x = s.plan(e, s.requests[e])
	}
	if x.dropBefore {
		panic(http.ErrAbortHandler)
	}
	if x.status != 0 {
		s.refuse(w, r, body, x)
		return
	}
	reply, err := s.serve(e, r, body)
	if x.dropAfter {
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		s.refuse(w, r, body, trouble{status: map[fault.Kind]int{
			fault.Unauthorized: 401, fault.Conflict: 409, fault.Invalid: 400}[fault.KindOf(err)], reason: fault.ReasonOf(err)})
		return
	}
	if x.garble != nil {
		reply = x.garble(reply)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(reply)
}

func (s *server) refuse(w http.ResponseWriter, r *http.Request, body []byte, x trouble) {
	p := protocol.Problem{Type: "about:blank", Title: http.StatusText(x.status), Status: x.status}
	if x.status == http.StatusUnauthorized {
		p.ServerTime = s.now.Unix()
	} else if x.reason != "" {
		p.Type = "urn:rollcall:problem:" + x.reason
	}
	if x.echo {
		all := string(body) + " " + r.Header.Get(proof.Header) + " " + base64.StdEncoding.EncodeToString(body)
		p.Title, p.Detail, p.Field, p.Type = all, all, all, "urn:rollcall:problem:"+enrollmentToken
	}
	if x.retryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(x.retryAfter))
	}
	if x.body != "" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(x.status)
		_, _ = io.WriteString(w, x.body)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(x.status)
	_ = json.NewEncoder(w).Encode(p)
}

// serve does what the endpoint does; the server is locked.
func (s *server) serve(e agent.Endpoint, r *http.Request, body []byte) (any, error) {
	v, err := proof.Verify(r.Header.Get(proof.Header), r.Method, s.endpoint(e), body, s.now)
	if err != nil {
		return nil, err
	}
	if s.nonces[v.ID] {
		s.t.Errorf("%s: a proof was used twice", e)
	}
	s.nonces[v.ID] = true
	id := device.ID(v.Thumbprint)
	if e == agent.EnrollEndpoint {
		return s.enroll(id, v.Thumbprint, body)
	}
	d := s.devices[id]
	if d == nil {
		return nil, fault.New(fault.Unauthorized, "device-unknown", "")
	}
	if e == agent.TokenEndpoint {
		return s.token(d, body)
	}
	var req protocol.CheckInRequest
	if err := json.Unmarshal(body, &req); err != nil {
		return nil, fault.New(fault.Invalid, "", "")
	}
	if err := req.Validate(); err != nil {
		s.t.Errorf("check-in: %v", err)
	}
	s.reports = append(s.reports, req)
	*d = device.Apply(*d, req, s.now).Device
	ds := append([]protocol.Directive{}, s.extra...)
	ds = append(ds, s.mail.order(req.Outcomes, device.Plan(d.Desired, req.Accounts))...)
	return protocol.CheckInReply{Directives: ds, NextCheckInSeconds: 3600}, nil
}

// admits reports whether what a device enrols with is right: the token, the password
// of "ada", or an ID token whose middle part is the nonce.
func (s *server) admits(req protocol.EnrollRequest, thumbprint []byte) bool {
	switch {
	case req.SignIn != nil:
		return req.Enterprise == "acme" && req.SignIn.Username == "ada" && req.SignIn.Password.Reveal() == somePassword
	case req.IDToken != nil:
		return req.IDToken.Reveal() == "head."+protocol.SignInNonce(req.Enterprise, thumbprint)+".signature"
	}
	return req.EnrollmentToken == enrollmentToken
}

func (s *server) enroll(id string, thumbprint, body []byte) (any, error) {
	var req protocol.EnrollRequest
	if json.Unmarshal(body, &req) != nil || req.Validate() != nil || !s.admits(req, thumbprint) {
		return nil, fault.New(fault.Unauthorized, "", "")
	}
	key, err := seal.ParseKey(req.EncryptionKey)
	if err != nil {
		return nil, err
	}
	if s.devices[id] == nil {
		s.devices[id] = &device.Device{ID: id, State: device.Active, Desired: device.Desired{
			AccountID: "a-" + id, AccountType: account.UserAccount}}
	}
	s.keys[id] = key
	return protocol.EnrollReply{DeviceID: id, NextCheckInSeconds: 1,
		Endpoints: protocol.Endpoints{CheckIn: s.endpoint("checkin"), Token: s.endpoint("token")}}, nil
}

func (s *server) token(d *device.Device, body []byte) (any, error) {
	var req protocol.TokenRequest
	if json.Unmarshal(body, &req) != nil || !d.Desired.AddPending() || req.DirectiveID != d.Desired.AddID() {
		return nil, fault.New(fault.Conflict, agent.ReasonStale, "")
	}
	tok := fmt.Sprintf("play-token-%d", len(s.tokens)+1)
	s.tokens[tok] = d.ID
	claims := protocol.TokenClaims{DeviceID: d.ID, DirectiveID: req.DirectiveID, Token: tok}
	if s.claims != nil {
		s.claims(&claims)
	}
	plain, _ := json.Marshal(claims)
	jwe, err := s.keys[d.ID].Seal(plain)
	if err != nil {
		s.t.Errorf("seal: %v", err)
	}
	return protocol.TokenReply{Token: jwe, NotAfter: s.now.Add(5 * time.Minute)}, nil
}

// only returns the one device.
func (s *server) only() *device.Device {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.devices) != 1 {
		s.t.Fatalf("%d devices are enrolled, want 1", len(s.devices))
	}
	for _, d := range s.devices {
		return d
	}
	return nil
}
