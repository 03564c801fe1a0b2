package google

import "time"

// Reasons of the faults that this package makes. Programs may switch on them;
// the kind of fault that goes with each stands beside it.
const (
	// ReasonQuota (Exhausted): a rate limit of Google; short waits mend it.
	ReasonQuota = "google-quota"
	// ReasonDailyQuota (Exhausted): a daily limit of Google; hours mend it.
	ReasonDailyQuota = "google-daily-quota"
	// ReasonLocalLimit (Exhausted): the enterprise's own share is used up.
	ReasonLocalLimit = "google-local-limit"
	// ReasonPaused (Transient): the enterprise's breaker is open.
	ReasonPaused = "google-paused"
	// ReasonBackend (Transient): Google failed, or its answer made no sense.
	ReasonBackend = "google-backend"
	// ReasonNetwork (Transient): Google was not reached, or was lost on the way.
	ReasonNetwork = "google-network"
	// ReasonDeadline (Transient): the caller's time ended first.
	ReasonDeadline = "google-deadline"
	// ReasonTokenRejected (Transient): Google did not accept the access token; a
	// new one may do.
	ReasonTokenRejected = "google-token-rejected"
	// ReasonNotReady (Transient): Google is still creating the thing.
	ReasonNotReady = "google-not-ready"
	// ReasonConfig (Transient, ConfigRecheck): a setting at Google must be
	// changed. It is not Permanent, for such a change takes up to a day to reach
	// every server and nobody tells us when it has.
	ReasonConfig = "google-config"
	// ReasonIdentity (Transient): this process cannot read the credential, or has no
	// identity of its own at Google where it needs one.
	ReasonIdentity = "google-identity"
	// ReasonNotFound (NotFound): Google has no such thing.
	ReasonNotFound = "google-not-found"
	// ReasonDuplicate (Conflict): the thing exists, or the change was applied
	// already; read back, then decide.
	ReasonDuplicate = "google-duplicate"
	// ReasonInvalid (Permanent): Google says that the request is wrong.
	ReasonInvalid = "google-invalid"
	// ReasonForbidden (Permanent): the credential may not do this.
	ReasonForbidden = "google-forbidden"
	// ReasonLimitExceeded (Permanent): a limit of the customer's contract, such
	// as the number of licences.
	ReasonLimitExceeded = "google-limit-exceeded"
	// ReasonRefused (Permanent): a refusal that this package does not know.
	ReasonRefused = "google-refused"
	// ReasonSubject (Permanent): the impersonated person cannot be impersonated;
	// other people of the same key are not concerned.
	ReasonSubject = "google-subject"
	// ReasonKey (Permanent): the service account's key does not work for anyone.
	ReasonKey = "google-key"
)

const (
	// ConfigRecheck is the RetryAfter of ReasonConfig. Grants of domain-wide
	// delegation take minutes, at worst 24 hours.
	ConfigRecheck = time.Hour
	// DailyRecheck is the RetryAfter of ReasonDailyQuota.
	DailyRecheck = time.Hour
	// MaxRetryAfter is the longest Retry-After that is believed.
	MaxRetryAfter = time.Hour
)
