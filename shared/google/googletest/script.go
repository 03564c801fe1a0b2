package googletest

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Mode is how a scripted call fails.
type Mode int

// The modes. Those "after" let the call change the state and lose only the
// answer; that is the failure which makes retries dangerous.
const (
	// Answer does the call and answers it; with Latency it is merely slow.
	Answer Mode = iota
	// Refuse answers with Status and Reason in Google's envelope and does nothing.
	Refuse
	// HTML answers with Status and a web page and does nothing.
	HTML
	// Echo answers with Status and the whole request, headers included, in the
	// error's message, and does nothing.
	Echo
	// DropBefore closes the connection and does nothing.
	DropBefore
	// DropAfter does the call and then closes the connection.
	DropAfter
	// Malformed does the call and answers half of its JSON.
	Malformed
	// RefuseAfter does the call and answers as Refuse would.
	RefuseAfter
)

// Script says which calls fail, and how.
type Script struct {
	// Method is a method id such as "androidenterprise.users.insert",
	// TokenMethod, or "*" for every call.
	Method string
	Mode   Mode
	// Status is the HTTP status of Refuse, RefuseAfter, HTML and Echo, default 503.
	Status int
	// Reason is Google's word for it, default by status.
	Reason string
	// Message is Google's sentence for it, default "Scripted fault."
	Message string
	// RetryAfter is the header's value; empty sends none.
	RetryAfter string
	// Latency is how long the call takes longer.
	Latency time.Duration
	// Skip is how many calls the script spares before it begins, so that a test can
	// fail each call of a flow in turn.
	Skip int
	// Times is how many calls the script is for; 0 is no end.
	Times int
	// Probability is the share of calls that it strikes, in (0, 1]; 0 is all.
	// Calls that it spares do not count towards Times.
	Probability float64
}

func (s Script) write(w http.ResponseWriter, r *http.Request) {
	if s.RetryAfter != "" {
		w.Header().Set("Retry-After", s.RetryAfter)
	}
	switch s.Mode {
	case HTML:
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(s.Status)
		_, _ = fmt.Fprintf(w, "<!DOCTYPE html><html><title>Error %d</title><p>That's an error.</html>", s.Status)
	case Echo:
		var b strings.Builder
		_ = r.Header.Write(&b)
		body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
		text := r.URL.String() + " " + b.String() + string(body)
		// error_description is where the token endpoint's answers have text.
		writeJSON(w, s.Status, map[string]any{
			"error":             map[string]any{"code": s.Status, "message": text, "errors": []any{map[string]string{"reason": text, "message": text}}},
			"error_description": text,
		})
	default:
		WriteError(w, Error{Status: s.Status, Reason: s.Reason, Message: cmp.Or(s.Message, "Scripted fault.")})
	}
}
