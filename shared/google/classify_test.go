package google_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

const echoed = "ya29.secret"

func apiError(status int, reason, message string) *googleapi.Error {
	e := &googleapi.Error{Code: status, Message: message, Body: echoed, Header: http.Header{}}
	if reason != "" {
		e.Errors = []googleapi.ErrorItem{{Reason: reason, Message: message + echoed}}
	}
	return e
}

func wait(e *googleapi.Error, header string) *googleapi.Error {
	e.Header.Set("Retry-After", header)
	return e
}

func check(t *testing.T, err error, kind fault.Kind, reason string, after time.Duration) {
	t.Helper()
	f := fault.As(err)
	if f == nil {
		t.Fatalf("%v is no fault", err)
	}
	if f.Kind != kind || f.Reason != reason || f.RetryAfter != after {
		t.Errorf("got %v %s after %v (%v); want %v %s after %v", f.Kind, f.Reason, f.RetryAfter, err, kind, reason, after)
	}
	for e := error(f); e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), echoed) {
			t.Errorf("error tells what the server sent: %v", e)
		}
	}
}

func TestClassifyAPI(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err    *googleapi.Error
		kind   fault.Kind
		reason string
		after  time.Duration
	}{
		{apiError(400, "invalid", "Invalid Input: primary_user_email"), fault.Permanent, google.ReasonInvalid, 0},
		{apiError(400, "badRequest", "Bad Request"), fault.Permanent, google.ReasonInvalid, 0},
		{apiError(400, "required", ""), fault.Permanent, google.ReasonInvalid, 0},
		{apiError(400, "invalidParameter", ""), fault.Permanent, google.ReasonInvalid, 0},
		{apiError(401, "authError", ""), fault.Transient, google.ReasonTokenRejected, 0},
		{apiError(401, "required", "Login Required"), fault.Transient, google.ReasonTokenRejected, 0},
		{apiError(403, "forbidden", "Not Authorized to access this resource/api"), fault.Permanent, google.ReasonForbidden, 0},
		{apiError(403, "", ""), fault.Permanent, google.ReasonForbidden, 0},
		{apiError(403, "insufficientPermissions", ""), fault.Transient, google.ReasonConfig, google.ConfigRecheck},
		{apiError(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", ""), fault.Transient, google.ReasonConfig, google.ConfigRecheck},
		{apiError(403, "domainCannotUseApis", "Domain cannot use apis."), fault.Transient, google.ReasonConfig, google.ConfigRecheck},
		{apiError(403, "accessNotConfigured", ""), fault.Transient, google.ReasonConfig, google.ConfigRecheck},
		{apiError(403, "userRateLimitExceeded", ""), fault.Exhausted, google.ReasonQuota, 0},
		{apiError(403, "rateLimitExceeded", ""), fault.Exhausted, google.ReasonQuota, 0},
		{apiError(403, "sharingRateLimitExceeded", ""), fault.Exhausted, google.ReasonQuota, 0},
		{apiError(403, "quotaExceeded", ""), fault.Exhausted, google.ReasonQuota, 0},
		{apiError(403, "dailyLimitExceeded", ""), fault.Exhausted, google.ReasonDailyQuota, google.DailyRecheck},
		{apiError(429, "dailyLimitExceeded", ""), fault.Exhausted, google.ReasonDailyQuota, google.DailyRecheck},
		{apiError(403, "limitExceeded", ""), fault.Permanent, google.ReasonLimitExceeded, 0},
		{apiError(404, "notFound", "Resource Not Found: userKey"), fault.NotFound, google.ReasonNotFound, 0},
		{apiError(408, "", ""), fault.Transient, google.ReasonBackend, 0},
		{apiError(409, "duplicate", "Entity already exists."), fault.Conflict, google.ReasonDuplicate, 0},
		{apiError(409, "invalid", "Invalid Given/Family Name: GivenName"), fault.Permanent, google.ReasonRefused, 0},
		{apiError(412, "conditionNotMet", "User creation is not complete."), fault.Transient, google.ReasonNotReady, 0},
		{apiError(400, "failedPrecondition", "User creation is not complete"), fault.Transient, google.ReasonNotReady, 0},
		{apiError(412, "conditionNotMet", "undelete"), fault.Permanent, google.ReasonRefused, 0},
		{apiError(410, "gone", ""), fault.Permanent, google.ReasonRefused, 0},
		{apiError(418, "", ""), fault.Permanent, google.ReasonRefused, 0},
		{apiError(429, "rateLimitExceeded", ""), fault.Exhausted, google.ReasonQuota, 0},
		{wait(apiError(429, "", ""), "7"), fault.Exhausted, google.ReasonQuota, 7 * time.Second},
		{apiError(500, "internalError", ""), fault.Transient, google.ReasonBackend, 0},
		{apiError(502, "badGateway", ""), fault.Transient, google.ReasonBackend, 0},
		{wait(apiError(503, "backendError", ""), "9"), fault.Transient, google.ReasonBackend, 9 * time.Second},
		{apiError(503, "quotaExceeded", ""), fault.Transient, google.ReasonBackend, 0},
		{apiError(504, "gatewayTimeout", ""), fault.Transient, google.ReasonBackend, 0},
		{apiError(403, "text with "+echoed, ""), fault.Permanent, google.ReasonForbidden, 0},
	} {
		t.Run(fmt.Sprintf("%d %s", tc.err.Code, tc.err.Message), func(t *testing.T) {
			t.Parallel()
			check(t, google.Classify(fmt.Errorf("call %s: %w", echoed, tc.err)), tc.kind, tc.reason, tc.after)
		})
	}
}

func TestClassifyReadsErrorInfo(t *testing.T) {
	t.Parallel()
	e := apiError(403, "", "")
	e.Details = []any{map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}}
	check(t, google.Classify(e), fault.Transient, google.ReasonConfig, google.ConfigRecheck)
}

func TestClassifyToken(t *testing.T) {
	t.Parallel()
	const noDelegation = "Client is unauthorized to retrieve access tokens using this method, " +
		"or client not authorized for any of the scopes requested."
	for _, tc := range []struct {
		status      int
		code        string
		description string
		kind        fault.Kind
		reason      string
		after       time.Duration
	}{
		{401, "unauthorized_client", noDelegation, fault.Transient, google.ReasonConfig, google.ConfigRecheck},
		{401, "unauthorized_client", "Unauthorized client or scope in request.", fault.Transient, google.ReasonConfig, google.ConfigRecheck},
		{403, "access_denied", "Requested client not authorized", fault.Transient, google.ReasonConfig, google.ConfigRecheck},
		{400, "access_denied", "Account restricted", fault.Transient, google.ReasonConfig, google.ConfigRecheck},
		{400, "admin_policy_enforced", "", fault.Transient, google.ReasonConfig, google.ConfigRecheck},
		{400, "org_internal", "", fault.Transient, google.ReasonConfig, google.ConfigRecheck},
		{400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.", fault.Transient, google.ReasonConfig, google.ConfigRecheck},
		{401, "invalid_client", "", fault.Permanent, google.ReasonKey, 0},
		{401, "deleted_client", "", fault.Permanent, google.ReasonKey, 0},
		{401, "disabled_client", "The OAuth client was disabled.", fault.Permanent, google.ReasonKey, 0},
		{400, "invalid_grant", "Invalid email or User ID", fault.Permanent, google.ReasonSubject, 0},
		{400, "invalid_grant", "Not a valid email", fault.Permanent, google.ReasonSubject, 0},
		{400, "invalid_grant", "The account has been deleted", fault.Permanent, google.ReasonSubject, 0},
		{400, "invalid_grant", "Bad Request", fault.Permanent, google.ReasonSubject, 0},
		{400, "invalid_grant", "reauth related error (invalid_rapt)", fault.Permanent, google.ReasonSubject, 0},
		{400, "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.", fault.Permanent, google.ReasonKey, 0},
		{400, "invalid_grant", "Invalid JWT Signature.", fault.Permanent, google.ReasonKey, 0},
		{400, "invalid_grant", "Invalid JWT: No valid verifier found for issuer", fault.Permanent, google.ReasonKey, 0},
		{400, "invalid_request", "Invalid impersonation &quot;sub&quot; field.", fault.Permanent, google.ReasonSubject, 0},
		{400, "invalid_request", "Invalid impersonation prn email address.", fault.Permanent, google.ReasonSubject, 0},
		{400, "invalid_request", "Missing parameter", fault.Permanent, google.ReasonInvalid, 0},
		{400, echoed, echoed, fault.Permanent, google.ReasonRefused, 0},
		{400, "", "", fault.Permanent, google.ReasonRefused, 0},
		{400, "internal_failure", "None", fault.Transient, google.ReasonBackend, 3 * time.Second},
		{500, "internal_failure", "Backend Error", fault.Transient, google.ReasonBackend, 3 * time.Second},
		{408, "", "", fault.Transient, google.ReasonBackend, 3 * time.Second},
		{429, "", "", fault.Exhausted, google.ReasonQuota, 3 * time.Second},
		{200, "", "", fault.Transient, google.ReasonBackend, 0},
	} {
		t.Run(fmt.Sprintf("%d %s %s", tc.status, tc.code, tc.description), func(t *testing.T) {
			t.Parallel()
			resp := &http.Response{StatusCode: tc.status, Header: http.Header{"Retry-After": {"3"}}}
			body, err := json.Marshal(map[string]string{"error": tc.code, "error_description": tc.description, "x": echoed})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range []*oauth2.RetrieveError{
				{Response: resp, Body: body},
				{Response: resp, Body: body, ErrorCode: tc.code, ErrorDescription: tc.description},
			} {
				got := google.Classify(&url.Error{Op: "Get", URL: "https://x/" + echoed, Err: e})
				check(t, got, tc.kind, tc.reason, tc.after)
				if !google.NothingDone(got) {
					t.Error("a token error means that nothing was done")
				}
			}
		})
	}
	check(t, google.Classify(&oauth2.RetrieveError{Body: []byte(echoed)}), fault.Permanent, google.ReasonRefused, 0)
}

func TestClassifyTransport(t *testing.T) {
	t.Parallel()
	around := func(err error) error { return &url.Error{Op: "Post", URL: "https://x/?token=" + echoed, Err: err} }
	var syntax *json.SyntaxError
	errors.As(json.Unmarshal([]byte("<"), &struct{}{}), &syntax)
	for _, tc := range []struct {
		name   string
		err    error
		kind   fault.Kind
		reason string
		unsent bool
	}{
		{"cancelled", around(context.Canceled), fault.Transient, google.ReasonDeadline, false},
		{"deadline", around(context.DeadlineExceeded), fault.Transient, google.ReasonDeadline, false},
		{"refused", around(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), fault.Transient, google.ReasonNetwork, true},
		{"dial", around(&net.OpError{Op: "dial", Err: errors.New(echoed)}), fault.Transient, google.ReasonNetwork, true},
		{"no name", around(&net.DNSError{Name: "googleapis.com", IsNotFound: true}), fault.Transient, google.ReasonNetwork, true},
		{"reset", around(&net.OpError{Op: "read", Err: syscall.ECONNRESET}), fault.Transient, google.ReasonNetwork, false},
		{"EOF", around(io.EOF), fault.Transient, google.ReasonNetwork, false},
		{"half an answer", io.ErrUnexpectedEOF, fault.Transient, google.ReasonNetwork, false},
		{"protocol", around(errors.New("malformed HTTP response " + echoed)), fault.Transient, google.ReasonNetwork, false},
		{"not JSON", syntax, fault.Transient, google.ReasonBackend, false},
		{"other JSON", &json.UnmarshalTypeError{Value: echoed}, fault.Transient, google.ReasonBackend, false},
		{"anything", errors.New(echoed), fault.Permanent, google.ReasonRefused, false},
		{"a fault", around(fault.New(fault.Denied, "x", "No.")), fault.Denied, "x", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := google.Classify(tc.err)
			check(t, got, tc.kind, tc.reason, 0)
			if google.NothingDone(got) != tc.unsent {
				t.Errorf("NothingDone is %v", !tc.unsent)
			}
		})
	}
	if google.Classify(nil) != nil {
		t.Error("nil is no failure")
	}
	if !errors.Is(google.Classify(around(context.Canceled)), context.Canceled) {
		t.Error("a cancelled context must stay visible")
	}
}
