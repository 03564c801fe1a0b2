package mailclient

import (
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// Permission is Allow, made ready for many questions. It is immutable and may be used
// concurrently.
type Permission struct {
	mailboxes, domains map[string]bool
	labels             []string
}

// NewPermission returns the Permission of a.
func NewPermission(a Allow) Permission {
	set := func(list []string) map[string]bool {
		m := make(map[string]bool, len(list))
		for _, s := range list {
			m[person.MailKey(s)] = true
		}
		return m
	}
	return Permission{mailboxes: set(a.Mailboxes), domains: set(a.Domains), labels: slices.Clone(a.Labels)}
}

// ByAddress reports whether the mailbox is allowed by the list or by its domain.
func (p Permission) ByAddress(mailbox string) bool {
	key := person.MailKey(mailbox)
	return p.mailboxes[key] || p.domains[key[strings.LastIndexByte(key, '@')+1:]]
}

// UsesLabels reports whether labels allow anything, so that it is worth to look for
// the person.
func (p Permission) UsesLabels() bool { return len(p.labels) > 0 }

// ByLabels reports whether any of a person's labels allows the mailbox; see LabelsOf.
func (p Permission) ByLabels(labels []string) bool {
	return slices.ContainsFunc(labels, func(l string) bool { return slices.Contains(p.labels, l) })
}

// LabelsOf returns the labels of the person whose mailbox it is, none where nobody's
// labels count: people are those of the enterprise with that address, mode says where
// they come from. The person must be granted access, and the Google account must not
// be known to be closed.
//
// Where the person's Google account is known, it is what says which mailboxes are the
// person's: a directory in which people write their own address would otherwise give
// them another's. Whoever left does not count, for an address may be given again; an
// address that several people have is nobody's.
func LabelsOf(mode directory.Mode, mailbox string, people []person.Person) []string {
	var owner *person.Person
	for i, p := range people {
		if p.State == person.Leaving || p.State == person.Gone || !owns(mode, mailbox, p) {
			continue
		}
		if owner != nil && owner.Key != p.Key {
			return nil
		}
		owner = &people[i]
	}
	if owner == nil || owner.State.Access() != person.Granted || closed(mode.Account(*owner)) {
		return nil
	}
	return owner.Labels
}

// owns reports whether the mailbox is the person's.
func owns(mode directory.Mode, mailbox string, p person.Person) bool {
	is := func(address string) bool { return person.MailKey(address) == person.MailKey(mailbox) }
	if g := mode.Account(p); mode.UsesGoogle() && g.ID != "" && g.Mail != "" {
		return is(g.Mail) || slices.ContainsFunc(g.Aliases, is)
	}
	return is(p.Entry.Mail)
}

func closed(g person.Google) bool {
	return g.Deleted || g.Suspended == person.Yes || g.Archived == person.Yes
}
