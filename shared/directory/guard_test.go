package directory_test

import (
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

func TestGuard_D5_Boundaries(t *testing.T) {
	t.Parallel()
	type counts = directory.Counts
	full := func(n int, c counts) counts { c.Before, c.Listed = n, n; return c }
	for _, tc := range []struct {
		name  string
		guard directory.Guard
		run   directory.Run
		want  string
	}{
		{"the same", directory.Guard{}, directory.Run{Counts: full(100, counts{})}, ""},
		{"the first", directory.Guard{}, directory.Run{Counts: counts{Listed: 1}}, ""},
		{"the first, of nobody", directory.Guard{}, directory.Run{}, "nobody-listed"},
		{"nobody of one", directory.Guard{}, directory.Run{Counts: counts{Before: 1}}, "nobody-listed"},
		{"nobody of many", directory.Guard{}, directory.Run{Counts: counts{Before: 1000}}, "nobody-listed"},
		{"no change", directory.Guard{}, directory.Run{Incremental: true, Counts: full(1000, counts{})}, ""},
		{"no change of none", directory.Guard{}, directory.Run{Incremental: true}, ""},
		{"nobody is left by changes", directory.Guard{}, directory.Run{Incremental: true, Counts: counts{Before: 3, Absent: 3}}, "nobody-listed"},
		{"only others", directory.Guard{}, directory.Run{Counts: full(2, counts{Absent: 2})}, "too-few-listed"},
		{"almost only others", directory.Guard{}, directory.Run{Counts: full(3, counts{Absent: 2})}, ""},
		{"another one", directory.Guard{}, directory.Run{Counts: full(1, counts{Absent: 1})}, ""},
		{"1 of 99", directory.Guard{}, directory.Run{Counts: counts{Before: 99, Listed: 1}}, ""},
		{"80 of 100", directory.Guard{}, directory.Run{Counts: counts{Before: 100, Listed: 80}}, ""},
		{"79 of 100", directory.Guard{}, directory.Run{Counts: counts{Before: 100, Listed: 79}}, "too-few-listed"},
		{"81 of 101", directory.Guard{}, directory.Run{Counts: counts{Before: 101, Listed: 81}}, ""},
		{"80 of 101", directory.Guard{}, directory.Run{Counts: counts{Before: 101, Listed: 80}}, "too-few-listed"},
		{"more than before", directory.Guard{}, directory.Run{Counts: counts{Before: 100, Listed: 100_000}}, ""},
		{"50 of 100, where half may", directory.Guard{DropPercent: 50}, directory.Run{Counts: counts{Before: 100, Listed: 50}}, ""},
		{"49 of 100, where half may", directory.Guard{DropPercent: 50}, directory.Run{Counts: counts{Before: 100, Listed: 49}}, "too-few-listed"},
		{"8 of 10, from 10 on", directory.Guard{Population: 10}, directory.Run{Counts: counts{Before: 10, Listed: 8}}, ""},
		{"7 of 10, from 10 on", directory.Guard{Population: 10}, directory.Run{Counts: counts{Before: 10, Listed: 7}}, "too-few-listed"},
		{"1 of 100, where all may", directory.Guard{DropPercent: 100}, directory.Run{Counts: counts{Before: 100, Listed: 1}}, ""},

		{"20 of 100 withdrawn", directory.Guard{}, directory.Run{Counts: full(100, counts{Withdraws: 20})}, ""},
		{"21 of 100 withdrawn", directory.Guard{}, directory.Run{Counts: full(100, counts{Withdraws: 21})}, "too-many-withdrawals"},
		{"20 of 104 withdrawn", directory.Guard{}, directory.Run{Counts: full(104, counts{Withdraws: 20})}, ""},
		{"21 of 104 withdrawn", directory.Guard{}, directory.Run{Counts: full(104, counts{Withdraws: 21})}, "too-many-withdrawals"},
		{"99 of 99 withdrawn", directory.Guard{}, directory.Run{Counts: full(99, counts{Withdraws: 99})}, ""},
		{"by changes alone", directory.Guard{}, directory.Run{Incremental: true, Counts: counts{Before: 100, Listed: 79, Withdraws: 21}}, "too-many-withdrawals"},
		{"3 of 99, where 3 may", directory.Guard{Withdraw: directory.Limit{Count: 3}}, directory.Run{Counts: full(99, counts{Withdraws: 3})}, ""},
		{"4 of 99, where 3 may", directory.Guard{Withdraw: directory.Limit{Count: 3}}, directory.Run{Counts: full(99, counts{Withdraws: 4})}, "too-many-withdrawals"},
		{"21 of 100, where 50 may by number", directory.Guard{Withdraw: directory.Limit{Count: 50}}, directory.Run{Counts: full(100, counts{Withdraws: 21})}, "too-many-withdrawals"},
		{"30 of 100, where 30 % may", directory.Guard{Withdraw: directory.Limit{Percent: 30}}, directory.Run{Counts: full(100, counts{Withdraws: 30})}, ""},
		{"31 of 100, where 30 % may", directory.Guard{Withdraw: directory.Limit{Percent: 30}}, directory.Run{Counts: full(100, counts{Withdraws: 31})}, "too-many-withdrawals"},
		{"5 of 100 deleted", directory.Guard{}, directory.Run{Counts: full(100, counts{Deletes: 5})}, ""},
		{"6 of 100 deleted", directory.Guard{}, directory.Run{Counts: full(100, counts{Deletes: 6})}, "too-many-deletions"},
		{"6 of 99 deleted", directory.Guard{}, directory.Run{Counts: full(99, counts{Deletes: 6})}, ""},
		{"2 deleted, where 1 may", directory.Guard{Delete: directory.Limit{Count: 1}}, directory.Run{Counts: full(99, counts{Deletes: 2})}, "too-many-deletions"},
		{"too many of both", directory.Guard{}, directory.Run{Counts: full(100, counts{Withdraws: 21, Deletes: 6})}, "too-many-withdrawals too-many-deletions"},

		{"not all of it", directory.Guard{}, directory.Run{Incomplete: "size-limit", Counts: full(100, counts{})}, "incomplete"},
		{"an entry without an id", directory.Guard{}, directory.Run{Incomplete: directory.IncompleteUnidentified, Counts: full(100, counts{})}, ""},
		{"no account of none", directory.Guard{}, directory.Run{Counts: full(1, counts{})}, ""},
		{"no account of one", directory.Guard{}, directory.Run{Counts: full(1, counts{GoogleBefore: 1})}, "no-google-account-listed"},
		{"80 accounts of 100", directory.Guard{}, directory.Run{Counts: full(1, counts{GoogleBefore: 100, GoogleListed: 80})}, ""},
		{"79 accounts of 100", directory.Guard{}, directory.Run{Counts: full(1, counts{GoogleBefore: 100, GoogleListed: 79})}, "too-few-google-accounts-listed"},
		{"accounts that were not asked for", directory.Guard{}, directory.Run{SkipGoogle: true, Counts: full(1, counts{GoogleBefore: 100})}, ""},
	} {
		for _, kind := range []directory.Kind{directory.Sync, directory.DryRun} {
			tc.run.Kind = kind
			var got []string
			for _, b := range tc.guard.Judge(tc.run) {
				got = append(got, b.Reason)
				if b.Text == "" {
					t.Errorf("%s: %s says nothing", tc.name, b.Reason)
				}
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("%s, %s: %v, want %q", kind, tc.name, got, tc.want)
			}
		}
	}
}

func TestHints_D5_AreLimitedAsARunIs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		guard  directory.Guard
		people int
		want   int // allowed in one day; -1 is all
	}{
		{directory.Guard{}, 99, -1}, {directory.Guard{}, 100, 20}, {directory.Guard{}, 1000, 200},
		{directory.Guard{Withdraw: directory.Limit{Count: 2}}, 99, 2}, {directory.Guard{Withdraw: directory.Limit{Percent: 1}}, 100, 1},
	} {
		c, s := directory.Config{Guard: tc.guard}, directory.State{People: tc.people}
		for _, day := range []string{"2030-01-01", "2030-01-02"} {
			n := 0
			for range 300 {
				next, ok := c.HintAllowed(s, day)
				if s = next; !ok {
					break
				}
				n++
			}
			if want := tc.want; n != want && !(want == -1 && n == 300) || s.Hints.Withdrawn != n || s.Hints.Day != day {
				t.Errorf("%+v of %d people: %d were let through, want %d, noted %+v", tc.guard, tc.people, n, want, s.Hints)
			}
		}
	}
}
