package googletest

import (
	"fmt"
	"net/http"
)

// Error is a refusal in the envelope of Google's JSON APIs.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Reason is Google's word, such as "notFound"; empty takes the usual one.
	Reason  string
	Message string
}

// Error returns status, reason and message.
func (e Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.reason(), e.Message) }

var usual = map[int][2]string{
	http.StatusBadRequest:          {"badRequest", "INVALID_ARGUMENT"},
	http.StatusUnauthorized:        {"authError", "UNAUTHENTICATED"},
	http.StatusForbidden:           {"forbidden", "PERMISSION_DENIED"},
	http.StatusNotFound:            {"notFound", "NOT_FOUND"},
	http.StatusConflict:            {"duplicate", "ALREADY_EXISTS"},
	http.StatusPreconditionFailed:  {"conditionNotMet", "FAILED_PRECONDITION"},
	http.StatusTooManyRequests:     {"rateLimitExceeded", "RESOURCE_EXHAUSTED"},
	http.StatusInternalServerError: {"backendError", "INTERNAL"},
	http.StatusServiceUnavailable:  {"backendError", "UNAVAILABLE"},
}

func (e Error) reason() string {
	if e.Reason != "" {
		return e.Reason
	}
	return usual[e.Status][0]
}

// WriteError answers with e.
func WriteError(w http.ResponseWriter, e Error) {
	body := map[string]any{
		"code":    e.Status,
		"message": e.Message,
		"errors":  []any{map[string]string{"message": e.Message, "domain": "global", "reason": e.reason()}},
	}
	if s := usual[e.Status][1]; s != "" {
		body["status"] = s
	}
	if e.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://accounts.google.com/"`)
	}
	writeJSON(w, e.Status, map[string]any{"error": body})
}

// WriteJSON answers 200 with v; nil is the empty result, 204.
func WriteJSON(w http.ResponseWriter, v any) {
	if v == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	writeJSON(w, http.StatusOK, v)
}
