package infra_test

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/password/dispatch"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// checkins is how many instances of checkin may push passwords of one enterprise at
// their limit at once.
const checkins = 5

// TestGoogleQuotaOfOneEnterpriseHolds: what the functions may spend in one minute, at
// the rates and in the numbers of instances that modules/rollcall sets.
func TestGoogleQuotaOfOneEnterpriseHolds(t *testing.T) {
	t.Parallel()
	module := read(t, "modules/rollcall/main.tf")
	number := func(function, expression string) float64 {
		t.Helper()
		m := regexp.MustCompile(expression).FindStringSubmatch(between(t, module, "    "+function+" = {", "    }"))
		if m == nil {
			t.Fatalf("%s has no %s", function, expression)
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	rate := func(function string) float64 { return number(function, `ROLLCALL_DIRECTORY_RATE += "(\d+)"`) }
	instance := func(function string) float64 {
		return 60*rate(function) + float64(workspace.Burst(int(rate(function))))
	}

	handedOut := dispatch.Share * rate("passwordsweep")
	if other := dispatch.Share * rate("provision"); other != handedOut {
		t.Errorf("passwordsweep hands out %v a second and provision %v, from the same row", handedOut, other)
	}
	if sum := 60*handedOut + instance("directorysync") + checkins*instance("checkin"); sum > workspace.Quota {
		t.Errorf("%v calls in a minute, want at most %v", sum, workspace.Quota)
	}
	instances := number("passwordpush", `instances += (\d+)`)
	if can := instances * rate("passwordpush"); can < handedOut {
		t.Errorf("passwordpush makes %v calls a second, and %v are handed out", can, handedOut)
	}
	if can := instances * instance("passwordpush"); can > workspace.Quota {
		t.Errorf("passwordpush alone makes %v calls in a minute, want at most %v", can, workspace.Quota)
	}
}
