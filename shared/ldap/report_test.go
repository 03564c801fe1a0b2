package ldap_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest/slapdtest"
)

func TestTest_CountsUpToALimit(t *testing.T) {
	t.Parallel()
	b := newBench(t, ldaptest.Options{}, ldap.CountLimit+100)
	for i := range 25 {
		must(t, b.sim.Set(personDN(i), "mail"))
	}
	r, err := b.Test(t.Context())
	must(t, err)
	if r.People < ldap.CountLimit || r.People > ldap.CountLimit+pageSize || !r.More || len(r.Sample) != 5 || len(r.Problems) != 20 {
		t.Errorf("%d people, more %v, %d samples, %d problems", r.People, r.More, len(r.Sample), len(r.Problems))
	}
	for _, oid := range r.Controls {
		if ldap.ControlName(oid) == "" {
			t.Errorf("%s has no name", oid)
		}
	}
	c := b.as(func(o *ldap.Options) { o.Config.Filter = "(uid=u00000*)" })
	r, err = c.Test(t.Context())
	must(t, err)
	if r.People != 10 || r.More {
		t.Errorf("%d people, more %v", r.People, r.More)
	}
}

func TestTest_SaysWhatBreaks(t *testing.T) {
	t.Parallel()
	b := newBench(t, ldaptest.Options{}, 20)
	b.sim.SetFaults(ldaptest.Faults{CutPage: 1})
	_, err := b.Test(t.Context())
	want(t, err, fault.Transient, ldap.ReasonCut)
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(directory.LDAP{
		URL: "LDAPS://x", Security: directory.TLS, Schema: directory.OpenLDAP, Filter: "(objectClass=inetOrgPerson)",
		Incremental: directory.Auto, PageSize: 500,
		Attributes: directory.Attributes{
			ID: "entryUUID", Mail: "mail", Login: "uid", GivenName: "givenName", FamilyName: "sn", DisplayName: "displayName",
			Disabled: "pwdAccountLockedTime", DisabledValues: []string{"000001010000Z"}, PasswordHash: "userPassword",
		},
	}, ldap.Defaults(directory.LDAP{URL: "LDAPS://x"})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	own := directory.LDAP{
		URL: "ldap://x", Security: directory.Plain, Schema: directory.ActiveDirectory, Filter: "(a=b)", Incremental: directory.USN, PageSize: 20,
		Attributes: directory.Attributes{
			ID: "a", Mail: "b", Aliases: "c", Login: "d", GivenName: "e", FamilyName: "f", DisplayName: "g", Disabled: "h", PasswordHash: "i",
		},
	}
	if diff := cmp.Diff(own, ldap.Defaults(own)); diff != "" {
		t.Errorf("what is set was changed (-want +got):\n%s", diff)
	}
}

// A server may offer RFC 4533 for other databases than this one.
func TestWalk_GoesOnWhereTheOverlayIsMissing(t *testing.T) {
	t.Parallel()
	_, opt := real(t, slapdtest.Options{Global: "moduleload syncprov"}, 60)
	c := ldap.New(opt)
	r, err := c.Test(t.Context())
	must(t, err)
	if r.Incremental != directory.SyncCookie {
		t.Fatalf("the server does not offer it: %q", r.Incremental)
	}
	known, cur := walk(t, c)
	if len(known) != 60 || cur == "" {
		t.Errorf("%d people, cursor %q", len(known), cur)
	}
	_, err = c.Changes(t.Context(), cur, nothing)
	must(t, err)
	opt.Config.Incremental = directory.SyncCookie
	_, err = ldap.New(opt).Walk(t.Context(), nothing)
	want(t, err, fault.Permanent, ldap.ReasonIncremental)
}
