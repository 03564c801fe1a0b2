// Package workspace is the client of Google's Directory API (Admin SDK
// directory_v1) for users: it lists, reads, creates, changes, renames, suspends,
// deletes and restores Google accounts, sets their passwords, ends their
// sessions, and opens channels for notifications of changes. Every call passes
// the google package's Caller (invariant E1).
//
// What the API leaves to its users is done here: absence of a field is not
// taken for false, a refusal shortly after creation is not taken for absence,
// a 409 for a change that was applied is read back, and each refusal has a
// reason of its own.
//
// Package workspacetest simulates the API.
package workspace
