package admin

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// GoogleUsers reads Google's directory.
type GoogleUsers interface {
	// Get returns one user; see workspace.Client.
	Get(ctx context.Context, k workspace.Key) (workspace.User, error)
}

// googleTime is how long Google is given for an answer: whoever asked waits for it.
const googleTime = 15 * time.Second

// missingAccount says why Google tells of no account.
type missingAccount struct {
	Found bool `json:"found"`
	// AskedBy is id or address; empty where there was nothing to ask by.
	AskedBy    string `json:"askedBy,omitempty"`
	Reason     string `json:"reason"`
	ReasonText string `json:"reasonText"`
}

// foundAccount is what Google says of a person's account now.
type foundAccount struct {
	Found        bool     `json:"found"`
	AskedBy      string   `json:"askedBy"`
	ID           string   `json:"id"`
	PrimaryEmail string   `json:"primaryEmail"`
	Aliases      []string `json:"aliases,omitempty"`
	// Suspended, Archived, Admin and ChangePassword are yes, no or unknown.
	Suspended        string    `json:"suspended"`
	SuspensionReason string    `json:"suspensionReason,omitempty"`
	Archived         string    `json:"archived"`
	Admin            string    `json:"admin"`
	ChangePassword   string    `json:"changePasswordAtNextLogin"`
	OrgUnitPath      string    `json:"orgUnitPath,omitempty"`
	CreatedAt        time.Time `json:"createdAt,omitzero"`
	LastLoginAt      time.Time `json:"lastLoginAt,omitzero"`
	// Matches: it is as the person's row says; Differences are sentences.
	Matches     bool     `json:"matches"`
	Differences []string `json:"differences"`
}

// Reasons of an account that is not found, beside those of Google's clients.
const reasonNotJoined = "google-not-joined"

// notFound are the failures that are about the account, with what to tell of it. All
// others are about the access to Google.
var notFound = map[string]string{
	reasonNotJoined:         "The directory has found no Google account for this person, and has no address to ask Google by.",
	google.ReasonNotFound:   "Google has no such account. Where the directory makes accounts, the next run does; otherwise make it in Google's console.",
	workspace.ReasonDeleted: "The Google account is deleted. It can be restored in Google's console for 20 days.",
	google.ReasonNotReady:   "Google is still creating the account. Ask again in some minutes.",
	google.ReasonForbidden:  "Google does not show this account to the administrator whom Rollcall acts as. It may be another organisation's.",
	workspace.ReasonDomain:  "The domain of the address is not one of this Google account.",
	workspace.ReasonAddress: "Google takes the address for no user's.",
	google.ReasonInvalid:    "Google takes what the directory has for no user's id or address.",
}

func (o *Office) showGoogleAccount(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	p, err := o.person(r)
	if err != nil {
		return err
	}
	c, err := o.DB.Directory(r.Context(), p.Enterprise)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return notConfigured(p.Enterprise)
	case err != nil:
		return err
	case !c.Mode.UsesGoogle():
		return fault.New(fault.Conflict, "google-not-configured",
			"the directory of the enterprise %q says nothing about Google (mode %s), so there is nobody to ask", p.Enterprise, c.Mode)
	}
	p.Google = c.Mode.Account(p)
	by, key := "id", workspace.Key{ID: p.Google.ID, CreatedAt: p.Google.CreatedAt}
	switch {
	case key.ID != "":
	case p.Entry.Mail != "":
		by, key = "address", workspace.Key{ID: p.Entry.Mail}
	default:
		return answer(r, missingAccount{Reason: reasonNotJoined, ReasonText: notFound[reasonNotJoined]})
	}
	u, err := o.askGoogle(r.Context(), c, key)
	if text := notFound[fault.ReasonOf(err)]; text != "" {
		return answer(r, missingAccount{AskedBy: by, Reason: fault.ReasonOf(err), ReasonText: text})
	}
	if err != nil {
		return noAccess(err)
	}
	return answer(r, viewUser(u, p, by))
}

func (o *Office) askGoogle(ctx context.Context, c directory.Config, key workspace.Key) (workspace.User, error) {
	ctx, cancel := context.WithTimeout(ctx, googleTime)
	defer cancel()
	users, err := o.Google(ctx, c)
	if err != nil {
		return workspace.User{}, err
	}
	return users.Get(ctx, key)
}

// noAccess makes of a failure to ask Google one that is not the caller's: a limit is
// the enterprise's, and what is not there is the key.
func noAccess(err error) error {
	f := fault.As(err)
	if f == nil {
		return err
	}
	c := *f
	switch f.Kind {
	case fault.NotFound:
		return fault.Wrap(err, fault.Permanent, google.ReasonKey,
			"Google could not be asked: the enterprise's Google key is not in the secret store; to put it there: rollcall directory configure --google-key-file FILE")
	case fault.Exhausted:
		c.Kind = fault.Transient
	case fault.Transient, fault.Permanent:
	default:
		c.Kind, c.Field = fault.Permanent, ""
	}
	c.Public = "Google could not be asked: " + f.Public + " rollcall directory test tells more."
	return &c
}

func viewUser(u workspace.User, p person.Person, askedBy string) foundAccount {
	v := foundAccount{
		Found: true, AskedBy: askedBy, ID: u.ID, PrimaryEmail: u.PrimaryEmail, Aliases: u.Aliases, Suspended: u.Suspended.String(), SuspensionReason: u.SuspensionReason,
		Archived: u.Archived.String(), Admin: adminOf(u), ChangePassword: u.ChangePasswordAtNextLogin.String(),
		OrgUnitPath: u.OrgUnitPath, CreatedAt: u.CreatedAt, LastLoginAt: u.LastLoginAt, Differences: differences(u, p),
	}
	v.Matches = len(v.Differences) == 0
	return v
}

// adminOf says whether the user administers anything.
func adminOf(u workspace.User) string {
	switch {
	case u.Admin == workspace.Yes || u.DelegatedAdmin == workspace.Yes:
		return "yes"
	case u.MayBeAdmin():
		return "unknown"
	}
	return "no"
}
