package functions_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/oidc/oidctest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
)

const (
	audience = "rollcall-agent"
	adaID    = "128b2f33-0c5c-4fd0-a6a3-a4506513270e"
)

// employ gives the enterprise a directory with Ada in it, an identity provider, and an
// LDAP server that nobody answers for.
func (w *world) employ() *oidctest.Provider {
	w.t.Helper()
	idp := oidctest.New(w.t)
	w.put(func(tx *record.Tx) error {
		if err := tx.PutDirectory(directory.Config{
			Enterprise: "acme", Mode: directory.LDAPOnly,
			LDAP:   &directory.LDAP{URL: "ldap://127.0.0.1:1", Security: directory.Plain, BaseDN: "dc=example,dc=com"},
			SignIn: &directory.SignIn{LDAP: true, OIDC: &directory.OIDC{Issuer: idp.URL, Audience: audience}},
		}); err != nil {
			return err
		}
		return tx.PutPerson(person.Person{
			Key: person.KeyOf("acme", adaID), Enterprise: "acme", ID: adaID, State: person.Active,
			Entry: person.Entry{ID: adaID, Login: "ada"}, CreatedAt: time.Now(), UpdatedAt: time.Now(), Settled: person.Granted,
		})
	})
	return idp
}

// claims are those of a good token for p.
func (w *world) claims(idp *oidctest.Provider, p *phone) map[string]any {
	return idp.Claims(audience, protocol.SignInNonce("acme", p.thumbprint(w.t)), adaID, time.Now())
}

func (p *phone) byIDToken(token string) map[string]any {
	return map[string]any{"enterprise": "acme", "idToken": token, "encryptionKey": p.encryption}
}

func (p *phone) byPassword(user, password string) map[string]any {
	return map[string]any{
		"enterprise": "acme", "encryptionKey": p.encryption, "signIn": map[string]any{"username": user, "password": password},
	}
}

// signInStatuses provokes what only a corporate sign-in answers.
func signInStatuses(t *testing.T, l *ledger) {
	w := newWorld(t, nil)
	idp := w.employ()
	want := func(p *phone, body any, status int, reason string) {
		t.Helper()
		got := w.send(w.request(p, "enroll", body))
		l.check(t, "enroll", got)
		if got.status != status || reason != "" && got.problem(t).Type != "urn:rollcall:problem:"+reason {
			t.Errorf("%d %s, want %d for %q", got.status, got.body, status, reason)
		}
	}
	p := newPhone(t)
	want(p, p.byIDToken(idp.Sign(w.claims(idp, p))), http.StatusOK, "")
	want(newPhone(t), newPhone(t).byPassword("ada", "secret"), http.StatusServiceUnavailable, "sign-in-unavailable")
	bad := idp.Sign(idp.Claims(audience, "another", adaID, time.Now()))
	for range 50 {
		want(p, p.byIDToken(bad), http.StatusUnauthorized, "")
	}
	want(p, p.byIDToken(bad), http.StatusTooManyRequests, "sign-in-limit")
	want(p, p.byPassword("ada", "secret"), http.StatusTooManyRequests, "sign-in-limit")
	want(newPhone(t), newPhone(t).enrollment(w.admit("")), http.StatusOK, "")
}

// TestHostileSignIns_C1E3E4: wrong credentials of every sort are refused as everything
// is, until the address has had its tries; they leave counts and lines in the trail,
// and nothing of what was given.
func TestHostileSignIns_C1E3E4(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	w := newWorld(t, nil)
	idp := w.employ()
	victim := newPhone(t)
	stolen := idp.Sign(w.claims(idp, victim))
	change := func(p *phone, name string, value any) string {
		c := w.claims(idp, p)
		c[name] = value
		return idp.Sign(c)
	}
	attacks := map[string]func(p *phone) map[string]any{
		"stolen from another device": func(p *phone) map[string]any { return p.byIDToken(stolen) },
		"for another program":        func(p *phone) map[string]any { return p.byIDToken(change(p, "aud", "another")) },
		"for two programs":           func(p *phone) map[string]any { return p.byIDToken(change(p, "aud", []string{audience, "another"})) },
		"by another issuer":          func(p *phone) map[string]any { return p.byIDToken(change(p, "iss", "https://idp.example.org")) },
		"expired":                    func(p *phone) map[string]any { return p.byIDToken(change(p, "exp", time.Now().Unix()-10)) },
		"of the future":              func(p *phone) map[string]any { return p.byIDToken(change(p, "iat", time.Now().Unix()+1000)) },
		"for nobody":                 func(p *phone) map[string]any { return p.byIDToken(change(p, "sub", "nobody")) },
		"for a number":               func(p *phone) map[string]any { return p.byIDToken(change(p, "sub", 7)) },
		"unsigned": func(p *phone) map[string]any {
			return p.byIDToken(oidctest.Unsigned(t, w.claims(idp, p), "c2lnbmF0dXJl"))
		},
		"cut signature": func(p *phone) map[string]any {
			token := idp.Sign(w.claims(idp, p))
			return p.byIDToken(token[:len(token)-10])
		},
		"no JWT": func(p *phone) map[string]any { return p.byIDToken("a.b.c") },
		"another enterprise": func(p *phone) map[string]any {
			b := p.byIDToken(idp.Sign(w.claims(idp, p)))
			b["enterprise"] = "other"
			return b
		},
	}
	left := func(d store.Document) bool { return d.Key.Kind == record.Audit || d.Key.Kind == record.SignInAttempts }
	before := w.dump(left)
	uniformly, given, codes := "", []string{stolen}, map[int]int{}
	for range 6 {
		for name, attack := range attacks {
			p := newPhone(t)
			body := attack(p)
			given = append(given, body["idToken"].(string))
			got := w.serve(w.request(p, "enroll", body))
			l.check(t, "enroll", got)
			codes[got.status]++
			if got.status == http.StatusTooManyRequests {
				continue
			}
			// A signature that no known key made has the keys fetched, though not each time.
			if name == "cut signature" && got.status == http.StatusServiceUnavailable {
				continue
			}
			if uniformly == "" {
				uniformly = uniform(got)
			}
			if diff := cmp.Diff(uniformly, uniform(got)); got.status != http.StatusUnauthorized || diff != "" {
				t.Fatalf("%s: %d %s", name, got.status, got.body)
			}
		}
	}
	if codes[http.StatusTooManyRequests] == 0 || codes[http.StatusUnauthorized] < 50 {
		t.Errorf("answers %v", codes)
	}
	if keys := changed(before, w.dump(left)); len(keys) > 0 {
		t.Errorf("stored %v", keys)
	}
	all := fmt.Sprint(w.dump(nil)) + w.log.String()
	for _, token := range given {
		if len(token) > 12 && strings.Contains(all, token) {
			t.Errorf("an ID token is in the store or the log: %.20s…", token)
		}
	}
	// The victim was never in it.
	if got := w.serve(w.request(victim, "enroll", victim.enrollment(w.admit("")))); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestReplay_C1_AnIDTokenIsOneDevices: the same device may use it again, and is the same
// device; with a proof that was used it is refused, and another device gains nothing.
func TestReplay_C1_AnIDTokenIsOneDevices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	idp := w.employ()
	p := newPhone(t)
	body := p.byIDToken(idp.Sign(w.claims(idp, p)))
	first := w.request(p, "enroll", body)
	id := func(r reply) string {
		var v protocol.EnrollReply
		if err := json.Unmarshal(r.body, &v); err != nil || r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		return v.DeviceID
	}
	device := id(w.send(first))
	before := w.dump(nil)
	if again := id(w.send(w.request(p, "enroll", body))); again != device {
		t.Errorf("again: %s, want %s", again, device)
	}
	if keys := changed(before, w.dump(nil)); len(keys) > 0 {
		t.Errorf("enrolling again changed %v", keys)
	}
	if got := w.send(first); got.status != http.StatusUnauthorized {
		t.Errorf("the same proof: %d %s", got.status, got.body)
	}
	thief := newPhone(t)
	if got := w.send(w.request(thief, "enroll", thief.byIDToken(body["idToken"].(string)))); got.status != http.StatusUnauthorized {
		t.Errorf("another device: %d %s", got.status, got.body)
	}
	if ds, _, err := w.db.Devices(t.Context(), "acme", record.Page{}); err != nil || len(ds) != 1 {
		t.Errorf("%d devices, %v", len(ds), err)
	}
}
