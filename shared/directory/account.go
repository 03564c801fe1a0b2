package directory

import (
	"slices"
	"strings"
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
		// A policy that keeps accounts holds for those who left under another one.
		due := c.Google.DeleteAfterDays > 0 && g.ID != "" && !g.Deleted && !g.DeleteAt.IsZero() && !now.Before(g.DeleteAt)
		switch {
		case !due || g.Suspended == person.No && g.Archived != person.Yes:
			return closeSteps(p) // suspended first, deleted then
		case g.Admin != person.No:
			return nil, []string{ProblemAdministrator}
		}
		return []Step{{Action: DeleteAccount, From: g.Mail}}, nil
	}
	return nil, nil
}

// closeSteps suspends the account of a person who must not sign in.
func closeSteps(p person.Person) ([]Step, []string) {
	g := p.Google
	switch {
	case g.ID == "" || g.Deleted || g.Suspended != person.No || g.Archived == person.Yes:
		return nil, nil
	case g.Admin != person.No:
		return nil, []string{ProblemAdministrator}
	}
	return []Step{{Action: CloseAccount, From: g.Mail}}, nil
}

func (c Config) openSteps(p person.Person) (steps []Step, problems []string) {
	g, e := p.Google, p.Entry
	given, family := GoogleNames(e)
	names := true
	switch {
	case given == "" || family == "":
		names, problems = false, append(problems, ProblemNameMissing)
	case utf8.RuneCountInString(given) > maxName || utf8.RuneCountInString(family) > maxName:
		names, problems = false, append(problems, ProblemNameTooLong)
	}
	// Neither a missing address nor one that several people have is acted on.
	address := e.Mail != "" && !slices.Contains(p.Problems, ProblemSharedMail)
	if address && !c.Google.inDomain(e.Mail) {
		address, problems = false, append(problems, ProblemOutOfScope)
	}
	switch {
	case g.ID == "" && names && address:
		return []Step{{Action: CreateAccount, To: strings.TrimSpace(e.Mail)}}, problems
	case g.ID == "":
		return nil, problems
	case g.Deleted:
		return []Step{{Action: RestoreAccount, To: g.Mail}}, problems
	}
	switch {
	case g.Suspended == person.Yes && g.SuspendedByUs:
		steps = append(steps, Step{Action: OpenAccount, To: g.Mail})
	case g.Suspended == person.Yes, g.Archived == person.Yes:
		problems = append(problems, ProblemSuspended)
	}
	if address && !called(e, g.Mail) {
		steps = append(steps, Step{Action: RenameAccount, From: g.Mail, To: strings.TrimSpace(e.Mail)})
	}
	var fields []string
	if names && googleName(g.GivenName) != given {
		fields = append(fields, "givenName")
	}
	if names && googleName(g.FamilyName) != family {
		fields = append(fields, "familyName")
	}
	if len(fields) > 0 {
		steps = append(steps, Step{Action: UpdateAccount, Fields: fields})
	}
	if unit := c.Google.UnitFor(e.Unit); unit != "" && unitKey(unit) != unitKey(g.OrgUnit) {
		steps = append(steps, Step{Action: MoveAccount, From: g.OrgUnit, To: unit})
	}
	if c.Google.PasswordHashes && e.Hash != "" && e.Hash != g.Hash {
		steps = append(steps, Step{Action: SendHash})
	}
	return steps, problems
}

// called reports whether an account with that address is called as the entry says.
// Of several addresses without an order each will do: which is the least changes
// with every one that is added.
func called(e person.Entry, mail string) bool {
	key := person.MailKey(mail)
	return key == person.MailKey(e.Mail) ||
		e.Unranked && slices.ContainsFunc(e.Aliases, func(a string) bool { return person.MailKey(a) == key })
}

// GoogleNames returns the names that a person's account gets: without the spaces
// that directories have around and between names, and that Google would change.
func GoogleNames(e person.Entry) (given, family string) {
	return googleName(e.GivenName), googleName(e.FamilyName)
}

func googleName(s string) string { return strings.Join(strings.Fields(s), " ") }

// UnitFor returns the organizational unit for people of an LDAP unit; empty where
// no rule speaks of it.
func (g Google) UnitFor(dn string) string {
	if len(g.Units) == 0 {
		return ""
	}
	key := unitKey(dn)
	longest, unit := -1, ""
	for _, r := range g.Units {
		// Of two DNs above the same one the longer is the nearer.
		if above := unitKey(r.DN); below(key, above) && len(above) > longest {
			longest, unit = len(above), r.OrgUnit
		}
	}
	return unit
}

// NewUnit returns the organizational unit for a new account of a person of an LDAP
// unit.
func (g Google) NewUnit(dn string) string {
	switch unit := g.UnitFor(dn); {
	case unit != "":
		return unit
	case g.DefaultUnit != "":
		return g.DefaultUnit
	}
	return "/"
}
