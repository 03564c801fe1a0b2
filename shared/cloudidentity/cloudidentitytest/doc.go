// Package cloudidentitytest simulates policies.list of Google's Cloud Identity API,
// as a real HTTP server for Google's own client.
//
// It verifies assertions, access tokens and scopes, lets super administrators alone
// in, holds requests against Google's discovery document and refuses what that does
// not name. Of Google's language for filters it takes what policies.list documents,
// without brackets and ||: clauses setting.type.matches('…') and
// customer == "customers/my_customer", joined by &&. Anything else is refused.
package cloudidentitytest
