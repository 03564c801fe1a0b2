// Package oidc verifies ID tokens of an organisation's own identity provider (OpenID
// Connect Core 1.0, section 3.1.3.7) for the corporate sign-in.
//
// The provider is described by its discovery document, which is read again every hour
// with the keys, so that a key that was withdrawn is not taken for long; a key that is
// not known yet is fetched at once, though not at every stranger's bidding. While the
// provider is away, what was read last holds for a day.
//
// JOSE and the claims' rules are go-oidc's. No text of a provider or a token reaches
// an error. Package oidctest is an identity provider for tests.
package oidc
