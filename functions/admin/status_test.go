package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fleet()
	b.putLedger(password.Ledger{Person: "p1", Enterprise: "acme", State: password.Active, Version: 1})
	b.putLedger(password.Ledger{Person: "p2", Enterprise: "acme", State: password.Failed, Version: 1})
	b.putLedger(password.Ledger{Person: "p9", Enterprise: "other", State: password.Active, Version: 1})
	var got page[statusView]
	b.want(200, "GET", "/v1/status?enterprise=acme", "", &got)
	want := []statusView{{
		Enterprise: "acme", State: enterprise.Pending,
		Devices: counts{"ready": 1, "held": 1, "retired": 1}, Accounts: counts{"active": 1, "deleted": 1},
		Passwords: counts{"active": 1, "failed": 1},
	}}
	if d := cmp.Diff(want, got.Items); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	b.want(200, "GET", "/v1/status", "", &got)
	if len(got.Items) != 2 || got.Items[1].Devices["adding"] != 1 {
		t.Errorf("got %+v", got.Items)
	}
	b.refuse(404, "GET", "/v1/status?enterprise=nobody", "", "", "no enterprise")
	b.refuse(404, "GET", "/v1/status?enterprise=NOT%20ONE", "", "", "no enterprise")
}

// TestStatusIsBounded: each kind of row is counted as far as one request may read.
func TestStatusIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fleet()
	b.passwordsOf("acme", 3)
	for _, tc := range []struct {
		left, after                  unread
		devices, accounts, passwords int
		truncated                    bool
	}{
		{unread{9, 9, 9}, unread{6, 7, 6}, 3, 2, 3, false},
		{unread{9, 9, 2}, unread{6, 7, 0}, 3, 2, 2, true},
		{unread{9, 1, 9}, unread{6, 0, 6}, 3, 1, 3, true},
		{unread{2, 9, 9}, unread{0, 7, 6}, 2, 2, 3, true},
	} {
		left := tc.left
		v, err := b.office.count(t.Context(), enterprise.Enterprise{ID: "acme"}, &left)
		sum := func(c counts) (n int) {
			for _, k := range c {
				n += k
			}
			return n
		}
		got := []int{sum(v.Devices), sum(v.Accounts), sum(v.Passwords)}
		if d := cmp.Diff([]int{tc.devices, tc.accounts, tc.passwords}, got); d != "" || err != nil || v.Truncated != tc.truncated || left != tc.after {
			t.Errorf("%+v: left %+v, truncated %v, %v, -want +got:\n%s", tc.left, left, v.Truncated, err, d)
		}
	}
}

func TestTallyIsBounded(t *testing.T) {
	t.Parallel()
	const stored = 25
	read := func(p record.Page) ([]int, string, error) {
		from := len(p.Next) // the cursor is as long as it is far
		n := min(p.Limit, stored-from)
		next := ""
		if n == p.Limit {
			next = strings.Repeat("x", from+n)
		}
		return make([]int, n), next, nil
	}
	for _, tc := range []struct {
		left, counted int
		more          bool
	}{{30, 25, false}, {10, 10, true}, {0, 0, true}} {
		left := tc.left
		n, more, err := tally(&left, read, func(int) string { return "x" })
		if err != nil || n["x"] != tc.counted || more != tc.more || left != tc.left-tc.counted {
			t.Errorf("%d: counted %d, more %v, left %d, %v", tc.left, n["x"], more, left, err)
		}
	}
}

func TestStatus_TellsHowTheDirectoryStands(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	const run = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	early, late := time.Unix(1000, 0), time.Unix(2000, 0)
	for _, tc := range []struct {
		want  string
		state directory.State
		phase directory.Phase
	}{
		{"waiting", directory.State{}, ""},
		{"syncing", directory.State{Run: run}, directory.Collecting},
		{"quarantined", directory.State{Run: run, LastTried: late, LastDone: late}, directory.Quarantined},
		{"synced", directory.State{LastTried: late, LastDone: late}, ""},
		{"behind", directory.State{LastTried: late, LastDone: early}, ""},
	} {
		tc.state.Enterprise = "acme"
		b.put(func(tx *record.Tx) error {
			if err := tx.PutDirectory(directory.Config{Enterprise: "acme", Mode: directory.LDAPOnly}); err != nil {
				return err
			}
			if tc.phase != "" {
				if err := tx.PutRun(directory.Run{ID: run, Enterprise: "acme", Phase: tc.phase}); err != nil {
					return err
				}
			}
			return tx.PutDirectoryState(tc.state)
		})
		var got page[statusView]
		b.want(200, "GET", "/v1/status?enterprise=acme", "", &got)
		if got.Items[0].Directory != tc.want {
			t.Errorf("the directory is %q, want %q", got.Items[0].Directory, tc.want)
		}
	}
}
