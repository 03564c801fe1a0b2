package googletest

import (
	"cmp"
	"crypto/subtle"
	"net/http"
	"strings"
)

// Introspection returns an endpoint of RFC 7662 that tells a resource server, such as
// a mail server, what an access token of t stands for: whether it is good, whose it is
// ("username": the impersonated person, or the service account itself) and with which
// scope. The resource server shows who it is by HTTP Basic with name and password.
//
// Google has no such endpoint; its own mail servers need none.
func (t *TokenEndpoint) Introspection(name, password string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		n, p, _ := r.BasicAuth()
		if subtle.ConstantTimeCompare([]byte(n+":"+p), []byte(name+":"+password)) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="introspection"`)
			writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
			return
		}
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			writeJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": "invalid_request"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		if err := r.ParseForm(); err != nil || r.PostForm.Get("token") == "" {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request"})
			return
		}
		g, ok := t.Grant(r.PostForm.Get("token"))
		if !ok {
			// Section 2.2: why it is not good is nobody's business.
			writeJSON(w, http.StatusOK, map[string]any{"active": false})
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{
			"active": true, "token_type": "Bearer", "scope": strings.Join(g.Scopes, " "),
			"client_id": g.Account, "username": cmp.Or(g.Subject, g.Account), "exp": g.Expires.Unix(),
		})
	})
}
