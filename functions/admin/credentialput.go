package admin

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// credentialReply answers an import or a rotation.
type credentialReply struct {
	Credential credentialView `json:"credential"`
	// Replaced is the credential whose place was taken, if there was a readable one.
	Replaced *credential.View `json:"replaced,omitzero"`
	// Tried is what Google gave tokens for before the credential was stored.
	Tried []triedScope `json:"tried,omitempty"`
	// Untried are the scopes in use that could not be tried, for nobody is known to act
	// for.
	Untried []string `json:"untried,omitempty"`
	// Covered: somebody else put a credential in the same moment, and this one took
	// its place.
	Covered bool `json:"covered,omitzero"`
	// OldKept says why the secret store holds the replaced credential still; it is not
	// used any more.
	OldKept string `json:"oldKept,omitempty"`
}

// importCredential stores a credential after checks, in the place of one that there
// may be, and answers with what to compare with Google's console.
func (o *Office) importCredential(r *request) error { return o.putCredential(r, false) }

// rotateCredential has a credential take the place of the one that there is, once
// Google has given it a token for every scope in use. Otherwise nothing changes.
func (o *Office) rotateCredential(r *request) error { return o.putCredential(r, true) }

func (o *Office) putCredential(r *request, rotate bool) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	next, verify, err := o.readCredential(r)
	if err != nil {
		return err
	}
	old, base, err := o.kept(r.Context(), e.ID)
	readable := err == nil && base != ""
	switch {
	case err != nil && base == "":
		return err
	case rotate && base == "":
		return noCredential(e.ID)
	case rotate && readable && old.View == next.View:
		return fault.New(fault.Conflict, "credential-same", "this is the credential that is in use; make a new key in Google Cloud's console, and give that")
	}
	action := "credential.import"
	if rotate {
		action, verify = "credential.rotate", true
	}
	out := credentialReply{Credential: credentialView{e.ID, next.View}}
	if readable && old.View != next.View {
		out.Replaced = &old.View
	}
	if verify {
		if out.Tried, out.Untried, err = o.try(r.Context(), e.ID, next); err != nil {
			return err
		}
	}
	name, stored := directory.KeySecret(e.ID), secret.Version("")
	err = o.recorded(r.Context(), o.note(r, e.ID, action, "enterprise:"+e.ID, mark(next.View)), func() error {
		// Whoever gave up waiting has the record in the trail.
		is, covered, err := o.Secrets.Replace(context.WithoutCancel(r.Context()), name, base, next.Stored())
		stored, out.Covered = is, len(covered) > 0
		return err
	})
	if err != nil {
		return err
	}
	// Only what Google has taken makes the old one useless. Scopes are granted to a service
	// account and not to a key: another account's may lack one that was not tried.
	granted := len(out.Untried) == 0 || readable && old.View.ClientID == next.View.ClientID
	switch {
	case !verify || base == "" || stored == base:
	case !granted:
		out.OldKept = "it may be of another service account, and not every scope in use could be tried with the new one"
	default:
		if err := o.Secrets.Retire(context.WithoutCancel(r.Context()), name, base); err != nil {
			out.OldKept = publicOf(err)
		}
	}
	return answer(r, out)
}

// publicOf returns what may be told of an error.
func publicOf(err error) string {
	if f := fault.As(err); f != nil && f.Public != "" {
		return f.Public
	}
	return "it could not be destroyed"
}
