package api

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// unauthorized is the text of every 401 to a device, so that a refusal tells nothing but
// the server's time (invariant C1).
const unauthorized = "The request was not accepted. If this device's clock differs from serverTime by more than 300 seconds, set it; otherwise enroll again with a new key, and a valid enrollment token or sign-in."

// challenge is how a device proves itself (RFC 9449, section 7.1).
const challenge = `DPoP algs="ES256"`

// refusal is what every 401 of a function says.
type refusal struct{ text, challenge string }

// Reasons with a status of their own.
const (
	reasonMethod    = "method-not-allowed"
	reasonMediaType = "unsupported-media-type"
	reasonStoreFull = "store-full"
)

// Status returns the HTTP status of an error's kind.
func Status(err error) int {
	switch fault.ReasonOf(err) {
	case reasonMethod:
		return http.StatusMethodNotAllowed
	case reasonMediaType:
		return http.StatusUnsupportedMediaType
	case reasonStoreFull:
		return http.StatusInsufficientStorage
	}
	switch fault.KindOf(err) {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthorized:
		return http.StatusUnauthorized
	case fault.Denied:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Exhausted:
		return http.StatusTooManyRequests
	case fault.Transient:
		return http.StatusServiceUnavailable
	case fault.Permanent:
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}

// newProblem returns the body with which err is answered. Only err's public text,
// reason and field show in it.
func newProblem(err error, requestID string, no refusal, now time.Time) protocol.Problem {
	status := Status(err)
	p := protocol.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status}
	switch status {
	case http.StatusUnauthorized:
		p.Detail, p.ServerTime = no.text, now.Unix()
		return p
	case http.StatusInternalServerError:
		p.Detail = "Rollcall failed on this request, which is logged as " + requestID + "; tell the operator that id."
		return p
	}
	if e := fault.As(err); e != nil {
		p.Detail = e.Public
		if status == http.StatusBadRequest {
			p.Field = e.Field
		}
		if e.Reason != "" {
			p.Type = "urn:rollcall:problem:" + e.Reason
		}
	}
	if p.Detail == "" && status == http.StatusServiceUnavailable {
		p.Detail = "A service that Rollcall needs did not answer in time; try again."
	}
	return p
}

func writeProblem(w http.ResponseWriter, err error, requestID string, no refusal, now time.Time) {
	p := newProblem(err, requestID, no, now)
	h := w.Header()
	if e := fault.As(err); e != nil && e.RetryAfter > 0 && p.Status != http.StatusUnauthorized {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	switch p.Status {
	case http.StatusMethodNotAllowed:
		h.Set("Allow", e405(err))
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", no.challenge)
	}
	body, merr := json.Marshal(p)
	if merr != nil {
		body = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500}`)
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}

func e405(err error) string {
	if e := fault.As(err); e != nil && e.Field != "" {
		return e.Field
	}
	return http.MethodPost
}
