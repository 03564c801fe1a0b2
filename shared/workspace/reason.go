package workspace

// Reasons of the faults that this package makes, beside those of the google
// package. Programs may switch on them; the kind of fault stands beside each.
const (
	// ReasonExists (Conflict): the address belongs to somebody already. After an
	// Insert whose answer was lost that may be the user it made.
	ReasonExists = "workspace-exists"
	// ReasonDeleted (NotFound): the user is deleted and can be restored for 20
	// days. It is positive evidence, as google.ReasonNotFound is not.
	ReasonDeleted = "workspace-deleted"
	// ReasonNotRestorable (NotFound): there is no deleted user with this id, or
	// no longer.
	ReasonNotRestorable = "workspace-not-restorable"
	// ReasonPageToken (Conflict): the page token has ended or is not Google's;
	// begin the walk anew.
	ReasonPageToken = "workspace-page-token"
	// ReasonUnconfirmed (Transient): Google answered 409, everything that can be
	// read back is as asked, and the password cannot be read back; set it again.
	ReasonUnconfirmed = "workspace-unconfirmed"
	// ReasonPassword (Permanent): Google refuses this password; make another.
	ReasonPassword = "workspace-password"
	// ReasonAddress (Permanent): Google refuses this primary address.
	ReasonAddress = "workspace-address"
	// ReasonName (Permanent): Google refuses the given or family name.
	ReasonName = "workspace-name"
	// ReasonOrgUnit (Permanent): Google has no such organizational unit.
	ReasonOrgUnit = "workspace-org-unit"
	// ReasonDomain (Permanent): the domain or customer is not this account's. It
	// says nothing about any user.
	ReasonDomain = "workspace-domain"
	// ReasonAdministrator (Permanent): the user is an administrator whom the
	// impersonated one may not change.
	ReasonAdministrator = "workspace-administrator"
	// ReasonSubjectRights (Transient, google.ConfigRecheck): the impersonated
	// person may not administer users; a setting must change.
	ReasonSubjectRights = "workspace-subject-rights"
	// ReasonReadOnly (Permanent): the Client was made with Options.ReadOnly.
	ReasonReadOnly = "workspace-read-only"
	// ReasonChannel (Conflict): the channel id is in use; take another.
	ReasonChannel = "workspace-channel"
)
