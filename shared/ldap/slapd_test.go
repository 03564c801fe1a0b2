package ldap_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest/slapdtest"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// real is a client of OpenLDAP with so many people.
func real(t testing.TB, opt slapdtest.Options, people int) (*slapdtest.Server, ldap.Options) {
	t.Helper()
	slapdtest.Need(t)
	opt.LDIF = slapdtest.LDIF(base, ldaptest.Numbered(base, people))
	s := slapdtest.Start(t, opt)
	config := s.Config()
	config.PageSize = pageSize
	return s, ldap.Options{Config: config, Password: s.Password}
}

func personDN(i int) string { return ldaptest.Person(base, i).DN }

// Invariant D7: whatever happens to a directory, who follows its changes knows
// what a full walk finds.
func TestChanges_D7_FollowOpenLDAP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		opt  slapdtest.Options
		kind directory.Incremental
		// deletions: they are seen at once, not only by a walk.
		deletions bool
	}{
		{"with the sync provider", slapdtest.Options{SyncProvider: true}, directory.SyncCookie, true},
		{"with the sync provider and a session log", slapdtest.Options{SyncProvider: true, SessionLog: 1000}, directory.SyncCookie, true},
		{"without", slapdtest.Options{}, directory.ModifyStamp, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv, opt := real(t, tt.opt, 203)
			c := ldap.New(opt)
			report, err := c.Test(t.Context())
			must(t, err)
			if report.Incremental != tt.kind || report.Vendor != "OpenLDAP" {
				t.Errorf("the report says %q, %q", report.Vendor, report.Incremental)
			}
			known, cur := walk(t, c)
			if len(known) != 203 || cur == "" {
				t.Fatalf("%d people, cursor %q", len(known), cur)
			}
			for i, change := range []func() error{
				func() error { return nil },
				func() error { return srv.Set(personDN(7), "sn", "Śmigły") },
				func() error { return srv.Rename(personDN(8), "uid=renamed,ou=people,"+base) },
				func() error { return srv.Delete(personDN(9)) },
				func() error {
					return srv.Add(ldaptest.Entry{DN: `cn=Comma\, Anna,ou=people,` + base, Attributes: map[string][]string{
						"objectClass": {"inetOrgPerson"}, "cn": {"Comma, Anna"}, "sn": {"Comma"}, "uid": {"comma"},
						"mail": {"z@example.com", "anna@example.com"},
					}})
				},
				func() error { return srv.Delete(personDN(10)) },
				func() error { return srv.Add(ldaptest.Person(base, 10)) }, // returns, as somebody else
				func() error {
					for j := 100; j < 170; j++ {
						if err := srv.Set(personDN(j), "title", fmt.Sprint(j)); err != nil {
							return err
						}
					}
					return nil
				},
			} {
				must(t, change())
				changed := state{}
				delta, err := c.Changes(t.Context(), cur, changed.take)
				if err != nil {
					t.Fatalf("change %d: %v", i, err)
				}
				known.apply(delta, changed)
				full, _ := walk(t, c)
				if !tt.deletions {
					// A daily walk finds these.
					for id := range known {
						if _, ok := full[id]; !ok {
							delete(known, id)
						}
					}
				}
				if diff := cmp.Diff(full, known); diff != "" {
					t.Fatalf("change %d (-walked +followed):\n%s", i, diff)
				}
				if tt.deletions && i == 0 && (len(changed) != 0 || delta.PresentOnly || len(delta.Removed) != 0) {
					t.Errorf("without a change: %d entries, %+v", len(changed), delta)
				}
				cur = delta.Cursor
			}
		})
	}
}

func TestChanges_CursorsThatOpenLDAPDoesNotTake(t *testing.T) {
	t.Parallel()
	_, restored := real(t, slapdtest.Options{SyncProvider: true}, 20)
	srv, opt := real(t, slapdtest.Options{SyncProvider: true}, 20)
	c := ldap.New(opt)
	_, cur := walk(t, c)
	must(t, srv.Set(personDN(1), "sn", "New"))
	without, _ := real(t, slapdtest.Options{}, 20)
	for name, change := range map[string]func(*ldap.Options){
		"another filter":            func(o *ldap.Options) { o.Config.Filter = "(uid=*)" },
		"another base":              func(o *ldap.Options) { o.Config.BaseDN = "ou=people," + base },
		"another mapping":           func(o *ldap.Options) { o.Config.Attributes.Login = "mail" },
		"another way":               func(o *ldap.Options) { o.Config.Incremental = directory.ModifyStamp },
		"a server without syncrepl": func(o *ldap.Options) { o.Config.URL = without.URL() },
	} {
		o := opt
		change(&o)
		_, err := ldap.New(o).Changes(t.Context(), cur, nothing)
		if fault.KindOf(err) != fault.Conflict || fault.ReasonOf(err) != ldap.ReasonCursor {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A server that was restored from before the cookie.
	delta, err := c.Changes(t.Context(), cur, nothing)
	must(t, err)
	_, err = ldap.New(restored).Changes(t.Context(), delta.Cursor, nothing)
	want(t, err, fault.Conflict, ldap.ReasonCursor)
	for _, cur := range []ldap.Cursor{"", "x", "AAAA", "e30"} {
		_, err = c.Changes(t.Context(), cur, nothing)
		want(t, err, fault.Conflict, ldap.ReasonCursor)
	}
}

func TestOpenLDAP_LimitsReferralsAndTLS(t *testing.T) {
	t.Parallel()
	for _, way := range []directory.Incremental{directory.SyncCookie, directory.ModifyStamp} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			limited, opt := real(t, slapdtest.Options{SyncProvider: true, SizeLimit: 60, TLS: true}, 203)
			opt.Config.Incremental = way
			cur, err := ldap.New(opt).Walk(t.Context(), nothing)
			want(t, err, fault.Permanent, ldap.ReasonSizeLimit)
			if cur != "" {
				t.Error("an incomplete walk gave a cursor")
			}
			opt.Config.Filter = "(uid=u00001*)"
			for name, change := range map[string]func(*directory.LDAP){
				"ldaps":    func(l *directory.LDAP) { l.URL, l.Security, l.CA = limited.SecureURL(), directory.TLS, limited.CA() },
				"starttls": func(l *directory.LDAP) { l.Security, l.CA = directory.StartTLS, limited.CA() },
			} {
				o := opt
				change(&o.Config)
				if s, _ := walk(t, ldap.New(o)); len(s) != 10 {
					t.Errorf("%s: %d people", name, len(s))
				}
				o.Config.CA = ""
				_, err := ldap.New(o).Walk(t.Context(), nothing)
				want(t, err, fault.Permanent, ldap.ReasonCertificate)
			}
			must(t, limited.Add(ldaptest.Entry{DN: "ou=elsewhere," + base, Attributes: map[string][]string{
				"objectClass": {"referral", "extensibleObject"}, "ou": {"elsewhere"}, "ref": {"ldap://other.example.com/ou=elsewhere," + base},
			}}))
			_, err = ldap.New(opt).Walk(t.Context(), nothing)
			want(t, err, fault.Permanent, ldap.ReasonReferral)
			opt.Config.BaseDN = "ou=elsewhere," + base
			_, err = ldap.New(opt).Walk(t.Context(), nothing)
			want(t, err, fault.Permanent, ldap.ReasonReferral)
			opt.Config.BaseDN = "ou=nowhere," + base
			_, err = ldap.New(opt).Walk(t.Context(), nothing)
			want(t, err, fault.Permanent, ldap.ReasonBaseMissing)
		})
	}
}

// Both ways through the whole directory find the same, odd names and hashes
// included, and an account that may see nothing finds no absence.
func TestOpenLDAP_BothWalksAgree(t *testing.T) {
	t.Parallel()
	srv, opt := real(t, slapdtest.Options{SyncProvider: true}, 120)
	must(t, srv.Add(ldaptest.Entry{DN: `cn=Ünal\, Anna \2B Co \#1,ou=people,` + base, Attributes: map[string][]string{
		"objectClass": {"inetOrgPerson"}, "cn": {"Ünal, Anna + Co #1"}, "sn": {"Ünal"},
		"mail": {"z@example.com", "A@example.com"}, "userPassword": {"{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="},
	}}))
	opt.HashDigest = func(h []byte) string { return fmt.Sprintf("%x", h) }
	var found [2]state
	for i, way := range []directory.Incremental{directory.SyncCookie, directory.ModifyStamp} {
		opt.Config.Incremental = way
		found[i], _ = walk(t, ldap.New(opt))
	}
	if diff := cmp.Diff(found[0], found[1]); diff != "" || len(found[0]) != 121 {
		t.Errorf("%d people (-sync +pages):\n%s", len(found[0]), diff)
	}
	for id, e := range found[0] {
		if e.FamilyName != "Ünal" {
			continue
		}
		exp := person.Entry{
			ID: id, DN: e.DN, Mail: "A@example.com", Aliases: []string{"z@example.com"}, Unranked: true, FamilyName: "Ünal",
			DisplayName: "Ünal, Anna + Co #1", Unit: "ou=people," + base, Enabled: person.Yes, Hash: e.Hash,
		}
		if diff := cmp.Diff(exp, e); diff != "" || e.Hash == "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		stored, err := ldap.New(opt).PasswordHash(t.Context(), id)
		must(t, err)
		h, err := ldap.GoogleHash(stored.Bytes())
		if err != nil || h.Function != ldap.HashSHA1 {
			t.Errorf("%v, %v", h, err)
		}
	}
	// slapd answers the anonymous as though nothing were there.
	opt.Config.BindDN = ""
	c := ldap.New(opt)
	_, err := c.Walk(t.Context(), nothing)
	want(t, err, fault.Permanent, ldap.ReasonBaseMissing)
	_, err = c.Lookup(t.Context(), []string{"x"})
	want(t, err, fault.Permanent, ldap.ReasonBaseMissing)
}
