package google

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/api/googleapi"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// word is what a reason of Google looks like. Anything else in that place is
// text, and text may quote the request.
var word = pattern.New(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// shortLimits are the reasons of 403 that mean "too fast". Older servers say so
// with 403 where newer ones say 429.
var shortLimits = []string{"userRateLimitExceeded", "rateLimitExceeded", "sharingRateLimitExceeded", "quotaExceeded"}

var configReasons = []string{
	SaysNotConfigured, "insufficientPermissions", SaysNoAPIs,
	SaysServiceDisabled, "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
}

func classifyAPI(e *googleapi.Error, now time.Time) *fault.Error {
	reasons := reasonsOf(e)
	cause := &saidError{strings.TrimSpace(fmt.Sprintf("HTTP %d %s", e.Code, strings.Join(reasons, " "))), reasons}
	has := func(names ...string) bool {
		for _, r := range reasons {
			for _, n := range names {
				if strings.EqualFold(r, n) {
					return true
				}
			}
		}
		return false
	}
	wrap := func(k fault.Kind, reason, public string) *fault.Error {
		return fault.Wrap(cause, k, reason, "%s", public)
	}
	wait := ParseRetryAfter(e.Header.Get("Retry-After"), now)

	switch {
	case e.Code >= 500:
		return wrap(fault.Transient, ReasonBackend, "Google has a fault at the moment.").After(wait)
	case e.Code == http.StatusRequestTimeout:
		return wrap(fault.Transient, ReasonBackend, "Google gave up waiting for the request.").After(wait)
	case (e.Code == http.StatusTooManyRequests || e.Code == http.StatusForbidden) && has("dailyLimitExceeded"):
		return wrap(fault.Exhausted, ReasonDailyQuota, "Google's daily limit is used up.").After(max(wait, DailyRecheck))
	case e.Code == http.StatusTooManyRequests, e.Code == http.StatusForbidden && has(shortLimits...):
		return wrap(fault.Exhausted, ReasonQuota, "Google asks for fewer calls.").After(wait)
	case e.Code == http.StatusUnauthorized:
		return wrap(fault.Transient, ReasonTokenRejected, "Google did not accept the access token.")
	case e.Code >= 400 && strings.Contains(strings.ToLower(e.Message), "creation is not complete"):
		// The text is documented, its status is not.
		return wrap(fault.Transient, ReasonNotReady, "Google is still creating this.").After(wait)
	case e.Code == http.StatusForbidden && has(configReasons...):
		return wrap(fault.Transient, ReasonConfig,
			"An API is off or a scope is missing at Google; an administrator must change that.").After(ConfigRecheck)
	case e.Code == http.StatusForbidden && has("limitExceeded"):
		return wrap(fault.Permanent, ReasonLimitExceeded, "A limit of the Google contract is reached.")
	case e.Code == http.StatusForbidden:
		return wrap(fault.Permanent, ReasonForbidden, "Google does not let this service account do that.")
	case e.Code == http.StatusNotFound:
		return wrap(fault.NotFound, ReasonNotFound, "Google has no such thing.")
	case e.Code == http.StatusConflict && has("duplicate", "alreadyExists"):
		return wrap(fault.Conflict, ReasonDuplicate, "Google has this already.")
	case e.Code == http.StatusBadRequest:
		return wrap(fault.Permanent, ReasonInvalid, "Google says that the request is wrong.")
	default:
		return wrap(fault.Permanent, ReasonRefused, "Google refused the call.")
	}
}

// reasonsOf returns Google's reasons in order: those of errors[], then those of
// google.rpc.ErrorInfo in details[].
func reasonsOf(e *googleapi.Error) []string {
	var out []string
	add := func(s string) {
		if word.MatchString(s) {
			out = append(out, s)
		}
	}
	for _, item := range e.Errors {
		add(item.Reason)
	}
	for _, d := range e.Details {
		if m, ok := d.(map[string]any); ok {
			if s, ok := m["reason"].(string); ok {
				add(s)
			}
		}
	}
	return out[:min(len(out), 4)]
}
