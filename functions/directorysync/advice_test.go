package directorysync

import (
	"errors"
	"os"
	"regexp"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// TestAdvice_EveryReasonOfGoogleHasOne: of those that package google lists, also the
// ones to come.
func TestAdvice_EveryReasonOfGoogleHasOne(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../shared/google/reason.go")
	if err != nil {
		t.Fatal(err)
	}
	listed := regexp.MustCompile(`\tReason\w+ = "([a-z-]+)"`).FindAllStringSubmatch(string(b), -1)
	if len(listed) < 18 {
		t.Fatalf("only %d reasons are found in the file", len(listed))
	}
	for _, r := range listed {
		if advices[r[1]] == "" {
			t.Errorf("%s has no advice", r[1])
		}
	}
}

// TestAdvice_SaysWhichCauseItIs: a broken credential has several, and the error knows.
func TestAdvice_SaysWhichCauseItIs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want string
	}{
		{fault.New(fault.Permanent, google.ReasonKey, "Grant the role."), "Grant the role. " + advices[google.ReasonKey]},
		{fault.New(fault.Transient, google.ReasonIdentity, "No identity."), "No identity. " + advices[google.ReasonIdentity]},
		{&fault.Error{Kind: fault.Permanent, Reason: google.ReasonKey}, advices[google.ReasonKey]},
		{fault.New(fault.Exhausted, google.ReasonQuota, "Slow down."), advices[google.ReasonQuota]},
		{fault.New(fault.Permanent, "unheard-of", "Do this."), "Do this."},
		{errors.New("secret text"), adviceOf("")},
	} {
		if got := adviceFor(tc.err); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.err, got, tc.want)
		}
	}
}
