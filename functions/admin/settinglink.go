package admin

import (
	"maps"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
)

// surroundings returns what a setting is validated against. Whether the enterprise is
// linked to Google is found out only where the setting needs it.
func (o *Office) surroundings(r *request, enterprise string, s mail.Setting) (mail.Surroundings, error) {
	in := mail.Surroundings{Linked: true}
	c, err := o.DB.Directory(r.Context(), enterprise)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return in, err
	}
	if c.LDAP != nil {
		in.Attributes = slices.Sorted(maps.Keys(c.LDAP.Attributes.Custom))
	}
	if s.NeedsGenerated() {
		in.Advice, err = o.unlinked(r, enterprise, c)
		in.Linked = err == nil && in.Advice == ""
	} else {
		err = nil
	}
	return in, err
}

// unlinked says what is missing for passwords to be sent to Google, and what to do;
// nothing where they can be.
func (o *Office) unlinked(r *request, enterprise string, c directory.Config) (string, error) {
	_, err := o.DB.PasswordPolicy(r.Context(), enterprise)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return needsPolicy(enterprise), nil
	case err != nil:
		return "", err
	case c.Enterprise == "":
		return "generated passwords are sent to Google as the directory is configured, and the enterprise has none; to give it one: rollcall directory configure " + enterprise + " --help", nil
	case !c.Mode.UsesGoogle():
		return "generated passwords are sent to Google, and the enterprise's directory says nothing about Google; to change that: rollcall directory configure " + enterprise + " --mode read-only --google-subject ADDRESS", nil
	}
	_, err = o.Secrets.Access(r.Context(), directory.KeySecret(enterprise))
	if fault.KindOf(err) == fault.NotFound {
		return "generated passwords are sent to Google, and the enterprise's Google key is not there; to put it there: rollcall directory configure " + enterprise + " --google-key-file FILE", nil
	}
	return "", err
}

func needsPolicy(enterprise string) string {
	return "the setting needs generated passwords, and the enterprise has no password policy; to give it one: rollcall password policy " + enterprise + " --length 16"
}
