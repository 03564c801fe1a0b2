package directorysync_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// scenarios bring a new desk to where steps are left, and name them.
var scenarios = []struct {
	name  string
	steps string
	begin func(testing.TB, *desk)
}{
	{"create", "create-account", func(testing.TB, *desk) {}},
	{"create with a hash", "create-account", func(_ testing.TB, d *desk) { d.hash(secretMD5) }},
	{"create with a hash that Google does not take", "create-account", func(_ testing.TB, d *desk) { d.hash("{SSHA}c2FsdGVkIGhhc2ggb2YgYW5uYQ==") }},
	{"adopt", "link", func(t testing.TB, d *desk) {
		if _, err := d.sim.AddUser(workspacetest.User{PrimaryEmail: "Anna@Example.com", GivenName: "Anna", FamilyName: "Example", OrgUnitPath: "/Staff"}); err != nil {
			t.Fatal(err)
		}
	}},
	{"change everything", "unsuspend-account rename-account update-account move-account send-password-hash", func(t testing.TB, d *desk) {
		d.made(t)
		d.row.State = person.Disabled
		d.must(t, "suspend-account")
		d.row.State = person.Active
		e := &d.row.Entry
		e.Mail, e.GivenName, e.Unit = "anna.b@example.com", "Ann", "ou=sales,ou=staff,dc=example,dc=com"
		d.hash(secretMD5)
	}},
	{"suspend", "suspend-account", func(t testing.TB, d *desk) { d.made(t); d.leave() }},
	{"delete", "delete-account", func(t testing.TB, d *desk) {
		d.made(t)
		d.leave()
		d.must(t, "suspend-account")
		d.clock.advance(30 * 24 * time.Hour)
	}},
	{"restore", "restore-account unsuspend-account", func(t testing.TB, d *desk) { d.deleted(t, 10); d.back() }},
	{"make anew", "create-account", func(t testing.TB, d *desk) { d.deleted(t, 21); d.back() }},
	{"address changed while it was made", "create-account rename-account", func(t testing.TB, d *desk) {
		d.sim.Faults.Add(googletest.Script{Method: insertMethod, Mode: googletest.DropAfter, Times: 1})
		d.sim.Faults.Add(googletest.Script{Method: getMethod, Mode: googletest.DropBefore, Times: 1})
		if got, err := d.bring(t, all); err == nil || d.row.Google.ID != "" || d.row.Google.Mail == "" {
			t.Fatalf("did %q, known as %+v", got, d.row.Google)
		}
		d.sim.Faults.Clear()
		d.clock.advance(20 * time.Minute)
		d.row.Entry.Mail = "anna.b@example.com"
	}},
}

// made makes the account, lets it settle, and takes in what a listing then says.
func (d *desk) made(t testing.TB) {
	t.Helper()
	d.must(t, "create-account")
	d.clock.advance(20 * time.Minute)
	d.row.Google.Suspended, d.row.Google.Archived = person.No, person.No
}

// deleted is an account that was suspended, deleted, and left so for some days.
func (d *desk) deleted(t testing.TB, days int) {
	t.Helper()
	d.made(t)
	d.leave()
	d.must(t, "suspend-account")
	d.clock.advance(30 * 24 * time.Hour)
	d.must(t, "delete-account")
	d.clock.advance(time.Duration(days) * 24 * time.Hour)
}

// hash gives the person a password hash.
func (d *desk) hash(stored string) {
	d.config.Google.PasswordHashes = true
	d.stored, d.row.Entry.Hash = stored, "digest of "+stored[:5]
}

// outcome is what must be the same however often the way there was broken off.
type outcome struct {
	Row      person.Person
	Google   workspacetest.Snapshot
	Password bool
	SignOut  bool
}

func (d *desk) outcome() outcome {
	id := d.row.Google.ID
	out := outcome{Row: d.row, Google: d.sim.Snapshot(d.customer), SignOut: d.sim.SignOuts(id) > 0}
	if d.stored == secretMD5 {
		out.Password = d.sim.PasswordIs(id, plain)
	} else {
		out.Password = d.sim.PasswordIs(id, deskPassword)
	}
	return out
}

var moments = cmp.Options{
	cmpopts.IgnoreFields(person.Person{}, "GoogleAt", "UpdatedAt"),
	cmpopts.IgnoreFields(person.Google{}, "CreatedAt"),
	cmpopts.IgnoreFields(workspacetest.User{}, "CreatedAt"),
}

// Whatever fails, and whether Google did it all the same, the end is that of the
// unbroken way: one account, one row, nothing left to do.
func TestAccounts_D2_SurviveEveryFailureAtGoogle(t *testing.T) {
	t.Parallel()
	kinds := map[string]googletest.Script{
		"cut after": {Mode: googletest.DropAfter}, "503 after": {Mode: googletest.RefuseAfter, Status: http.StatusServiceUnavailable},
	}
	rare := map[string]googletest.Script{
		"cut before": {Mode: googletest.DropBefore}, "half an answer": {Mode: googletest.Malformed},
		"quota": {Mode: googletest.Refuse, Status: http.StatusTooManyRequests, Reason: "rateLimitExceeded"},
	}
	for _, sc := range scenarios {
		for _, settling := range []time.Duration{0, 10 * time.Minute} {
			t.Run(fmt.Sprintf("%s, settling %v", sc.name, settling), func(t *testing.T) {
				t.Parallel()
				options := deskOptions{sim: workspacetest.Options{Settling: settling, StatusDelay: settling / 2}}
				d := newDesk(t, options)
				sc.begin(t, d)
				before := d.sim.Faults.Calls("*")
				d.must(t, sc.steps)
				calls, want := d.sim.Faults.Calls("*")-before, d.outcome()
				d.clock.advance(time.Hour)
				d.must(t, "")
				kinds := maps.Clone(kinds)
				if settling == 0 {
					maps.Copy(kinds, rare)
				}
				for kind, script := range kinds {
					for n := range calls {
						d := newDesk(t, options)
						sc.begin(t, d)
						script.Method, script.Skip, script.Times = "*", n, 1
						d.sim.Faults.Add(script)
						_, first := d.bring(t, all)
						if d.sim.Faults.Pending() > 0 {
							t.Fatalf("%s at call %d did not happen", kind, n)
						}
						d.settle(t)
						d.clock.advance(time.Hour)
						d.settle(t)
						if diff := cmp.Diff(settled(want), settled(d.outcome()), moments); diff != "" {
							t.Errorf("%s at call %d, first %v (-want +got):\n%s", kind, n, first, diff)
						}
					}
				}
			})
		}
	}
}

// settled leaves out what Google says only later.
func settled(o outcome) outcome {
	if o.Row.Google.Suspended == person.Unknown {
		o.Row.Google.Suspended = person.No
	}
	if o.Row.Google.Archived == person.Unknown {
		o.Row.Google.Archived = person.No
	}
	return o
}

// The same for 409, which Google also answers to what it did.
func TestAccounts_D2_SurviveConflictsAlthoughApplied(t *testing.T) {
	t.Parallel()
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{insertMethod, updateMethod} {
				d := newDesk(t, deskOptions{})
				sc.begin(t, d)
				before := d.sim.Faults.Calls(method)
				d.must(t, sc.steps)
				calls, want := d.sim.Faults.Calls(method)-before, d.outcome()
				for n := range calls {
					d := newDesk(t, deskOptions{})
					sc.begin(t, d)
					d.sim.Faults.Add(googletest.Script{Method: method, Mode: googletest.RefuseAfter, Status: http.StatusConflict, Reason: "duplicate", Skip: n, Times: 1})
					d.settle(t)
					if diff := cmp.Diff(want, d.outcome(), moments); diff != "" || d.sim.Faults.Pending() > 0 {
						t.Errorf("%s %d (-want +got):\n%s", method, n, diff)
					}
				}
			}
		})
	}
}

// The same for the store: the process is killed before or after each save.
func TestAccounts_D2_SurviveEveryKill(t *testing.T) {
	t.Parallel()
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, deskOptions{})
			sc.begin(t, d)
			before := d.saves
			d.must(t, sc.steps)
			saves, want := d.saves-before, d.outcome()
			if saves == 0 {
				t.Fatal("nothing is saved")
			}
			for n := range saves {
				for _, after := range []bool{false, true} {
					d := newDesk(t, deskOptions{sim: workspacetest.Options{Settling: 10 * time.Minute}})
					sc.begin(t, d)
					d.failAt, d.after = d.saves+n, after
					if _, err := d.bring(t, all); err == nil {
						t.Fatalf("save %d did not fail", n)
					}
					d.settle(t)
					if diff := cmp.Diff(want, d.outcome(), moments); diff != "" {
						t.Errorf("save %d, stored %v (-want +got):\n%s", n, after, diff)
					}
				}
			}
		})
	}
}

const secretMD5 = "{MD5}X03MO1qnZdYdgyfeuILPmQ==" // of "password"
