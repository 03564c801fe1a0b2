package directory

import (
	"time"
	"unicode/utf8"

	"github.com/rollcall-emm/rollcall/shared/person"
)

// maxName is how many characters Google takes in a given or family name.
const maxName = 40

// AccountSteps returns what is to be done at Google for a person in ReadWrite, in
// order, and the problems that stand in the way of more. It does no I/O. After a
// step was done and p.Google tells so, it is no longer among them.
func (c Config) AccountSteps(p person.Person, now time.Time) (steps []Step, problems []string) {
	if c.Mode != ReadWrite || c.Google == nil {
		return nil, nil
	}
	switch p.State {
	case person.Active:
		return c.openSteps(p)
	case person.Disabled:
		return closeSteps(p)
	case person.Leaving, person.Gone:
		g := p.Google
		if g.ID != "" && !g.Deleted && !g.DeleteAt.IsZero() && !now.Before(g.DeleteAt) {
			if g.Admin != person.No {
				return nil, []string{ProblemAdministrator}
			}
			return []Step{{Action: DeleteAccount, From: g.Mail}}, nil
		}
		return closeSteps(p)
	}
	return nil, nil
}

// closeSteps suspends the account of a person who must not sign in.
func closeSteps(p person.Person) ([]Step, []string) {
	g := p.Google
	switch {
	case g.ID == "" || g.Deleted || g.Suspended != person.No:
		return nil, nil
	case g.Admin != person.No:
		return nil, []string{ProblemAdministrator}
	}
	return []Step{{Action: CloseAccount, From: g.Mail}}, nil
}

func (c Config) openSteps(p person.Person) (steps []Step, problems []string) {
	g, e := p.Google, p.Entry
	if e.Mail == "" {
		return nil, nil
	}
	names := true
	switch {
	case e.GivenName == "" || e.FamilyName == "":
		names, problems = false, append(problems, ProblemNameMissing)
	case utf8.RuneCountInString(e.GivenName) > maxName || utf8.RuneCountInString(e.FamilyName) > maxName:
		names, problems = false, append(problems, ProblemNameTooLong)
	}
	if g.ID == "" {
		if names {
			steps = append(steps, Step{Action: CreateAccount, To: e.Mail})
		}
		return steps, problems
	}
	if g.Deleted {
		return []Step{{Action: RestoreAccount, To: e.Mail}}, problems
	}
	if g.Suspended == person.Yes && g.SuspendedByUs {
		steps = append(steps, Step{Action: OpenAccount, To: g.Mail})
	} else if g.Suspended == person.Yes {
		problems = append(problems, ProblemSuspended)
	}
	if person.MailKey(g.Mail) != person.MailKey(e.Mail) {
		steps = append(steps, Step{Action: RenameAccount, From: g.Mail, To: e.Mail})
	}
	var fields []string
	if names && g.GivenName != e.GivenName {
		fields = append(fields, "givenName")
	}
	if names && g.FamilyName != e.FamilyName {
		fields = append(fields, "familyName")
	}
	if len(fields) > 0 {
		steps = append(steps, Step{Action: UpdateAccount, Fields: fields})
	}
	if unit := c.Google.UnitFor(e.Unit); unit != "" && unit != g.OrgUnit {
		steps = append(steps, Step{Action: MoveAccount, From: g.OrgUnit, To: unit})
	}
	if c.Google.PasswordHashes && e.Hash != "" && e.Hash != g.Hash {
		steps = append(steps, Step{Action: SendHash})
	}
	return steps, problems
}

// UnitFor returns the organizational unit for people of an LDAP unit; empty where
// no rule speaks of it.
func (g Google) UnitFor(dn string) string {
	longest, unit := -1, ""
	for _, r := range g.Units {
		if Within(dn, r.DN) && len(r.DN) > longest {
			longest, unit = len(r.DN), r.OrgUnit
		}
	}
	return unit
}
