// Package google is the one way to Google: every call to one of its APIs passes
// a Caller, and every error that comes back passes Classify (invariant E1).
//
// Google's generated clients try each call once and hand over whatever the
// server said. A Caller adds what they leave out: a limit and a circuit breaker
// for each enterprise, so that a fault in one never stops another, and retries
// with back-off of what is worth retrying. Classify turns the many shapes of
// failure into fault.Error, deciding by HTTP status first and Google's reason
// second, and lets nothing through that a server may have echoed: no response
// body, no message, no token reaches an error text (invariant E3).
//
// Tokens are the OAuth access tokens of a service account, fetched under the same
// rules. Package googletest has the parts that simulators of Google share.
package google
