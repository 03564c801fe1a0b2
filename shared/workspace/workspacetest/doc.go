// Package workspacetest simulates the users of Google's Directory API (Admin SDK
// directory_v1), as a real HTTP server for Google's own client.
//
// It verifies assertions, access tokens, scopes and the admin rights of the
// impersonated person, holds requests against Google's discovery document,
// refuses what that does not name, and keeps customers, users and notification
// channels as Google documents them. Where Google documents nothing (how long a
// new user is half there, what a page token looks like) an option decides.
//
// The query of users.list is a subset of Google's "Search for users": terms
// joined by spaces, each field=value or field:value, for email, givenName,
// familyName, name, externalId (prefixes as value*), orgUnitPath (the unit and
// those below), isSuspended, isArchived, isAdmin and isDelegatedAdmin. Values
// with spaces stand in single quotes. Anything else is refused.
package workspacetest
