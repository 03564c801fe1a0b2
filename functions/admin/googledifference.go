package admin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// differences says in words where an account at Google is another than the person's
// row has it. The next run of the directory brings the row in line.
func differences(u workspace.User, p person.Person) []string {
	g := p.Google
	if g.ID == "" {
		return []string{"Rollcall has joined no Google account with this person. This one was found by the directory's address; the next run of the directory joins it if it may."}
	}
	out := []string{}
	differ := func(what, there, here string) {
		if there != here {
			out = append(out, fmt.Sprintf("The %s is %s at Google, and %s in Rollcall.", what, orNothing(there), orNothing(here)))
		}
	}
	if u.ID != g.ID {
		differ("account's id", u.ID, g.ID)
	}
	differ("primary address", person.MailKey(u.PrimaryEmail), person.MailKey(g.Mail))
	differ("list of aliases", mailKeys(u.Aliases), mailKeys(g.Aliases))
	differ("organizational unit", u.OrgUnitPath, g.OrgUnit)
	for _, f := range []struct{ what, there, here string }{
		{"suspended", u.Suspended.String(), string(g.Suspended)},
		{"archived", u.Archived.String(), string(g.Archived)},
		{"an administrator", adminOf(u), string(g.Admin)},
	} {
		// What either does not know is no difference.
		if f.there != "unknown" && f.here != "" && f.there != f.here {
			out = append(out, fmt.Sprintf("Whether the account is %s: %s at Google, and %s in Rollcall.", f.what, f.there, f.here))
		}
	}
	if g.Deleted {
		out = append(out, "Google has the account, and Rollcall takes it for deleted.")
	}
	if m := person.MailKey(p.Entry.Mail); m != "" && m != person.MailKey(u.PrimaryEmail) && !slices.Contains(strings.Split(mailKeys(u.Aliases), ", "), m) {
		out = append(out, fmt.Sprintf("The directory's address %s is neither the account's primary address nor an alias.", m))
	}
	return out
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// mailKeys returns addresses in an order and a form in which equal lists are equal.
func mailKeys(addresses []string) string {
	keys := make([]string, len(addresses))
	for i, a := range addresses {
		keys[i] = person.MailKey(a)
	}
	slices.Sort(keys)
	return strings.Join(slices.Compact(keys), ", ")
}
