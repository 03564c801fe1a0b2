package examine_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestCredentialLines(t *testing.T) {
	t.Parallel()
	run(t, []lineTest{
		{"no key", func(s *site) { s.must(s.secrets.Delete(s.t.Context(), directory.KeySecret(acme))) },
			skipped(map[string]string{"key": "fail|[Import the service account's key", "proof": "skip|needs the credential"})},
		{"a person's sign-in as key", func(s *site) { s.setKey(`{"type":"authorized_user"}`) },
			skipped(map[string]string{"key": "fail|a person's own sign-in", "proof": "skip|"})},
		{"a key file cut off", func(s *site) { s.setKey(string(s.account.JSON[:200])) },
			skipped(map[string]string{"key": "fail|cut off", "proof": "skip|"})},
		{"the key is deleted", func(s *site) { s.tokens.DeleteKey(s.account.Email, s.account.KeyID) },
			skipped(map[string]string{"proof": "fail|Google does not accept the service account's key"})},
		{"the account is disabled", func(s *site) { s.tokens.SetAccount(s.account.Email, googletest.AccountDisabled) },
			skipped(map[string]string{"proof": "fail|disabled or deleted"})},
		{"the token endpoint is down", func(s *site) { s.script(googletest.TokenMethod, googletest.Script{Mode: googletest.Refuse}) },
			skipped(map[string]string{"proof": "fail|could not be asked"})},
		{"the token endpoint drops connections", func(s *site) { s.script(googletest.TokenMethod, googletest.Script{Mode: googletest.DropBefore}) },
			skipped(map[string]string{"proof": "fail|could not be asked", "clock": "fail|was not reached"})},
		{"keyless without an identity", func(s *site) {
			s.keyless(func(context.Context) (secret.Value, error) { return secret.Value{}, errors.New("PRIVATE") })
		}, skipped(map[string]string{"proof": "fail|no identity of its own"})},
		{"the clock is a minute ahead", func(s *site) { s.Clock = ahead(time.Minute) }, map[string]string{"clock": "warn|60 seconds ahead of"}},
		{"the clock is an hour ahead", func(s *site) { s.Clock = ahead(time.Hour) },
			skipped(map[string]string{"clock": "fail|60 minutes ahead of", "proof": "fail|[Set the clock right first.]"})},
		{"the clock is behind", func(s *site) { s.Clock = ahead(-2 * time.Hour) },
			skipped(map[string]string{"clock": "fail|120 minutes behind", "proof": "fail|[Set the clock right first.]"})},
		{"the answers have no date", func(s *site) { s.Base = undated{} }, map[string]string{"clock": "fail|no date"}},
	})
}

func ahead(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }

// undated takes the date off answers.
type undated struct{}

func (undated) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		resp.Header.Del("Date")
	}
	return resp, err
}
