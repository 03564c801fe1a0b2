package examine_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/api/googleapi"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/record"
)

func TestPlayLines(t *testing.T) {
	t.Parallel()
	says := func(err error) func(*site) {
		return func(s *site) { s.Play = func(context.Context, string) error { return err } }
	}
	recorded := func(state enterprise.State, live bool) func(*site) {
		return func(s *site) {
			if !live {
				s.Play = nil
			}
			s.put(func(tx *record.Tx) error {
				return tx.PutEnterprise(enterprise.Enterprise{ID: acme, Name: "Acme", Play: "LC01", State: state})
			})
		}
	}
	run(t, []lineTest{
		{"not bound", says(fault.New(fault.NotFound, account.ReasonEnterpriseMissing, "x")), map[string]string{"play": "fail|no longer binds it"}},
		{"no key", says(fault.New(fault.NotFound, "secret-missing", "There is no secret play-key.")), map[string]string{"play": "fail|There is no secret play-key. [Put the key"}},
		{"a bad key", says(fault.New(fault.Permanent, google.ReasonKey, "x")), map[string]string{"play": "fail|credential does not work"}},
		{"API off", says(google.Classify(&googleapi.Error{Code: 403, Errors: []googleapi.ErrorItem{{Reason: "accessNotConfigured"}}})), map[string]string{"play": "fail|Play EMM API is not enabled"}},
		{"down", says(fault.New(fault.Transient, google.ReasonBackend, "Google has a fault at the moment.")), map[string]string{"play": "fail|could not be asked for the enterprise LC01. Google has"}},
		{"an error without words", says(errors.New("PRIVATE")), map[string]string{"play": "fail|The log of the function admin says why."}},
		{"recorded as gone", recorded(enterprise.Gone, true), map[string]string{"play": "warn|recorded as gone"}},
		{"recorded as pending", recorded(enterprise.Pending, true), nil},
		{"not asked, bound", recorded(enterprise.Bound, false), nil},
		{"not asked, gone", recorded(enterprise.Gone, false), map[string]string{"play": "fail|when it was last asked"}},
		{"not asked, pending", recorded(enterprise.Pending, false), map[string]string{"play": "warn|has not been asked"}},
	})
}
