package admin

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// ReasonNoCredential is the reason of a credential that is not there.
const ReasonNoCredential = "credential-missing"

// credentialView is what may be seen of an enterprise's credential.
type credentialView struct {
	Enterprise string `json:"enterprise"`
	credential.View
}

// noCredential says what to do where an enterprise has no credential.
func noCredential(enterprise string) error {
	return fault.New(fault.NotFound, ReasonNoCredential,
		"the enterprise %q has no Google credential; to give it one: rollcall credential import FILE --enterprise %s", enterprise, enterprise)
}

// unusable says that what the secret store holds is no credential, and why.
func unusable(err error) error {
	why := err.Error()
	if f := fault.As(err); f != nil {
		why = f.Public
	}
	return fault.New(fault.Permanent, "credential-unusable", "what the secret store holds is not usable as a credential: %s; import one again", why)
}

// kept is a stored credential and its version; where there is none, the version is
// zero. What was put there by other means may not be readable: then err says why, and
// the version is there all the same.
func (o *Office) kept(ctx context.Context, enterprise string) (c credential.Credential, is secret.Version, err error) {
	v, is, err := o.Secrets.Newest(ctx, directory.KeySecret(enterprise))
	if fault.KindOf(err) == fault.NotFound {
		return c, "", nil
	}
	if err != nil {
		return c, "", err
	}
	if c, err = credential.Read(v, o.accepted()); err != nil {
		err = unusable(err)
	}
	return c, is, err
}

// accepted is which token endpoints a credential may name.
func (o *Office) accepted() credential.Options { return credential.Options{AnyTokenURI: o.AnyTokenURI} }

// showCredential tells what to compare with Google's console.
func (o *Office) showCredential(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	c, is, err := o.kept(r.Context(), e.ID)
	switch {
	case err != nil:
		return err
	case is == "":
		return noCredential(e.ID)
	}
	return answer(r, credentialView{e.ID, c.View})
}

// mark names a credential in the audit trail, by what may be seen of it.
func mark(v credential.View) string {
	if v.Kind == credential.Keyless {
		return "client " + v.ClientID + ", keyless"
	}
	return "client " + v.ClientID + ", key SHA-256 " + v.Fingerprint
}
