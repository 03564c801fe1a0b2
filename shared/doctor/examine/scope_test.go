package examine_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
)

func TestScopeLines(t *testing.T) {
	t.Parallel()
	without := func(scope string) func(*site) {
		return func(s *site) {
			s.tokens.Delegate(s.account.Email)
			for _, e := range everything {
				if e != scope {
					s.tokens.Delegate(s.account.Email, e)
				}
			}
		}
	}
	const missing = "fail|is not granted to the service account. It is needed to "
	nobody := skipped(map[string]string{"subject": "fail|cannot act as " + boss})
	for _, scope := range everything {
		nobody["scope:"+scope] = "skip|nobody can act as " + boss
	}
	robot := skipped(map[string]string{"subject": "fail|a service account's address"})
	for _, scope := range everything {
		robot["scope:"+scope] = "skip|a service account's address"
	}
	none := map[string]string{"subject": "skip|", "directory-api": "skip|", "imap-sign-in": "skip|", "google-settings": "skip|"}
	for _, scope := range everything[:4] {
		none["scope:"+scope] = missing
	}
	none["scope:"+doctor.ScopePolicies] = "skip|"
	run(t, []lineTest{
		{"users", without(doctor.ScopeUsers), map[string]string{
			"scope:" + doctor.ScopeUsers: missing + "read and maintain Google accounts and to set generated passwords. [Add it to the scopes of the client id 1", "subject": "skip|no scope", "directory-api": "skip|no scope"}},
		{"sign-out", without(doctor.ScopeSecurity), map[string]string{"scope:" + doctor.ScopeSecurity: missing + "sign leavers out"}},
		{"one for mail", without(mailclient.Full.URL()), map[string]string{"scope:" + mailclient.Full.URL(): missing}},
		{"policies", without(doctor.ScopePolicies), map[string]string{
			"scope:" + doctor.ScopePolicies: "skip|Nothing but the doctor needs it, to compare Google's own settings. [To have that done: add it", "google-settings": "skip|not known to be granted"}},
		{"none at all", func(s *site) { s.tokens.Delegate(s.account.Email) }, none},
		{"the administrator is suspended", func(s *site) { s.tokens.SetSubject(boss, googletest.SubjectSuspended) }, nobody},
		{"the administrator is a service account", func(s *site) {
			s.directory(func(c *directory.Config) { c.Google.Subject = s.account.Email })
		}, robot},
		{"one scope cannot be asked for", func(s *site) { s.Base = failing{doctor.ScopeSecurity} },
			map[string]string{"scope:" + doctor.ScopeSecurity: "fail|could not be asked for the scope"}},
		{"the doctor's scope cannot be asked for", func(s *site) { s.Base = failing{doctor.ScopePolicies} },
			map[string]string{"scope:" + doctor.ScopePolicies: "warn|could not be asked for the scope", "google-settings": "skip|"}},
	})
}

// failing answers 503 to those who ask for tokens with a scope.
type failing struct{ scope string }

func (f failing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && r.URL.Path == "/token" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		parts := strings.Split(string(body), ".")
		claims, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			return nil, err
		}
		if strings.Contains(string(claims), `"`+f.scope+`"`) {
			return &http.Response{StatusCode: 503, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return http.DefaultTransport.RoundTrip(r)
}
