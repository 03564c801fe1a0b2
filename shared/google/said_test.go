package google

import (
	"errors"
	"fmt"
	"testing"

	"google.golang.org/api/googleapi"
)

func TestSays_GooglesWordsOfARefusal(t *testing.T) {
	t.Parallel()
	old := Classify(&googleapi.Error{Code: 403, Errors: []googleapi.ErrorItem{{Reason: "accessNotConfigured"}}})
	newer := Classify(&googleapi.Error{Code: 403, Details: []any{map[string]any{"reason": "SERVICE_DISABLED"}}})
	for _, tc := range []struct {
		err   error
		words []string
		want  bool
	}{
		{old, []string{SaysNotConfigured}, true},
		{fmt.Errorf("wrapped: %w", old), []string{SaysServiceDisabled, "ACCESSNOTCONFIGURED"}, true},
		{newer, []string{SaysServiceDisabled}, true},
		{newer, []string{SaysNotConfigured}, false},
		{newer, nil, false},
		{Classify(errors.New("accessNotConfigured")), []string{SaysNotConfigured}, false},
		{nil, []string{SaysNotConfigured}, false},
	} {
		if got := Says(tc.err, tc.words...); got != tc.want {
			t.Errorf("Says(%v, %q) = %v", tc.err, tc.words, got)
		}
	}
}
