package admin

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/record"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fleet()
	var got page[statusView]
	b.want(200, "GET", "/v1/status?enterprise=acme", "", &got)
	want := []statusView{{
		Enterprise: "acme", State: enterprise.Pending,
		Devices: counts{"ready": 1, "held": 1, "retired": 1}, Accounts: counts{"active": 1, "deleted": 1},
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
