// Package play is the client of the Google Play EMM API
// (androidenterprise v1): it creates, renames, inspects and deletes managed
// Google Play accounts, mints their authentication tokens, and pulls
// notifications. Every call passes the google package's Caller (invariant E1).
//
// Package playtest simulates the API.
package play
