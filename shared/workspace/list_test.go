package workspace_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// walk lists all pages and counts how often each id came.
func walk(t testing.TB, c *workspace.Client, opt workspace.ListOptions, between func(page int)) (seen map[string]int, pages int) {
	t.Helper()
	seen = map[string]int{}
	token := ""
	for {
		page, err := c.List(t.Context(), token, opt)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			seen[u.ID]++
		}
		pages++
		if token = page.Next; token == "" {
			return seen, pages
		}
		if between != nil {
			between(pages)
		}
	}
}

func TestListNarrows(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	for _, u := range []workspacetest.User{
		{PrimaryEmail: "a@example.com", OrgUnitPath: `/Sales/O'Hare\West`}, {PrimaryEmail: "b@example.com", OrgUnitPath: "/Sales", Suspended: true},
	} {
		if _, err := b.sim.AddUser(u); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		opt  workspace.ListOptions
		want []string
	}{
		"all":       {workspace.ListOptions{}, []string{"a@example.com", boss, "b@example.com"}},
		"domain":    {workspace.ListOptions{Scope: workspace.Scope{Domain: domain}}, []string{"a@example.com", boss, "b@example.com"}},
		"customer":  {workspace.ListOptions{Scope: workspace.Scope{Customer: b.customer}}, []string{"a@example.com", boss, "b@example.com"}},
		"unit":      {workspace.ListOptions{OrgUnit: "/Sales"}, []string{"a@example.com", "b@example.com"}},
		"odd unit":  {workspace.ListOptions{OrgUnit: `/Sales/O'Hare\West`}, []string{"a@example.com"}},
		"both":      {workspace.ListOptions{OrgUnit: "/Sales", Query: "isSuspended=true"}, []string{"b@example.com"}},
		"nobody":    {workspace.ListOptions{Query: "isArchived=true"}, nil},
		"undeleted": {workspace.ListOptions{Deleted: true}, nil},
	} {
		page, err := b.List(t.Context(), "", tc.opt)
		var got []string
		for _, u := range page.Users {
			got = append(got, u.PrimaryEmail)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	_, err := b.List(t.Context(), "", workspace.ListOptions{Scope: workspace.Scope{Domain: "nowhere.org"}})
	want(t, err, fault.Permanent, workspace.ReasonDomain)
	_, err = b.List(t.Context(), "", workspace.ListOptions{Query: "nonsense"})
	want(t, err, fault.Permanent, google.ReasonInvalid)
}

func TestPageTokenEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	if err := b.sim.Seed(workspacetest.Numbered(domain, 600)); err != nil {
		t.Fatal(err)
	}
	page, err := b.List(t.Context(), "", workspace.ListOptions{})
	if err != nil || len(page.Users) != workspace.PageSize {
		t.Fatalf("%d users, %v", len(page.Users), err)
	}
	b.clock.Advance(3*24*time.Hour - time.Minute)
	if _, err := b.List(t.Context(), page.Next, workspace.ListOptions{}); err != nil {
		t.Error(err)
	}
	b.clock.Advance(time.Minute)
	for _, token := range []string{page.Next, "nonsense"} {
		_, err = b.List(t.Context(), token, workspace.ListOptions{})
		want(t, err, fault.Conflict, workspace.ReasonPageToken)
	}
}

// Missing is not false.
func TestStatusMayBeMissing(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{sim: workspacetest.Options{StatusDelay: time.Minute}})
	u := b.insert(t, "anna@example.com")
	if u.Suspended != workspace.Unknown || u.Archived != workspace.Unknown || u.Admin != workspace.No {
		t.Errorf("inserted: suspended %v, archived %v, admin %v", u.Suspended, u.Archived, u.Admin)
	}
	b.clock.Advance(time.Minute)
	page, err := b.List(t.Context(), "", workspace.ListOptions{Query: "email:anna*"})
	if err != nil || len(page.Users) != 1 || page.Users[0].Suspended != workspace.No || page.Users[0].Archived != workspace.No {
		t.Errorf("later: %+v, %v", page, err)
	}
}

// Whoever is there from beginning to end and keeps the address comes exactly
// once, whatever happens to others between two pages.
func TestPagingUnderChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{sim: workspacetest.Options{QuotaPerMinute: 1e9}})
	if err := b.sim.Seed(workspacetest.Numbered(domain, 3000)); err != nil {
		t.Fatal(err)
	}
	steady, moving := map[string]bool{}, []string{}
	for i, u := range b.sim.Snapshot(b.customer).Users {
		if i%10 == 0 && u.PrimaryEmail != boss {
			moving = append(moving, u.ID)
		} else {
			steady[u.ID] = true
		}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	seen, pages := walk(t, b.Client, workspace.ListOptions{}, func(page int) {
		for i, id := range moving {
			switch (i + page) % 3 {
			case 0:
				wg.Go(func() {
					if _, err := b.Rename(t.Context(), workspace.ByID(id), fmt.Sprintf("renamed-%d-%d@example.com", page, i)); err != nil {
						t.Error(err)
					}
				})
			case 1:
				wg.Go(func() {
					if _, err := b.sim.AddUser(workspacetest.User{PrimaryEmail: fmt.Sprintf("user-%07d-%d@example.com", i*10, page)}); err != nil {
						t.Error(err)
					}
				})
			}
		}
	})
	for id := range steady {
		if seen[id] != 1 {
			t.Errorf("%s came %d times", id, seen[id])
		}
	}
	if pages < 7 {
		t.Errorf("%d pages", pages)
	}
}

// One failing call in five: the walk goes on where it stopped.
func TestWalkUnderFaults(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{caller: google.Options{Attempts: 20, BreakerFailures: 1000}})
	if err := b.sim.Seed(workspacetest.Numbered(domain, 7_000)); err != nil {
		t.Fatal(err)
	}
	for _, s := range []googletest.Script{
		{Mode: googletest.DropBefore}, {Mode: googletest.Malformed}, {Mode: googletest.Refuse, Status: 403, Reason: "userRateLimitExceeded"},
		{Mode: googletest.Refuse, Status: 429, RetryAfter: "2"}, {Mode: googletest.Refuse},
	} {
		s.Method, s.Probability = listMethod, 0.04
		b.sim.Faults.Add(s)
	}
	seen, pages := walk(t, b.Client, workspace.ListOptions{}, nil)
	if len(seen) != 7_001 || pages != 15 {
		t.Errorf("%d users on %d pages", len(seen), pages)
	}
}
