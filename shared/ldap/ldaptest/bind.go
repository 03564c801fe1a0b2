package ldaptest

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"hash"
	"strings"

	"github.com/jimlambrt/gldap"
)

func (s *Server) router() (*gldap.Mux, error) {
	mux, err := gldap.NewMux()
	if err != nil {
		return nil, err
	}
	if err := mux.Bind(s.bind); err != nil {
		return nil, err
	}
	if err := mux.Search(s.search); err != nil {
		return nil, err
	}
	return mux, mux.ExtendedOperation(s.startTLS, gldap.ExtendedOperationStartTLS)
}

// bind answers a simple bind. A name without a password is let in as nobody, as
// RFC 4513, 5.1.2 has it and as careless clients take for a proof.
func (s *Server) bind(w *gldap.ResponseWriter, r *gldap.Request) {
	s.count.binds.Add(1)
	m, err := r.GetSimpleBindMessage()
	if err != nil {
		return
	}
	f := s.fault()
	f.tell(Request{Operation: "bind", DN: m.UserName})
	code, bound := gldap.ResultSuccess, false
	switch password := string(m.Password); {
	case f.RefuseBind != 0:
		code = f.RefuseBind
	case password == "":
	case s.isService(m.UserName) && password == s.opt.Password, s.tree.proves(m.UserName, password):
		bound = true
	default:
		code = gldap.ResultInvalidCredentials
	}
	if code != gldap.ResultSuccess {
		s.count.refused.Add(1)
	}
	s.mu.Lock()
	s.session(r.ConnectionID()).bound = bound
	s.mu.Unlock()
	resp := r.NewBindResponse(gldap.WithResponseCode(code))
	// What a server may say, and a client must not repeat.
	resp.SetDiagnosticMessage("bind of " + m.UserName + " with " + string(m.Password))
	_ = w.Write(resp)
}

// proves reports whether a password is the entry's.
func (t *tree) proves(dn, password string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.find(dn)
	if err != nil || n.deleted {
		return false
	}
	for _, p := range n.pairs {
		if strings.EqualFold(p.name, "userPassword") && verify(p.value, password) {
			return true
		}
	}
	return false
}

// verify compares a password with a stored one (RFC 2307, 5.3): plain, {MD5},
// {SMD5}, {SHA} or {SSHA}.
func verify(stored, password string) bool {
	scheme, value, ok := strings.Cut(strings.TrimPrefix(stored, "{"), "}")
	if !ok || !strings.HasPrefix(stored, "{") {
		return stored == password
	}
	var h hash.Hash
	switch strings.ToUpper(scheme) {
	case "MD5", "SMD5":
		h = md5.New()
	case "SHA", "SSHA":
		h = sha1.New()
	default:
		return false
	}
	b, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(b) < h.Size() {
		return false
	}
	h.Write([]byte(password))
	h.Write(b[h.Size():])
	return string(h.Sum(nil)) == string(b[:h.Size()])
}

func (s *Server) startTLS(w *gldap.ResponseWriter, r *gldap.Request) {
	resp := r.NewExtendedResponse(gldap.WithResponseCode(gldap.ResultSuccess))
	resp.SetResponseName(gldap.ExtendedOperationStartTLS)
	if w.Write(resp) == nil {
		// A client that distrusts the certificate ends the handshake.
		_ = r.StartTLS(s.tls)
	}
}
