package admin

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Loopback admits whoever is on this machine and holds a token, for a server that
// runs on one machine.
type Loopback struct {
	// Token is compared in constant time; an empty one admits nobody.
	Token secret.Value
}

// Authenticate implements Authenticator; who is "local". A request that came
// through a proxy is refused, for behind one every stranger is a loopback peer.
func (l Loopback) Authenticate(r *http.Request) (string, error) {
	token, ok := bearer(r)
	switch {
	case l.Token.Empty() || !ok || !l.Token.Equal(token):
		return "", fault.New(fault.Unauthorized, "admin-token", "")
	case !fromHere(r):
		return "", fault.New(fault.Unauthorized, "admin-not-loopback", "")
	}
	return "local", nil
}

func fromHere(r *http.Request) bool {
	if r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback()
}

// bearer returns the request's bearer token.
func bearer(r *http.Request) (secret.Value, bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return secret.Value{}, false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	v := secret.New(strings.TrimSpace(token))
	return v, ok && strings.EqualFold(scheme, "Bearer") && !v.Empty()
}
