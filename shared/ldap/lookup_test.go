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
)

// Invariant D5: absence is told from silence.
func TestLookup_D5_TellsAbsenceFromSilence(t *testing.T) {
	t.Parallel()
	slapdtest.Need(t)
	sim := newBench(t, ldaptest.Options{}, 250)
	ad := newBench(t, ldaptest.Options{Schema: directory.ActiveDirectory}, 250)
	srv, opt := real(t, slapdtest.Options{}, 250)
	dnAD := func(i int) string { return fmt.Sprintf("CN=u%06d,OU=people,%s", i, base) }
	for _, tt := range []struct {
		name   string
		opt    ldap.Options
		dn     func(int) string
		remove func(string) error
		rename func(dn, newDN string) error
		set    func(dn, attribute string, v ...string) error
		moved  string
	}{
		{"simulation", sim.opt, personDN, sim.sim.Delete, sim.sim.Rename, sim.sim.Set, "uid=u000005," + base},
		{"simulated Active Directory", ad.opt, dnAD, ad.sim.Delete, ad.sim.Rename, ad.sim.Set, "CN=u000005," + base},
		{"slapd", opt, personDN, srv.Delete, srv.Rename, srv.Set, "uid=u000005," + base},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.opt.Config.BaseDN = "ou=people," + base
			tt.opt.Config.Filter = "(&(objectClass=person)(!(title=guest)))"
			if tt.name != "slapd" {
				tt.opt.Config.Filter = "(!(title=guest))"
			}
			c := ldap.New(tt.opt)
			all, _ := walk(t, c)
			byDN := map[string]string{}
			var ids []string
			for id, e := range all {
				byDN[e.DN] = id
				if e.Login != "" {
					ids = append(ids, id)
				}
			}
			must(t, tt.remove(tt.dn(3)))
			must(t, tt.set(tt.dn(4), "title", "guest"))
			must(t, tt.rename(tt.dn(5), tt.moved))
			ids = append(ids, "no-such-id", "", "ffffffff-ffff-4fff-8fff-ffffffffffff", "*")
			got, err := c.Lookup(t.Context(), ids)
			must(t, err)
			exp := map[string]ldap.Finding{
				"no-such-id": {State: ldap.Absent}, "": {State: ldap.Absent}, "*": {State: ldap.Absent},
				"ffffffff-ffff-4fff-8fff-ffffffffffff": {State: ldap.Absent},
			}
			for id, e := range all {
				if e.Login != "" {
					exp[id] = ldap.Finding{State: ldap.Present, Entry: e}
				}
			}
			exp[byDN[tt.dn(3)]] = ldap.Finding{State: ldap.Absent}
			exp[byDN[tt.dn(4)]] = ldap.Finding{State: ldap.OutOfScope}
			exp[byDN[tt.dn(5)]] = ldap.Finding{State: ldap.OutOfScope}
			if diff := cmp.Diff(exp, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestLookup_AnErrorFindsNobodyAbsent(t *testing.T) {
	t.Parallel()
	b := newBench(t, ldaptest.Options{}, 20)
	ids := []string{b.sim.ID(personDN(3))}
	for _, tt := range []struct {
		faults ldaptest.Faults
		kind   fault.Kind
		reason string
	}{
		{ldaptest.Faults{Result: 10}, fault.Permanent, ldap.ReasonReferral},
		{ldaptest.Faults{Result: 50}, fault.Permanent, ldap.ReasonAccess},
		{ldaptest.Faults{CutPage: 1}, fault.Transient, ldap.ReasonCut},
		{ldaptest.Faults{Result: 51}, fault.Transient, ldap.ReasonBusy},
	} {
		b.sim.SetFaults(tt.faults)
		found, err := b.Lookup(t.Context(), ids)
		want(t, err, tt.kind, tt.reason)
		if len(found) != 0 {
			t.Errorf("%+v", found)
		}
	}
	b.sim.SetFaults(ldaptest.Faults{})
	c := b.as(func(o *ldap.Options) { o.Config.BaseDN = "ou=gone," + base })
	_, err := c.Lookup(t.Context(), ids)
	want(t, err, fault.Permanent, ldap.ReasonBaseMissing)
	if found, err := b.Lookup(t.Context(), nil); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
}
