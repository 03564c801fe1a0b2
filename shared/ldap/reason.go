package ldap

// Reasons of the faults that this package makes. Programs may switch on them; the
// kind of fault that goes with each stands beside it.
const (
	// ReasonUnreachable (Transient): the server was not reached.
	ReasonUnreachable = "ldap-unreachable"
	// ReasonCut (Transient): the connection ended, or the server fell silent,
	// before the answer was complete. What came before it is no complete answer.
	ReasonCut = "ldap-cut"
	// ReasonDeadline (Transient): the caller's time ended first.
	ReasonDeadline = "ldap-deadline"
	// ReasonBusy (Transient): the server says that it is busy or unavailable.
	ReasonBusy = "ldap-busy"
	// ReasonTimeLimit (Transient): the server's time limit ended a search.
	ReasonTimeLimit = "ldap-time-limit"
	// ReasonSizeLimit (Permanent): the server's limit of entries ended a search.
	ReasonSizeLimit = "ldap-size-limit"
	// ReasonAdminLimit (Permanent): another administrative limit ended a search.
	ReasonAdminLimit = "ldap-admin-limit"
	// ReasonReferral (Permanent): part of the answer is on another server.
	ReasonReferral = "ldap-referral"
	// ReasonCertificate (Permanent): the server's certificate is not trusted, or
	// LDAP.CA holds none.
	ReasonCertificate = "ldap-certificate"
	// ReasonTLS (Permanent): the server and Rollcall do not agree on TLS, or the
	// configuration asks for a connection without it to another machine.
	ReasonTLS = "ldap-tls"
	// ReasonURL (Permanent): LDAP.URL is not ldap://HOST[:PORT] or
	// ldaps://HOST[:PORT], or does not go with LDAP.Security.
	ReasonURL = "ldap-url"
	// ReasonBindRefused (Permanent): the server refuses the service account: its
	// name, its password, or that there is none.
	ReasonBindRefused = "ldap-bind-refused"
	// ReasonAccess (Permanent): the service account may not read what is needed.
	ReasonAccess = "ldap-access"
	// ReasonBaseMissing (Permanent): the base DN is malformed, or there is no such
	// entry, or none that the service account may see.
	ReasonBaseMissing = "ldap-base-missing"
	// ReasonFilter (Permanent): the filter, or a group's DN, is malformed.
	ReasonFilter = "ldap-filter"
	// ReasonIncremental (Permanent): the server does not offer the configured way
	// of telling what changed.
	ReasonIncremental = "ldap-incremental"
	// ReasonCursor (Conflict): the cursor is not valid, or no longer; walk in full.
	ReasonCursor = "ldap-cursor"
	// ReasonBadCredentials (Unauthorized): no such person, or another password.
	ReasonBadCredentials = "bad-credentials"
	// ReasonHashesOff (Permanent): password hashes are not read (invariant D1).
	ReasonHashesOff = "ldap-hashes-off"
	// ReasonNoHash (NotFound): the person is not there, or has no password hash
	// that the service account may read.
	ReasonNoHash = "ldap-no-hash"
	// ReasonHashUnsupported (Permanent): Google takes no hash of this scheme.
	ReasonHashUnsupported = "hash-unsupported"
	// ReasonRefused (Permanent): a refusal that this package does not know.
	ReasonRefused = "ldap-refused"
)

// Reasons of Problems: what is wrong with one entry.
const (
	// ProblemNoID: the entry has no readable immutable id, so it cannot be kept.
	ProblemNoID = "no-id"
	// ProblemNoMail: the entry has no mail address; it is kept.
	ProblemNoMail = "no-mail"
	// ProblemTooLong: a value has more than MaxValue bytes, or an attribute more
	// than MaxValues values; what is over is left out.
	ProblemTooLong = "too-long"
	// ProblemNotText: a value is not UTF-8 text, or holds control characters; it is
	// left out.
	ProblemNotText = "not-text"
	// ProblemBadDN: the entry's name is no DN, or has more than MaxDN bytes, so its
	// Unit is unknown.
	ProblemBadDN = "bad-dn"
	// ProblemBadControl: userAccountControl is not a number, so it is unknown
	// whether the person is enabled.
	ProblemBadControl = "bad-account-control"
)
