package ldap_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/person"
)

const (
	base = "dc=example,dc=com"
	// pageSize makes a few people fill pages.
	pageSize = 50
)

// bench is a client of a simulated directory.
type bench struct {
	*ldap.Client
	sim *ldaptest.Server
	opt ldap.Options
}

func newBench(t testing.TB, opt ldaptest.Options, people int) *bench {
	t.Helper()
	sim, err := ldaptest.Start(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	numbered := ldaptest.Numbered(base, people)
	if opt.Schema == directory.ActiveDirectory {
		numbered = ldaptest.NumberedAD(base, people)
	}
	if err := sim.AddAll(numbered); err != nil {
		t.Fatal(err)
	}
	b := &bench{sim: sim, opt: ldap.Options{Config: sim.Config(), Password: sim.Password}}
	b.opt.Config.PageSize = pageSize
	b.Client = ldap.New(b.opt)
	return b
}

// as returns a client like b's with other options.
func (b *bench) as(change func(*ldap.Options)) *ldap.Client {
	opt := b.opt
	change(&opt)
	return ldap.New(opt)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, err error, k fault.Kind, reason string) {
	t.Helper()
	if fault.KindOf(err) != k || fault.ReasonOf(err) != reason {
		t.Errorf("got %v %q (%v), want %v %q", fault.KindOf(err), fault.ReasonOf(err), err, k, reason)
	}
}

// state is a directory as its reader knows it.
type state map[string]person.Entry

func (s state) take(p ldap.Page) error {
	for _, e := range p.Entries {
		s[e.ID] = e
	}
	return nil
}

// apply brings a state up to date as a run would.
func (s state) apply(d ldap.Delta, changed state) {
	for id, e := range changed {
		s[id] = e
	}
	for _, id := range d.Removed {
		if _, again := changed[id]; !again {
			delete(s, id)
		}
	}
	if d.PresentOnly {
		for id := range s {
			if _, in := changed[id]; !in && !slices.Contains(d.Present, id) {
				delete(s, id)
			}
		}
	}
}

func walk(t testing.TB, c *ldap.Client) (state, ldap.Cursor) {
	t.Helper()
	s := state{}
	cur, err := c.Walk(t.Context(), s.take)
	if err != nil {
		t.Fatal(err)
	}
	return s, cur
}

func nothing(ldap.Page) error { return nil }

func TestWalk_ReadsAllInPages(t *testing.T) {
	t.Parallel()
	for _, schema := range []directory.Schema{directory.OpenLDAP, directory.DirectoryServer, directory.ActiveDirectory} {
		t.Run(string(schema), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, ldaptest.Options{Schema: schema}, 123)
			pages, got := 0, state{}
			cur, err := b.Walk(t.Context(), func(p ldap.Page) error {
				pages++
				if len(p.Entries) > pageSize || len(p.Problems) != 0 || p.Unidentified != 0 {
					t.Errorf("a page of %d with %v, %d unidentified", len(p.Entries), p.Problems, p.Unidentified)
				}
				return got.take(p)
			})
			must(t, err)
			if len(got) != 123 || pages != 3 || cur == "" {
				t.Errorf("%d people in %d pages, cursor %q", len(got), pages, cur)
			}
			dn, unit := "uid=u000017,ou=people,"+base, "ou=people,"+base
			if schema == directory.ActiveDirectory {
				dn = "CN=u000017,OU=people," + base
			}
			exp := person.Entry{
				ID: b.sim.ID(dn), DN: dn, Mail: "u000017@example.com", Login: "u000017", GivenName: "Björn",
				FamilyName: "Lefèvre", DisplayName: "Björn Lefèvre", Unit: unit, Enabled: person.Yes,
			}
			if diff := cmp.Diff(exp, got[exp.ID]); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestWalk_EndsWithTheCallersError(t *testing.T) {
	t.Parallel()
	b := newBench(t, ldaptest.Options{}, 123)
	enough := fault.New(fault.Conflict, "enough", "enough")
	cur, err := b.Walk(t.Context(), func(ldap.Page) error { return enough })
	if err != error(enough) || cur != "" {
		t.Errorf("%q, %v", cur, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = b.Walk(ctx, func(ldap.Page) error { cancel(); return nil })
	want(t, err, fault.Transient, ldap.ReasonDeadline)
}

// Invariant D5: what a server leaves out is an error, and never an absence.
func TestWalk_D5_IncompleteAnswersAreErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t, ldaptest.Options{}, 123)
	for _, tt := range []struct {
		name   string
		faults ldaptest.Faults
		kind   fault.Kind
		reason string
	}{
		{"referral", ldaptest.Faults{Result: 10}, fault.Permanent, ldap.ReasonReferral},
		{"size limit", ldaptest.Faults{SizeLimit: 70}, fault.Permanent, ldap.ReasonSizeLimit},
		{"time limit", ldaptest.Faults{Result: 3}, fault.Transient, ldap.ReasonTimeLimit},
		{"administrative limit", ldaptest.Faults{Result: 11}, fault.Permanent, ldap.ReasonAdminLimit},
		{"busy", ldaptest.Faults{Result: 51}, fault.Transient, ldap.ReasonBusy},
		{"no access", ldaptest.Faults{Result: 50}, fault.Permanent, ldap.ReasonAccess},
		{"unknown", ldaptest.Faults{Result: 80}, fault.Permanent, ldap.ReasonRefused},
		{"cut in the first page", ldaptest.Faults{CutPage: 1}, fault.Transient, ldap.ReasonCut},
		{"cut in the last page", ldaptest.Faults{CutPage: 3}, fault.Transient, ldap.ReasonCut},
		{"bind refused", ldaptest.Faults{RefuseBind: 49}, fault.Permanent, ldap.ReasonBindRefused},
		{"bind while busy", ldaptest.Faults{RefuseBind: 51}, fault.Transient, ldap.ReasonBusy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.sim.SetFaults(tt.faults)
			cur, err := b.Walk(t.Context(), nothing)
			want(t, err, tt.kind, tt.reason)
			if cur != "" {
				t.Error("an incomplete walk gave a cursor")
			}
			if s := fmt.Sprint(err); strings.Contains(s, "reader") || strings.Contains(s, "search of") {
				t.Errorf("the error repeats what the server said: %s", s)
			}
		})
	}
	b.sim.SetFaults(ldaptest.Faults{})
	if got, _ := walk(t, b.Client); len(got) != 123 {
		t.Errorf("%d people", len(got))
	}
}
