package ldap_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
)

const (
	md5Crypt    = "$1$salt$qJH7.N4xYta3aEG/dfqo/0"
	sha256Crypt = "$5$saltstring$OH4IDuTlsuTYPdED1gsuiRMyTAwNlRWyA6Xr3I4/dQ5"
	sha512Crypt = "$6$saltstring$adDbXsJjcDlq2662QPgd.tkSOVmnG9Tt3oXl4HR60SusC3AGjirnDenVZp3DGwLwqy6iYKCzannhaX9DR72nN1"
)

func TestGoogleHash(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, function, value, said string }{
		{"{MD5}X03MO1qnZdYdgyfeuILPmQ==", ldap.HashMD5, "5f4dcc3b5aa765d61d8327deb882cf99", ""},
		{"{md5}X03MO1qnZdYdgyfeuILPmQ==", ldap.HashMD5, "5f4dcc3b5aa765d61d8327deb882cf99", ""},
		{"{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", ldap.HashSHA1, "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", ""},
		{"{CRYPT}" + md5Crypt, ldap.HashCrypt, md5Crypt, ""},
		{"{crypt}" + sha256Crypt, ldap.HashCrypt, sha256Crypt, ""},
		{"{CRYPT}" + sha512Crypt, ldap.HashCrypt, sha512Crypt, ""},
		{"{CRYPT}" + strings.Replace(sha512Crypt, "$6$", "$6$rounds=10000$", 1), ldap.HashCrypt, strings.Replace(sha512Crypt, "$6$", "$6$rounds=10000$", 1), ""},
		{"{CRYPT}" + strings.Replace(sha512Crypt, "$6$", "$6$rounds=10001$", 1), "", "", "{CRYPT} other than"},
		{"{CRYPT}" + strings.Replace(sha256Crypt, "$5$", "$6$", 1), "", "", "{CRYPT} other than"},
		{"{CRYPT}rl.3StKT.4T8M", "", "", "{CRYPT} other than"},
		{"{CRYPT}$2b$10$abcdefghijklmnopqrstuuXhOJ1AUoq6xgDzPuQyxcYz0aQvC6y3G", "", "", "{CRYPT} other than"},
		{"{CRYPT}$y$j9T$x$y", "", "", "{CRYPT} other than"},
		{"{SSHA}LhKrkM9Fy+zlstjdD7Kv2s6QvhBzYWx0", "", "", "{SSHA}"},
		{"{SSHA512}AAAA", "", "", "{SSHA512}"}, {"{PBKDF2-SHA256}10000$x$y", "", "", "{PBKDF2-SHA256}"},
		{"{ARGON2}$argon2id$v=19$m=1", "", "", "{ARGON2}"},
		{"{MD5}X03MO1qnZdYdgyfeuILP", "", "", "a malformed {MD5}"}, {"{SHA}X03MO1qnZdYdgyfeuILPmQ==", "", "", "a malformed {SHA}"},
		{"{MD5}", "", "", "a malformed {MD5}"},
		{"hunter2", "", "", "a password without a scheme"}, {"", "", "", "a password without a scheme"},
		{"{hunter2", "", "", "a password without a scheme"}, {"{hunter 2}x", "", "", "a password without a scheme"},
		{"SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "", "", "a password without a scheme"},
	} {
		h, err := ldap.GoogleHash([]byte(tt.in))
		if h.Function != tt.function || h.Value.Reveal() != tt.value {
			t.Errorf("%s is %s %q", tt.in, h.Function, h.Value.Reveal())
		}
		if tt.said == "" {
			must(t, err)
			continue
		}
		want(t, err, fault.Permanent, ldap.ReasonHashUnsupported)
		if s := fmt.Sprint(err); !strings.Contains(s, tt.said) || strings.Contains(s, "hunter") {
			t.Errorf("%s is answered with %s", tt.in, s)
		}
	}
}

// Invariant D1: without HashDigest nobody asks for the attribute with the hashes.
func TestHashes_D1_AreReadOnlyWhereAskedFor(t *testing.T) {
	t.Parallel()
	const hash, other = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{ARGON2}x"
	for _, schema := range []directory.Schema{directory.OpenLDAP, directory.DirectoryServer} {
		b := newBench(t, ldaptest.Options{Schema: schema}, 20)
		must(t, b.sim.Set(personDN(3), "userPassword", other, hash))
		must(t, b.sim.Set(personDN(4), "userPassword", other))
		var mu sync.Mutex
		asked := 0
		b.sim.SetFaults(ldaptest.Faults{Hook: func(r ldaptest.Request) {
			mu.Lock()
			defer mu.Unlock()
			if r.Operation == "search" && r.DN != "" && (len(r.Attributes) == 0 ||
				slices.ContainsFunc(r.Attributes, func(a string) bool { return strings.EqualFold(a, "userPassword") || a == "*" })) {
				asked++
			}
		}})
		id := b.sim.ID(personDN(3))
		plain := b.as(func(o *ldap.Options) {
			o.Config.Attributes.Custom = map[string]string{"TRICK": "userPassword;x", "TRICK2": "userpassword"}
		})
		_, cur := walk(t, plain)
		_, err := plain.Changes(t.Context(), cur, nothing)
		must(t, err)
		_, err = plain.Lookup(t.Context(), []string{id, "x"})
		must(t, err)
		_, err = plain.Test(t.Context())
		must(t, err)
		_, err = plain.PasswordHash(t.Context(), id)
		want(t, err, fault.Permanent, ldap.ReasonHashesOff)
		if mu.Lock(); asked != 0 {
			t.Errorf("hashes were asked for %d times", asked)
		}
		mu.Unlock()

		c := b.as(func(o *ldap.Options) { o.HashDigest = func(h []byte) string { return "digest of " + string(h) } })
		s, _ := walk(t, c)
		if s[id].Hash != "digest of "+hash || s[b.sim.ID(personDN(5))].Hash != "" {
			t.Errorf("%+v", s[id])
		}
		stored, err := c.PasswordHash(t.Context(), id)
		must(t, err)
		if stored.Reveal() != hash {
			t.Errorf("%s", stored.Reveal())
		}
		for _, id := range []string{b.sim.ID(personDN(5)), "unknown", ""} {
			_, err = c.PasswordHash(t.Context(), id)
			want(t, err, fault.NotFound, ldap.ReasonNoHash)
		}
		r, err := c.Test(t.Context())
		must(t, err)
		for _, e := range r.Sample {
			if e.Hash != "" {
				t.Error("the report holds a hash")
			}
		}
	}
}
