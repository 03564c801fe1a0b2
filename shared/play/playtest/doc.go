// Package playtest simulates the Google Play EMM API and the Play side of
// Android devices, as a real HTTP server for Google's own client.
//
// It verifies assertions, access tokens and scopes, holds requests against
// Google's discovery document, refuses what that does not name, and keeps
// enterprises, accounts, tokens, devices and notifications as Google documents
// them. Where Google documents nothing (the time a token lives, what the
// eleventh device meets, what refusals look like) an option decides.
package playtest
