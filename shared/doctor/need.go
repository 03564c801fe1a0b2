package doctor

import (
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/password"
)

// The OAuth scopes, as Google writes them.
const (
	ScopeReadUsers = "https://www.googleapis.com/auth/admin.directory.user.readonly"
	ScopeUsers     = "https://www.googleapis.com/auth/admin.directory.user"
	ScopeSecurity  = "https://www.googleapis.com/auth/admin.directory.user.security"
	ScopePolicies  = "https://www.googleapis.com/auth/cloud-identity.policies.readonly"
)

// Situation is what an enterprise has configured.
type Situation struct {
	Enterprise string
	// Directory is nil where the enterprise has none.
	Directory *directory.Config
	// Passwords is nil where no passwords are generated.
	Passwords *password.Policy
	Settings  []mail.Setting
	Clients   []mailclient.Client
}

// Need is a scope that something needs.
type Need struct {
	Scope string
	// For completes "… is needed to".
	For string
	// Optional: only the doctor uses it.
	Optional bool
}

// Needs returns the scopes that must be granted to the service account, least first.
// The order and the reasons are those in which an administrator reads them.
func (s Situation) Needs() []Need {
	var needs []Need
	add := func(when bool, scope, why string) {
		if when {
			needs = append(needs, Need{Scope: scope, For: why})
		}
	}
	mode := directory.LDAPOnly
	if s.Directory != nil {
		mode = s.Directory.Mode
	}
	add(mode == directory.ReadOnly || mode == directory.GoogleOnly, ScopeReadUsers, "read Google's directory")
	var writes []string
	if mode == directory.ReadWrite {
		writes = append(writes, "read and maintain Google accounts")
	}
	if s.Passwords != nil && mode.UsesGoogle() {
		writes = append(writes, "set generated passwords")
	}
	add(len(writes) > 0, ScopeUsers, strings.Join(writes, " and to "))
	add(mode == directory.ReadWrite, ScopeSecurity, "sign leavers out")
	for _, scope := range []mailclient.Scope{mailclient.IMAPAdmin, mailclient.Full} {
		add(s.uses(scope), scope.URL(), "give mail clients tokens")
	}
	if len(needs) > 0 {
		needs = append(needs, Need{Scope: ScopePolicies, For: "compare Google's own settings", Optional: true})
	}
	return needs
}

// Subject returns the address that the service account acts as in the directory;
// empty where there is none.
func (s Situation) Subject() string {
	if s.Directory == nil || s.Directory.Google == nil || !s.Directory.Mode.UsesGoogle() {
		return ""
	}
	return s.Directory.Google.Subject
}

// SubjectFor returns whom to act for to try a scope: Subject, or where there is none a
// mailbox of the list of a mail client with that scope; empty where nobody is known.
func (s Situation) SubjectFor(scope string) string {
	if who := s.Subject(); who != "" {
		return who
	}
	for _, c := range s.Clients {
		if c.State == mailclient.Active && c.Scope.URL() == scope && len(c.Allow.Mailboxes) > 0 {
			return c.Allow.Mailboxes[0]
		}
	}
	return ""
}

// uses reports whether a mail client that works gets tokens with the scope.
func (s Situation) uses(scope mailclient.Scope) bool {
	for _, c := range s.Clients {
		if c.State == mailclient.Active && c.Scope == scope {
			return true
		}
	}
	return false
}

// MailScope returns the scope with which mailboxes are read by IMAP, the lesser where
// both are in use; empty where no mail client needs one.
func (s Situation) MailScope() string {
	for _, scope := range []mailclient.Scope{mailclient.IMAPAdmin, mailclient.Full} {
		if s.uses(scope) {
			return scope.URL()
		}
	}
	return ""
}

// ServiceAccountAddress reports whether an address is a service account's. To take it
// for the administrator's is the usual mistake: a service account has no rights in a
// directory, and nobody can act as one by delegation.
func ServiceAccountAddress(address string) bool {
	_, domain, _ := strings.Cut(strings.ToLower(address), "@")
	return strings.HasSuffix(domain, ".gserviceaccount.com")
}
