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

// Concerns reports whether the mailbox may be allowed, depending on its Owner.
func (p Permission) Concerns(mailbox string) bool { return len(p.labels) > 0 || p.byAddress(mailbox) }

// Allows reports whether the mailbox is allowed: by the list or by its domain unless its
// owner left (invariant D10), or by a label of its owner's.
func (p Permission) Allows(mailbox string, o Owner) bool {
	return !o.Left && p.byAddress(mailbox) ||
		slices.ContainsFunc(o.Labels, func(l string) bool { return slices.Contains(p.labels, l) })
}

func (p Permission) byAddress(mailbox string) bool {
	key := person.MailKey(mailbox)
	return p.mailboxes[key] || p.domains[key[strings.LastIndexByte(key, '@')+1:]]
}

// Owner is what the directory says of whose mailbox it is; the zero value is that nobody
// is known.
type Owner struct {
	// Labels are those that count.
	Labels []string
	// Left says that whoever is known to have the mailbox is not granted access: they
	// left, or are locked.
	Left bool
}

// OwnerOf returns the owner of a mailbox: people are those of the enterprise with that
// address, mode says where they come from.
//
// Labels count of a person who is granted access and whose Google account is not known
// to be closed. Whoever left does not count, for an address may be given again; an
// address that several people have is nobody's.
//
// Where the person's Google account is known, it is what says which mailboxes are the
// person's: a directory in which people write their own address would otherwise give
// them another's.
func OwnerOf(mode directory.Mode, mailbox string, people []person.Person) Owner {
	var owner *person.Person
	several, known, granted := false, false, false
	for i, p := range people {
		if !owns(mode, mailbox, p) {
			continue
		}
		known, granted = true, granted || p.State.Access() == person.Granted
		if p.State == person.Leaving || p.State == person.Gone {
			continue
		}
		several = several || owner != nil && owner.Key != p.Key
		owner = &people[i]
	}
	o := Owner{Left: known && !granted}
	if owner != nil && !several && owner.State.Access() == person.Granted && !closed(mode.Account(*owner)) {
		o.Labels = owner.Labels
	}
	return o
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
