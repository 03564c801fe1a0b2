package directorysync_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// What Google refuses for good is told, and stops nothing else (invariant D8).
func TestAccounts_D8_RefusalsAreProblems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*desk)
		fault  *googletest.Script
		want   string
		done   string
	}{
		{name: "a name that Google does not take", want: directory.ProblemName, done: "rename-account move-account",
			fault: &googletest.Script{Method: updateMethod, Mode: googletest.Refuse, Status: 400, Reason: "invalid", Message: "Invalid Given/Family Name: GivenName", Skip: 1, Times: 1}},
		{name: "a limit", want: directory.ProblemLimit, done: "update-account move-account",
			fault: &googletest.Script{Method: updateMethod, Mode: googletest.Refuse, Status: 403, Reason: "limitExceeded", Times: 1}},
		{name: "for what Google alone knows", want: directory.ProblemRefused, done: "update-account move-account",
			fault: &googletest.Script{Method: updateMethod, Mode: googletest.Refuse, Status: 400, Reason: "invalid", Message: "Invalid Input", Times: 1}},
		{name: "a unit that is not there", want: directory.ProblemOrgUnit, done: "rename-account update-account",
			change: func(d *desk) { d.config.Google.Units[1].OrgUnit = "/Nowhere" }},
		{name: "an address of another domain", want: directory.ProblemAddress, done: "update-account move-account",
			change: func(d *desk) { d.row.Entry.Mail = "anna@elsewhere.example" }},
		{name: "an address that is none", want: directory.ProblemAddress, done: "update-account move-account",
			change: func(d *desk) { d.row.Entry.Mail = "anna" }},
		{name: "an address with what Google does not take", want: directory.ProblemAddress, done: "update-account move-account",
			change: func(d *desk) { d.row.Entry.Mail = "an..na@example.com" }},
		{name: "an address that is taken", want: directory.ProblemAddressTaken, done: "update-account move-account",
			change: func(d *desk) { d.row.Entry.Mail = "admin@example.com" }},
		{name: "a name that is too long", want: directory.ProblemNameTooLong, done: "rename-account move-account",
			change: func(d *desk) { d.row.Entry.FamilyName = strings.Repeat("x", 41) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, deskOptions{})
			d.must(t, "create-account")
			e := &d.row.Entry
			e.Mail, e.GivenName, e.Unit = "b@example.com", "Ann", "ou=sales,ou=staff,dc=example,dc=com"
			if tc.change != nil {
				tc.change(d)
			}
			if tc.fault != nil {
				d.sim.Faults.Add(*tc.fault)
			}
			d.must(t, tc.done)
			if !slices.Equal(d.row.Problems, []string{tc.want}) {
				t.Errorf("problems %v, want %s", d.row.Problems, tc.want)
			}
		})
	}
}

func TestAccounts_ProblemsEndWithTheirCause(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.row.Problems = []string{directory.ProblemHash, directory.ProblemAddressTaken}
	d.must(t, "create-account")
	if len(d.row.Problems) > 0 {
		t.Errorf("problems %v", d.row.Problems)
	}
}

// What time mends is returned, and the rest of the steps is not tried.
func TestAccounts_TransientFailuresAreReturned(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		script googletest.Script
		reason string
	}{
		{googletest.Script{Mode: googletest.Refuse, Status: 503}, google.ReasonBackend},
		{googletest.Script{Mode: googletest.Refuse, Status: 403, Reason: "userRateLimitExceeded"}, google.ReasonQuota},
		{googletest.Script{Mode: googletest.Refuse, Status: 412, Reason: "conditionNotMet", Message: "User creation is not complete"}, google.ReasonNotReady},
		{googletest.Script{Mode: googletest.DropBefore}, google.ReasonNetwork},
	} {
		d := newDesk(t, deskOptions{})
		d.must(t, "create-account")
		d.row.Entry.Mail, d.row.Entry.GivenName = "b@example.com", "Ann"
		tc.script.Method = updateMethod
		d.sim.Faults.Add(tc.script)
		got, err := d.bring(t, all)
		if got != "" || fault.ReasonOf(err) != tc.reason || !fault.Redeliver(err) || d.sim.Faults.Calls(updateMethod) != 1 || len(d.row.Problems) > 0 {
			t.Errorf("%s: did %q: %v", tc.reason, got, err)
		}
		d.sim.Faults.Clear()
		d.must(t, "rename-account update-account")
	}
}
