package google

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// classifyToken decides on refusals of the OAuth token endpoint by who is
// concerned: nobody for good (transient), everybody until a setting changes
// (config), one impersonated person (subject), or everybody who uses the key.
// The codes are those of Google's page on service accounts, "Error codes".
func classifyToken(e *oauth2.RetrieveError, now time.Time) *fault.Error {
	status := 0
	var wait time.Duration
	if e.Response != nil {
		status = e.Response.StatusCode
		wait = ParseRetryAfter(e.Response.Header.Get("Retry-After"), now)
	}
	code, description := tokenErrorWords(e)
	text := fmt.Sprintf("token endpoint: HTTP %d %s", status, code)
	wrap := func(k fault.Kind, reason, public string) *fault.Error {
		// The API itself has not been called yet, whatever happened here.
		return fault.Wrap(unsent(errors.New(strings.TrimSpace(text))), k, reason, "%s", public)
	}

	switch {
	case status >= 500, status == http.StatusRequestTimeout, code == "internal_failure", code == "server_error",
		code == "temporarily_unavailable":
		return wrap(fault.Transient, ReasonBackend, "Google's token endpoint has a fault at the moment.").After(wait)
	case status == http.StatusTooManyRequests:
		return wrap(fault.Exhausted, ReasonQuota, "Google's token endpoint asks for fewer calls.").After(wait)
	case status >= 200 && status < 300:
		return wrap(fault.Transient, ReasonBackend, "Google's token endpoint gave no token.")
	}
	switch code {
	case "unauthorized_client", "access_denied", "admin_policy_enforced", "org_internal", "invalid_scope":
		return wrap(fault.Transient, ReasonConfig,
			"Google has not granted these scopes to the service account: in the Admin console, under Security, API controls, "+
				"domain-wide delegation, enter its client id (the number) with exactly these scopes.").After(ConfigRecheck)
	case "invalid_client", "deleted_client", "disabled_client":
		return wrap(fault.Permanent, ReasonKey, "Google does not accept the service account: it is disabled or deleted; "+
			"look at it in Google Cloud's console under IAM & Admin, Service Accounts.")
	case "invalid_grant":
		switch {
		case strings.HasPrefix(description, "Invalid JWT: Token must be a short-lived token"):
			return wrap(fault.Permanent, ReasonKey, "Google does not accept the assertion's times: "+clockWords(e.Response, now))
		case strings.HasPrefix(description, "Invalid JWT"):
			return wrap(fault.Permanent, ReasonKey, "Google does not accept the service account's key: it is deleted, disabled or expired, "+
				"or of another account; compare its fingerprint with Google's console, or import a new key.")
		default:
			return wrap(fault.Permanent, ReasonSubject, "Google knows no such person to impersonate, or the person is suspended.")
		}
	case "invalid_request":
		if strings.HasPrefix(description, "Invalid impersonation") {
			return wrap(fault.Permanent, ReasonSubject, "Google cannot impersonate that address.")
		}
		return wrap(fault.Permanent, ReasonInvalid, "Google says that the token request is wrong.")
	default:
		return wrap(fault.Permanent, ReasonRefused, "Google's token endpoint refused.")
	}
}

// clockWords says how far off this machine's clock is, by the Date of an answer.
func clockWords(r *http.Response, now time.Time) string {
	var date string
	if r != nil {
		date = r.Header.Get("Date")
	}
	at, err := http.ParseTime(date)
	off := now.Sub(at).Round(time.Second)
	switch {
	case err != nil || off.Abs() < 30*time.Second:
		return "check this machine's clock."
	case off > 0:
		return fmt.Sprintf("this machine's clock is %v ahead of Google's; set it right.", off)
	default:
		return fmt.Sprintf("this machine's clock is %v behind Google's; set it right.", -off)
	}
}

// tokenErrorWords reads error and error_description, from e's fields where the
// library filled them and from the body where it did not (jwt-bearer). The
// description is for comparing only: it may echo the assertion.
func tokenErrorWords(e *oauth2.RetrieveError) (code, description string) {
	code, description = e.ErrorCode, e.ErrorDescription
	if code == "" {
		var body struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}
		// A body that is not JSON leaves both empty, and the status decides.
		_ = json.Unmarshal(e.Body, &body)
		code, description = body.Error, body.Description
	}
	if !word.MatchString(code) {
		code = ""
	}
	return code, description
}
