// Package directory holds the rules of directory sync: how an enterprise's
// directory is described, how two states of it are told apart from compact
// digests, what follows from a difference, and which differences are believed.
// It does no I/O; the function directorysync does.
package directory

import "time"

// Mode says where people come from, and what becomes of their Google accounts.
type Mode string

// The modes.
const (
	// LDAPOnly: LDAP gives the people; there are no Google accounts.
	LDAPOnly Mode = "ldap-only"
	// ReadOnly: LDAP gives the people, Google's directory says which of them have
	// a Google account; neither is changed (invariant D1).
	ReadOnly Mode = "read-only"
	// ReadWrite: LDAP gives the people, and their Google accounts are made after
	// them (invariant D2).
	ReadWrite Mode = "read-write"
	// GoogleOnly: Google's directory gives the people.
	GoogleOnly Mode = "google-only"
)

// UsesLDAP reports whether people come from LDAP.
func (m Mode) UsesLDAP() bool { return m != GoogleOnly }

// UsesGoogle reports whether Google's directory is read.
func (m Mode) UsesGoogle() bool { return m != LDAPOnly }

// Config is what an admin decides about one enterprise's directory. A zero field
// means its default. Secrets are not in it: the password of LDAP.BindDN and the
// key file of the Google service account are in the secret store, under
// BindSecret and KeySecret.
type Config struct {
	// Enterprise is the id of the enterprise.
	Enterprise string  `json:"enterprise"`
	Mode       Mode    `json:"mode"`
	LDAP       *LDAP   `json:"ldap,omitempty"`
	Google     *Google `json:"google,omitempty"`
	Exclude    Exclude `json:"exclude,omitzero"`
	Guard      Guard   `json:"guard,omitzero"`
	Leavers    Leavers `json:"leavers,omitzero"`
	SignIn     *SignIn `json:"signIn,omitempty"`
	// Paused: schedules start no run; an admin can.
	Paused bool `json:"paused,omitzero"`
	// FullEveryHours is how often everything is read although changes alone could
	// be, 1 to 168; default 24.
	FullEveryHours int `json:"fullEveryHours,omitzero"`
	// Revision counts the changes of this configuration. A run ends when it
	// changes.
	Revision  int       `json:"revision,omitzero"`
	UpdatedAt time.Time `json:"updatedAt,omitzero"`
	UpdatedBy string    `json:"updatedBy,omitempty"`
}

// BindSecret returns the name of the secret with the password of LDAP.BindDN.
func BindSecret(enterprise string) string { return "ldap-bind-" + enterprise }

// KeySecret returns the name of the secret with the JSON key of the service
// account that reads Google's directory.
func KeySecret(enterprise string) string { return "workspace-key-" + enterprise }

// Schema is a family of LDAP servers, with its names of attributes.
type Schema string

// The schemas.
const (
	OpenLDAP        Schema = "openldap" // inetOrgPerson, entryUUID
	DirectoryServer Schema = "389ds"    // 389 Directory Server: nsUniqueId, nsAccountLock
	ActiveDirectory Schema = "ad"       // objectGUID, userAccountControl
)

// Security is how the connection to an LDAP server is protected.
type Security string

// The kinds of protection. The server's certificate is always verified.
const (
	TLS      Security = "tls"      // ldaps://
	StartTLS Security = "starttls" // ldap://, then StartTLS before anything else
	// Plain is taken for a server on the same machine alone.
	Plain Security = "plain"
)

// Incremental is how an LDAP directory tells what changed.
type Incremental string

// The ways, in order of preference. Auto asks the server.
const (
	Auto        Incremental = "auto"
	SyncCookie  Incremental = "sync"    // RFC 4533
	DirSync     Incremental = "dirsync" // Active Directory, with a cookie
	USN         Incremental = "usn"     // Active Directory, uSNChanged
	ModifyStamp Incremental = "timestamp"
	Full        Incremental = "off"
)

// LDAP describes the organisation's own directory.
type LDAP struct {
	// URL is ldap://HOST[:PORT] or ldaps://HOST[:PORT].
	URL      string   `json:"url"`
	Security Security `json:"security,omitempty"` // default: tls for ldaps, starttls for ldap
	// CA is PEM certificates that are trusted beside the system's.
	CA     string `json:"ca,omitempty"`
	BindDN string `json:"bindDn,omitempty"` // empty: anonymous
	// Schema gives the defaults of Attributes and Filter; default openldap.
	Schema Schema `json:"schema,omitempty"`
	BaseDN string `json:"baseDn"`
	// Filter selects people, in the form of RFC 4515.
	Filter string `json:"filter,omitempty"`
	// Groups are DNs; where there are any, people are the members of at least one
	// (memberOf; with Active Directory also members through other groups).
	Groups      []string    `json:"groups,omitempty"`
	Attributes  Attributes  `json:"attributes,omitzero"`
	Incremental Incremental `json:"incremental,omitempty"` // default auto
	PageSize    int         `json:"pageSize,omitzero"`     // 10 to 1000; default 500
}

// Attributes names the LDAP attributes that a person is read from; empty means the
// schema's.
type Attributes struct {
	ID          string `json:"id,omitempty"`
	Mail        string `json:"mail,omitempty"`
	Aliases     string `json:"aliases,omitempty"`
	Login       string `json:"login,omitempty"`
	GivenName   string `json:"givenName,omitempty"`
	FamilyName  string `json:"familyName,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	// Disabled is an attribute that says that a person is locked: by any of the
	// values DisabledValues, or, where those are empty, by being there.
	Disabled       string   `json:"disabled,omitempty"`
	DisabledValues []string `json:"disabledValues,omitempty"`
	// PasswordHash is read only where Google.PasswordHashes asks for it.
	PasswordHash string `json:"passwordHash,omitempty"`
	// Custom maps names of custom attributes to LDAP's, 20 at most.
	Custom map[string]string `json:"custom,omitempty"`
}

// Google describes the managed Google domain.
type Google struct {
	// Subject is the administrator whom the service account acts as.
	Subject string `json:"subject"`
	// Domain limits everything to one domain; empty is the customer with all its
	// domains.
	Domain string `json:"domain,omitempty"`
	// OrgUnits limits everything to users in or below these paths; empty is all.
	OrgUnits []string `json:"orgUnits,omitempty"`
	// Watch has Google tell of changes at once. It needs a public https address.
	Watch bool `json:"watch,omitzero"`

	// The rest is for ReadWrite.

	// Units maps parts of the organisation to Google's units; the longest DN that
	// is the person's Unit or lies above it wins. Without a match a new person goes
	// to DefaultUnit, and an existing account stays where it is.
	Units []UnitRule `json:"units,omitempty"`
	// DefaultUnit is for new accounts; default "/".
	DefaultUnit string `json:"defaultUnit,omitempty"`
	// PasswordHashes sends password hashes along, where Google takes their kind.
	PasswordHashes bool `json:"passwordHashes,omitzero"`
	// DeleteAfterDays deletes a leaver's Google account after so many days, 1 to
	// 365; 0 keeps it suspended.
	DeleteAfterDays int `json:"deleteAfterDays,omitzero"`
}

// UnitRule maps a part of an LDAP directory to a Google organizational unit.
type UnitRule struct {
	DN      string `json:"dn"`
	OrgUnit string `json:"orgUnit"`
}

// Exclude says who is left out, as though the directory did not list them.
type Exclude struct {
	// Mails are addresses, or domains as "@example.com".
	Mails []string `json:"mails,omitempty"`
	// Units are DNs or organizational units, with all below them.
	Units []string `json:"units,omitempty"`
	// IDs are directory ids.
	IDs []string `json:"ids,omitempty"`
}

// Guard says which differences are believed without an admin (invariant D5).
type Guard struct {
	// Population is how many people there must be for shares to count, 1 to
	// 1000000; default 100.
	Population int `json:"population,omitzero"`
	// DropPercent is the largest share of people that one run may find absent, 1
	// to 100; default 20.
	DropPercent int `json:"dropPercent,omitzero"`
	// Withdraw limits how many people lose their access in one run, and Delete how
	// many Google accounts are deleted.
	Withdraw Limit `json:"withdraw,omitzero"`
	Delete   Limit `json:"delete,omitzero"`
}

// Limit is a number and a share; the smaller holds.
type Limit struct {
	// Count is 1 to 1000000; 0 is no number.
	Count int `json:"count,omitzero"`
	// Percent is of all people, 1 to 100; 0 means the default: 20 for withdrawing,
	// 5 for deleting.
	Percent int `json:"percent,omitzero"`
}

// Leavers says what becomes of those who leave (invariant D10).
type Leavers struct {
	// GraceDays is how long accounts outlive their people, 0 to 365; nil means 7.
	GraceDays *int `json:"graceDays,omitempty"`
}

// Grace returns how long accounts outlive their people.
func (l Leavers) Grace() time.Duration {
	days := DefaultGraceDays
	if l.GraceDays != nil {
		days = *l.GraceDays
	}
	return time.Duration(days) * 24 * time.Hour
}

// SignIn says how people enrol their devices with the organisation's own
// credentials.
type SignIn struct {
	// LDAP lets them give their user id and password; LDAPOnly, ReadOnly and
	// ReadWrite only.
	LDAP bool `json:"ldap,omitzero"`
	// OIDC lets them give an ID token of the organisation's identity provider.
	OIDC *OIDC `json:"oidc,omitempty"`
	// Labels are given to devices that enrol so.
	Labels []string `json:"labels,omitempty"`
}

// OIDC describes the organisation's identity provider (OpenID Connect Core 1.0).
type OIDC struct {
	// Issuer is the https URL of the identity provider.
	Issuer string `json:"issuer"`
	// Audience is the client id that ID tokens must be for.
	Audience string `json:"audience"`
	// Claim names the claim that names the person; default "sub".
	Claim string `json:"claim,omitempty"`
	// Match is what the claim's value is compared with; default MatchID.
	Match Match `json:"match,omitempty"`
}

// Match is a field of a person.
type Match string

// The fields.
const (
	MatchID    Match = "id"
	MatchMail  Match = "mail"
	MatchLogin Match = "login"
)

// Source is one of the directories that a run reads.
type Source string

// The sources.
const (
	FromLDAP   Source = "ldap"
	FromGoogle Source = "google"
)

// Primary returns the source that gives the people.
func (m Mode) Primary() Source {
	if m == GoogleOnly {
		return FromGoogle
	}
	return FromLDAP
}

// Sources returns what a run reads, in order.
func (m Mode) Sources() []Source {
	switch m {
	case LDAPOnly:
		return []Source{FromLDAP}
	case GoogleOnly:
		return []Source{FromGoogle}
	}
	return []Source{FromLDAP, FromGoogle}
}
