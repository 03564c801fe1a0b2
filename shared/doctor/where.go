package doctor

// The places in Google's consoles, in words.
const (
	// AtDelegation is where scopes are granted to a service account.
	AtDelegation = "Google Admin console (admin.google.com): Security, Access and data control, API controls, Manage domain-wide delegation"
	// AtAdminRoles is where a person becomes an administrator.
	AtAdminRoles = "Google Admin console (admin.google.com): Directory, Users, the person, Admin roles and privileges"
	// AtUsers is where people are.
	AtUsers = "Google Admin console (admin.google.com): Directory, Users"
	// AtPasswords is where an organisation says what passwords must be like.
	AtPasswords = "Google Admin console (admin.google.com): Security, Authentication, Password management"
	// AtLessSecureApps is where mail clients are allowed passwords.
	AtLessSecureApps = "Google Admin console (admin.google.com): Security, Access and data control, Less secure apps"
	// AtIMAP is where IMAP is allowed.
	AtIMAP = "Google Admin console (admin.google.com): Apps, Google Workspace, Gmail, End User Access, POP and IMAP access"
	// AtAPIAccess is where an organisation allows access by APIs.
	AtAPIAccess = "Google Admin console (admin.google.com): Security, Access and data control, API controls"
	// AtLibrary is where APIs are enabled.
	AtLibrary = "Google Cloud console (console.cloud.google.com), in the service account's project: APIs & Services, Library"
	// AtServiceAccounts is where service accounts and their keys are.
	AtServiceAccounts = "Google Cloud console (console.cloud.google.com), in the service account's project: IAM & Admin, Service Accounts"
	// AtMachine is the machine, or the platform, that the functions run on.
	AtMachine = "the machine that runs Rollcall's functions"
)
