package oidc

// Reasons of the faults of this package. Programs may switch on them.
const (
	// ReasonMalformed (Unauthorized): not a signed JWT, or claims of another type.
	ReasonMalformed = "id-token-malformed"
	// ReasonSignature (Unauthorized): no key of the provider signed it, or with an
	// algorithm that is not taken ("none" and those of shared secrets never are).
	ReasonSignature = "id-token-signature"
	// ReasonIssuer, ReasonAudience, ReasonExpired and ReasonNonce (Unauthorized): it is
	// another provider's, for another program, too old, or for another device.
	ReasonIssuer   = "id-token-issuer"
	ReasonAudience = "id-token-audience"
	ReasonExpired  = "id-token-expired"
	ReasonNonce    = "id-token-nonce"
	// ReasonTime (Unauthorized): "iat" is missing, lies in the future, long ago or
	// after "exp"; or "nbf" lies in the future.
	ReasonTime = "id-token-time"
	// ReasonClaim (Unauthorized): the claim that names the person is missing, or no
	// text.
	ReasonClaim = "id-token-claim"
	// ReasonUnverified (Unauthorized): the provider says that the address in the claim
	// "email" was not verified, or Google does not say that it is an organisation's.
	ReasonUnverified = "id-token-email-unverified"

	// ReasonUnreachable (Transient): the provider does not answer, or with an error.
	ReasonUnreachable = "oidc-unreachable"
	// ReasonBusy (Transient): the provider's keys were fetched too often of late.
	ReasonBusy = "oidc-keys-limit"
	// ReasonIssuerURL (Permanent): the configured issuer is not an https URL.
	ReasonIssuerURL = "oidc-issuer"
	// ReasonDiscovery (Permanent): the discovery document is not what it should be.
	ReasonDiscovery = "oidc-discovery"
)
