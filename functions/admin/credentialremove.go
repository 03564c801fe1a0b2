package admin

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// removeCredential forgets an enterprise's credential. While something needs it, it
// is refused: a key that must not be used any more is rotated, or disabled at Google.
func (o *Office) removeCredential(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	c, is, err := o.kept(r.Context(), e.ID)
	switch {
	case err != nil && is == "":
		return err
	case is == "":
		return noCredential(e.ID)
	}
	s, serr := o.situation(r.Context(), e.ID)
	if serr != nil {
		return serr
	}
	if by := neededBy(s); len(by) > 0 {
		return fault.New(fault.Conflict, "credential-needed",
			"the credential is needed by %s; remove these first, or give another credential with: rollcall credential rotate FILE", strings.Join(by, ", "))
	}
	detail := "what was stored is no credential"
	if err == nil {
		detail = mark(c.View)
	}
	err = o.recorded(r.Context(), o.note(r, e.ID, "credential.remove", "enterprise:"+e.ID, detail), func() error {
		return o.Secrets.Delete(r.Context(), directory.KeySecret(e.ID))
	})
	if err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}

// neededBy names what an enterprise has that needs its credential.
func neededBy(s doctor.Situation) []string {
	var by []string
	if s.Directory != nil && s.Directory.Mode.UsesGoogle() {
		by = append(by, fmt.Sprintf("the directory, which reads Google's (mode %s)", s.Directory.Mode))
	}
	if s.Passwords != nil {
		by = append(by, "the password policy, by which passwords are sent to Google")
	}
	switch n := len(s.Clients); {
	case n == 1:
		by = append(by, "the mail client "+s.Clients[0].ID)
	case n > 1:
		by = append(by, fmt.Sprintf("%d mail clients", n))
	}
	return by
}
