package ldap

import (
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/person"
)

// proxyAddress takes an address apart that may carry its kind, as Active
// Directory's proxyAddresses do: "SMTP:" before the primary one, "smtp:" before
// others, "X400:" and more before what is no mail address. A value without a kind
// is an address.
func proxyAddress(value string) (address string, primary, ok bool) {
	kind, rest, found := strings.Cut(value, ":")
	if !found || strings.ContainsAny(kind, "@\"") {
		return strings.TrimSpace(value), false, strings.Contains(value, "@")
	}
	if !strings.EqualFold(kind, "smtp") {
		return "", false, false
	}
	return strings.TrimSpace(rest), kind == "SMTP", strings.Contains(rest, "@")
}

// addresses returns the primary address and the others. LDAP's values have no
// order, so that a choice by the server's order would change by itself: the
// primary is the least mail, else the least that proxies mark as primary. The
// others are sorted, each once, and without the primary. unranked says that the
// primary is the least of several that could be.
func addresses(mails, proxies []string) (primary string, others []string, unranked bool) {
	var all, marked []string
	for _, m := range mails {
		if m = strings.TrimSpace(m); m != "" {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, compareAddress)
	for _, p := range proxies {
		address, first, ok := proxyAddress(p)
		switch {
		case !ok:
		case first:
			marked = append(marked, address)
		default:
			others = append(others, address)
		}
	}
	slices.SortFunc(marked, compareAddress)
	equals := all
	if len(all) == 0 {
		equals = marked
	}
	unranked = len(equals) > 1 && !sameAddress(equals[0], equals[len(equals)-1])
	all = append(all, marked...)
	if len(all) > 0 {
		primary = all[0]
		others = append(others, all[1:]...)
	}
	slices.SortFunc(others, compareAddress)
	others = slices.CompactFunc(others, sameAddress)
	others = slices.DeleteFunc(others, func(a string) bool { return sameAddress(a, primary) })
	if len(others) == 0 {
		others = nil
	}
	return primary, others, unranked
}

func sameAddress(a, b string) bool { return person.MailKey(a) == person.MailKey(b) }

func compareAddress(a, b string) int {
	if c := strings.Compare(person.MailKey(a), person.MailKey(b)); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}
