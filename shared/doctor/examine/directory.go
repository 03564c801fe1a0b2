package examine

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// users returns a client that reads Google's directory with a scope that is granted;
// nil where none is.
func (p *patient) users() *workspace.Client {
	read, write := p.find(doctor.ScopeReadUsers), p.find(doctor.ScopeUsers)
	readOnly := read != nil && read.granted
	if !readOnly && (write == nil || !write.granted) {
		return nil
	}
	return workspace.New(workspace.Options{
		Enterprise: p.situation.Enterprise, Subject: p.situation.Subject(), Tokens: p.tokens, ReadOnly: readOnly,
		Caller: p.caller, PageSize: 1, Now: p.Now, Endpoint: p.Endpoint, Base: p.Base,
	})
}

// subject asks whether whom the service account acts as is a person and an
// administrator.
func (p *patient) subject(ctx context.Context, c check) []doctor.Line {
	const configure = "rollcall directory configure --google-subject ADDRESS"
	const somebody = "Give the address of a person who administers users."
	who := p.situation.Subject()
	switch {
	case who == "":
		return one(c.line(doctor.Skip, "No directory of Google's is configured, so there is no administrator to act as."))
	case doctor.ServiceAccountAddress(who):
		return one(advise(c.line(doctor.Fail, "The administrator is configured as %s, which is a service account's address. A service account has no rights in a directory; it acts as a person.", who), configure, somebody))
	}
	if err := p.impersonation(); err != nil {
		return one(p.because(ctx, advise(c.line(doctor.Fail, "The service account cannot act as %s.", who), doctor.AtUsers,
			"Look whether the person is there and not suspended, or act as another: "+configure+"."), err))
	}
	users := p.users()
	if users == nil {
		return one(c.line(doctor.Skip, "Not looked at, because no scope to read Google's directory is granted."))
	}
	u, err := users.Get(ctx, workspace.ByID(who))
	switch reason := fault.ReasonOf(err); {
	case reason == google.ReasonForbidden, reason == workspace.ReasonSubjectRights:
		l := c.line(doctor.Fail, "%s may not administer users.", who)
		l.Reason = reason
		return one(advise(l, doctor.AtAdminRoles, "Give the person a role that reads users, and changes them where passwords are set or accounts are made; or act as another: "+configure+"."))
	case reason == google.ReasonConfig:
		return one(c.line(doctor.Skip, "Google could not be asked whether %s is an administrator: its directory is not to be had.", who))
	case err != nil:
		return one(p.because(ctx, advise(c.line(doctor.Fail, "Google could not be asked whether %s is an administrator.", who), "", "Try again in a while."), err))
	case u.Admin == workspace.Yes:
		return one(c.line(doctor.Pass, "%s is a super administrator.", who))
	case u.DelegatedAdmin == workspace.Yes:
		return one(c.line(doctor.Pass, "%s is an administrator with chosen rights.", who))
	case !u.MayBeAdmin():
		return one(advise(c.line(doctor.Fail, "%s is not an administrator.", who), doctor.AtAdminRoles, somebody+" "+configure+"."))
	}
	return one(c.line(doctor.Warn, "Google does not say whether %s is an administrator.", who))
}

// directory asks for one user, which tells whether the API is there.
func (p *patient) directory(ctx context.Context, c check) []doctor.Line {
	if p.situation.Subject() == "" {
		return one(c.line(doctor.Skip, "No directory of Google's is configured."))
	}
	users := p.users()
	if users == nil {
		return one(c.line(doctor.Skip, "Not looked at, because no scope to read Google's directory is granted, or nobody can act as the administrator."))
	}
	_, err := users.List(ctx, "", workspace.ListOptions{Scope: workspace.Scope{Domain: p.situation.Directory.Google.Domain}})
	l := c.line(doctor.Fail, "Google's directory cannot be read.")
	switch reason := fault.ReasonOf(err); {
	case err == nil:
		return one(c.line(doctor.Pass, "The Directory API answers, and lists users."))
	case disabled(err):
		l.What, l.Reason = "The Directory API is not enabled in the service account's project.", reason
		return one(advise(l, doctor.AtLibrary, "Enable the Admin SDK API (admin.googleapis.com), and wait some minutes."))
	case google.Says(err, google.SaysNoAPIs):
		l.What, l.Reason = "The organisation lets nobody read its directory by APIs.", reason
		return one(advise(l, doctor.AtAPIAccess, "Turn API access on."))
	case reason == google.ReasonForbidden, reason == workspace.ReasonSubjectRights:
		return one(c.line(doctor.Skip, "Not known, because %s may not list users.", p.situation.Subject()))
	case reason == workspace.ReasonDomain:
		l.What, l.Reason = "The configured domain is none of this Google account.", reason
		return one(advise(l, "rollcall directory configure --domain DOMAIN", "Give one of its domains, or none for all."))
	}
	return one(p.because(ctx, advise(l, "", "Try again in a while."), err))
}

// disabled reports whether a refusal says that an API is not enabled.
func disabled(err error) bool {
	return google.Says(err, google.SaysNotConfigured, google.SaysServiceDisabled)
}
