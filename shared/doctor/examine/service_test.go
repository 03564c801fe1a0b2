package examine_test

import (
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestServiceLines(t *testing.T) {
	t.Parallel()
	run(t, []lineTest{
		{"the bus is down", func(s *site) { s.busErr = fault.New(fault.Transient, "bus", "The bus is not reached.") },
			map[string]string{"bus": "fail|The bus is not reached.", "ldap": "fail|could not be asked to try it"}},
		{"one dead letter", func(s *site) { s.dead.Store(1) }, map[string]string{"bus": "warn|One event was given up"}},
		{"many dead letters", func(s *site) { s.dead.Store(500) }, map[string]string{"bus": "warn|At least 100 events were given up"}},
		{"no key of passwords", func(s *site) { s.must(s.secrets.Delete(s.t.Context(), keyring.SecretName)) },
			map[string]string{"password-key": "fail|none can be generated. [Make the key set.] [rollcall password key --rotate]"}},
		{"none yet", func(s *site) { s.must(s.secrets.Delete(s.t.Context(), keyring.SecretName)); s.MakesKey = true },
			map[string]string{"password-key": "skip|made when the first one"}},
		{"the key of passwords is lost", func(s *site) {
			s.must(s.secrets.Delete(s.t.Context(), keyring.SecretName))
			s.put(func(tx *record.Tx) error {
				return tx.PutPassword(password.Ledger{Enterprise: "beta", Person: "p", State: password.Active, Sealed: "x", RotateAt: now})
			})
		}, map[string]string{"password-key": "fail|are gone, and passwords are stored that nothing else opens. [Put the secret"}},
		{"a damaged key of passwords", func(s *site) { s.must(s.secrets.Put(s.t.Context(), keyring.SecretName, secret.New("PRIVATE"))) },
			map[string]string{"password-key": "fail|cannot be read"}},
		{"no passwords, no key", func(s *site) {
			s.must(s.secrets.Delete(s.t.Context(), keyring.SecretName))
			s.put(func(tx *record.Tx) error { return tx.DeletePasswordPolicy(acme) })
		}, map[string]string{"password-key": "skip|none are generated", "google-password-length": "skip|", "google-password-expiration": "skip|"}},
	})
}
