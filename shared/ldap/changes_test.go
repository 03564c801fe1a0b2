package ldap_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
)

func adDN(i int) string { return fmt.Sprintf("CN=u%06d,OU=people,%s", i, base) }

func adPerson(i int) ldaptest.Entry {
	for e := range ldaptest.NumberedAD(base, i+1) {
		if e.DN == adDN(i) {
			return e
		}
	}
	panic("nobody")
}

// Invariant D7, for Active Directory's two ways.
func TestChanges_D7_FollowActiveDirectory(t *testing.T) {
	t.Parallel()
	for _, kind := range []directory.Incremental{directory.DirSync, directory.USN} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, ldaptest.Options{Schema: directory.ActiveDirectory}, 240)
			filter := "(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))"
			c := b.as(func(o *ldap.Options) { o.Config.Incremental, o.Config.Filter = kind, filter })
			known, cur := walk(t, c)
			if len(known) != 240 {
				t.Fatalf("%d people", len(known))
			}
			for i, change := range []func() error{
				func() error { return nil },
				func() error { return b.sim.Set(adDN(7), "sn", "Śmigły") },
				func() error { return b.sim.Rename(adDN(8), "CN=Renamed,OU=people,"+base) },
				func() error { return b.sim.Delete(adDN(9)) },
				func() error { return b.sim.Set(adDN(11), "userAccountControl", "514") }, // leaves the filter
				func() error { return b.sim.Add(adPerson(240)) },
				func() error {
					for j := 50; j < 180; j++ {
						if err := b.sim.Set(adDN(j), "displayName", "x"); err != nil {
							return err
						}
					}
					return b.sim.Delete(adDN(200))
				},
			} {
				must(t, change())
				changed := state{}
				delta, err := c.Changes(t.Context(), cur, changed.take)
				must(t, err)
				known.apply(delta, changed)
				full, _ := walk(t, c)
				if diff := cmp.Diff(full, known); diff != "" {
					t.Fatalf("change %d (-walked +followed):\n%s", i, diff)
				}
				if i == 0 && (len(changed) != 0 || len(delta.Removed) != 0) {
					t.Errorf("without a change: %d entries, %+v", len(changed), delta)
				}
				cur = delta.Cursor
			}
		})
	}
}

func TestChanges_AnotherDomainControllerNeedsAWalk(t *testing.T) {
	t.Parallel()
	b := newBench(t, ldaptest.Options{Schema: directory.ActiveDirectory}, 20)
	c := b.as(func(o *ldap.Options) { o.Config.Incremental = directory.USN })
	_, cur := walk(t, c)
	_, err := c.Changes(t.Context(), cur, nothing)
	must(t, err)
	must(t, b.sim.SetInvocation("another database"))
	_, err = c.Changes(t.Context(), cur, nothing)
	want(t, err, fault.Conflict, ldap.ReasonCursor)
}

func TestWalk_ChoosesTheBestWayThatTheServerOffers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		schema directory.Schema
		change func(*directory.LDAP)
		kind   directory.Incremental
	}{
		{"OpenLDAP without overlay", directory.OpenLDAP, func(*directory.LDAP) {}, directory.ModifyStamp},
		{"389 Directory Server", directory.DirectoryServer, func(*directory.LDAP) {}, directory.ModifyStamp},
		{"Active Directory at a partition's root", directory.ActiveDirectory, func(*directory.LDAP) {}, directory.DirSync},
		{"Active Directory below it", directory.ActiveDirectory, func(l *directory.LDAP) { l.BaseDN = "OU=people," + base }, directory.USN},
		{"groups", directory.ActiveDirectory, func(l *directory.LDAP) { l.Groups = []string{"CN=staff," + base} }, directory.Full},
		{"switched off", directory.OpenLDAP, func(l *directory.LDAP) { l.Incremental = directory.Full }, directory.Full},
		{"chosen", directory.ActiveDirectory, func(l *directory.LDAP) { l.Incremental = directory.ModifyStamp }, directory.ModifyStamp},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, ldaptest.Options{Schema: tt.schema}, 20)
			c := b.as(func(o *ldap.Options) { tt.change(&o.Config) })
			r, err := c.Test(t.Context())
			must(t, err)
			if r.Incremental != tt.kind || r.Why == "" {
				t.Errorf("%q because %q", r.Incremental, r.Why)
			}
			if _, cur := walk(t, c); (cur == "") != (tt.kind == directory.Full) {
				t.Errorf("cursor %q", cur)
			}
		})
	}
}

// A change in the minutes before the cursor comes again; nothing older does.
func TestChanges_ByTimeReadAnOverlapAgain(t *testing.T) {
	t.Parallel()
	for _, schema := range []directory.Schema{directory.OpenLDAP, directory.ActiveDirectory} {
		t.Run(string(schema), func(t *testing.T) {
			t.Parallel()
			now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
			b := newBench(t, ldaptest.Options{Schema: schema, Now: func() time.Time { return now }}, 20)
			c := b.as(func(o *ldap.Options) { o.Config.Incremental = directory.ModifyStamp })
			dn := personDN
			if schema == directory.ActiveDirectory {
				dn = adDN
			}
			now = now.Add(time.Hour)
			_, cur := walk(t, c)
			now = now.Add(-4 * time.Minute)
			must(t, b.sim.Set(dn(3), "sn", "Late"))
			now = now.Add(-2 * time.Minute)
			must(t, b.sim.Set(dn(4), "sn", "Too Late"))
			now = now.Add(7 * time.Minute)
			must(t, b.sim.Set(dn(5), "sn", "New"))
			var got []string
			_, err := c.Changes(t.Context(), cur, func(p ldap.Page) error {
				for _, e := range p.Entries {
					got = append(got, e.Login)
				}
				return nil
			})
			must(t, err)
			slices.Sort(got)
			if strings.Join(got, " ") != "u000003 u000005" {
				t.Errorf("%v", got)
			}
		})
	}
}

// Who no longer fits the filter is told, where the way of reading sees it.
func TestChanges_TellWhoLeftTheFilter(t *testing.T) {
	t.Parallel()
	b := newBench(t, ldaptest.Options{}, 20)
	c := b.as(func(o *ldap.Options) { o.Config.Filter = "(&(objectClass=inetOrgPerson)(!(title=guest)))" })
	_, cur := walk(t, c)
	must(t, b.sim.Set(personDN(4), "title", "guest"))
	d, err := c.Changes(t.Context(), cur, nothing)
	must(t, err)
	if !slices.Equal(d.Removed, []string{b.sim.ID(personDN(4))}) {
		t.Errorf("%+v", d)
	}
}

// Invariant D5, for changes: an incomplete answer is an error, and the cursor
// stays good.
func TestChanges_D5_IncompleteAnswersAreErrors(t *testing.T) {
	t.Parallel()
	for _, schema := range []directory.Schema{directory.OpenLDAP, directory.ActiveDirectory} {
		b := newBench(t, ldaptest.Options{Schema: schema}, 20)
		_, cur := walk(t, b.Client)
		for _, tt := range []struct {
			faults ldaptest.Faults
			kind   fault.Kind
			reason string
		}{
			{ldaptest.Faults{RefuseBind: 49}, fault.Permanent, ldap.ReasonBindRefused},
			{ldaptest.Faults{RefuseBind: 52}, fault.Transient, ldap.ReasonBusy},
		} {
			b.sim.SetFaults(tt.faults)
			d, err := b.Changes(t.Context(), cur, nothing)
			want(t, err, tt.kind, tt.reason)
			if diff := cmp.Diff(ldap.Delta{}, d); diff != "" {
				t.Error(diff)
			}
		}
		b.sim.SetFaults(ldaptest.Faults{})
		_, err := b.Changes(t.Context(), cur, nothing)
		must(t, err)
	}
}
