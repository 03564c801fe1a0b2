package functions_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
)

const (
	adaDN       = `uid=ada,ou=people,dc=example,dc=com`
	adaPassword = `hunter2 "with" <marks> & ü`
)

// organise gives the enterprise an LDAP server with Ada and others in it, as the
// function itself reaches it.
func (w *world) organise() *ldaptest.Server {
	w.t.Helper()
	s, err := ldaptest.Start(ldaptest.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
	for _, uid := range []string{"ada", "bob", "carol (x) *"} {
		if err := s.Add(ldaptest.Entry{DN: "uid=" + uid + ",ou=people,dc=example,dc=com", Attributes: map[string][]string{
			"objectClass": {"inetOrgPerson"}, "uid": {uid}, "cn": {uid}, "sn": {uid}, "mail": {uid[:3] + "@example.com"},
			"userPassword": {adaPassword},
		}}); err != nil {
			w.t.Fatal(err)
		}
		id := s.ID("uid=" + uid + ",ou=people,dc=example,dc=com")
		w.put(func(tx *record.Tx) error {
			return tx.PutPerson(person.Person{
				Key: person.KeyOf("acme", id), Enterprise: "acme", ID: id, State: person.Active, Settled: person.Granted,
				Entry: person.Entry{ID: id, Login: uid}, CreatedAt: time.Now(), UpdatedAt: time.Now(),
			})
		})
	}
	cfg := s.Config()
	w.put(func(tx *record.Tx) error {
		return tx.PutDirectory(directory.Config{
			Enterprise: "acme", Mode: directory.LDAPOnly, LDAP: &cfg, SignIn: &directory.SignIn{LDAP: true},
		})
	})
	store, err := secrets.Store(w.t.Context(), w.stack.Process)
	if err != nil {
		w.t.Fatal(err)
	}
	password, err := s.Password(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := store.Put(w.t.Context(), directory.BindSecret("acme"), password); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// TestSignIn_LDAP_EndToEnd: the directory's own bind decides, whatever stands in a login;
// its absence is no refusal; and the password is nowhere afterwards (E3).
func TestSignIn_LDAP_EndToEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := w.organise()
	l := newLedger(t)
	ask := func(login, password string, status int) {
		t.Helper()
		p := newPhone(t)
		got := w.send(w.request(p, "enroll", p.byPassword(login, password)))
		l.check(t, "enroll", got)
		if got.status != status {
			t.Errorf("%q: %d %s, want %d", login, got.status, got.body, status)
		}
	}
	ask("Ada", adaPassword, http.StatusOK)
	ask("carol (x) *", adaPassword, http.StatusOK)
	binds := map[string]int{}
	var mu sync.Mutex
	s.SetFaults(ldaptest.Faults{Hook: func(r ldaptest.Request) {
		mu.Lock()
		defer mu.Unlock()
		binds[r.Operation+" "+r.DN]++
		if r.Operation == "search" && (strings.Contains(r.Filter, "uid=*") || strings.Contains(r.Filter, "userPassword")) {
			t.Errorf("a login got into the filter %s", r.Filter)
		}
	}})
	for _, login := range []string{
		"*", "ada)(|(uid=*", "a*", "*)(userPassword=*", `ada\2a`, "uid=ada,ou=people,dc=example,dc=com", "ada@example.com", "àda", "ad\u00ADa",
	} {
		ask(login, adaPassword, http.StatusUnauthorized)
	}
	if binds["bind "+adaDN] != 0 {
		t.Errorf("a login that is not Ada's had her password judged: %v", binds)
	}
	ask("ada", adaPassword[1:], http.StatusUnauthorized)
	if binds["bind "+adaDN] != 1 {
		t.Errorf("binds %v, want one as Ada", binds)
	}
	s.SetFaults(ldaptest.Faults{})
	s.Close()
	for range 7 {
		ask("ada", adaPassword, http.StatusServiceUnavailable)
	}
	ask("bob", adaPassword, http.StatusServiceUnavailable)
	everything := fmt.Sprint(w.dump(nil)) + w.log.String()
	for _, form := range []string{adaPassword, "hunter2"} {
		if strings.Contains(everything, form) {
			t.Errorf("the password shows")
		}
	}
}

// TestSignIn_LDAP_SameExchangesForAll: an unknown login, somebody who may not enrol and
// a wrong password take the same exchanges with the directory.
func TestSignIn_LDAP_SameExchangesForAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := w.organise()
	id := s.ID("uid=bob,ou=people,dc=example,dc=com")
	w.put(func(tx *record.Tx) error {
		p, err := tx.Person(person.KeyOf("acme", id))
		if err != nil {
			return err
		}
		p.State = person.Leaving
		return tx.PutPerson(p)
	})
	var first ldaptest.Counters
	for i, login := range []string{"ada", "nobody", "bob"} {
		before := s.Counters()
		p := newPhone(t)
		password := adaPassword
		if login == "ada" {
			password = "wrong"
		}
		if got := w.send(w.request(p, "enroll", p.byPassword(login, password))); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", login, got.status, got.body)
		}
		after := s.Counters()
		spent := ldaptest.Counters{
			Connections: after.Connections - before.Connections, Binds: after.Binds - before.Binds,
			RefusedBinds: after.RefusedBinds - before.RefusedBinds, Searches: after.Searches - before.Searches,
		}
		if i == 0 {
			first = spent
		}
		if spent != first || spent.RefusedBinds != 1 {
			t.Errorf("%s took %+v, a wrong password %+v", login, spent, first)
		}
	}
}
