package examine_test

import (
	"context"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// lineTest breaks one thing and says which lines tell of it. All other lines pass.
type lineTest struct {
	name  string
	spoil func(*site)
	want  map[string]string
}

func run(t *testing.T, tests []lineTest) {
	t.Helper()
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			tc.spoil(s)
			r, by := s.look()
			s.wants(by, tc.want)
			for _, l := range r.Lines {
				if _, ok := tc.want[l.Check]; !ok && l.Status != doctor.Pass {
					t.Errorf("%s is %s: %s", l.Check, l.Status, l.What)
				}
				if l.Status == doctor.Fail && l.Advice == "" {
					t.Errorf("%s says nothing of what to do: %s", l.Check, l.What)
				}
			}
		})
	}
}

// skipped are lines that cannot be had without a credential that works.
func skipped(also map[string]string) map[string]string {
	all := map[string]string{
		"subject": "skip|", "directory-api": "skip|", "imap-sign-in": "skip|", "google-settings": "skip|",
	}
	for _, scope := range everything {
		all["scope:"+scope] = "skip|a credential that Google accepts"
	}
	for k, v := range also {
		all[k] = v
	}
	return all
}

func (s *site) setKey(v string) {
	s.must(s.secrets.Put(s.t.Context(), directory.KeySecret(acme), secret.New(v)))
}

func (s *site) script(method string, sc googletest.Script) {
	sc.Method = method
	s.faults.Add(sc)
}

func (s *site) keyless(ambient func(context.Context) (secret.Value, error)) {
	c, err := credential.NewKeyless(s.account.Email, s.account.ClientID, s.google.URL+"/token", credential.Options{AnyTokenURI: true})
	s.must(err)
	s.must(s.secrets.Put(s.t.Context(), directory.KeySecret(acme), c.Stored()))
	s.Ambient, s.IAMEndpoint = ambient, s.google.URL
}
