package ldap

import (
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// schema is what a family of servers calls things.
type schema struct {
	filter     string
	attributes directory.Attributes
}

// permanentLock is the value of pwdAccountLockedTime that only an administrator
// sets and lifts (draft-behera-ldap-password-policy-10, 5.3.3). Any other value is
// the time of wrong passwords: whoever can type those must not be able to take a
// person's accounts away.
const permanentLock = "000001010000Z"

var schemas = map[directory.Schema]schema{
	directory.OpenLDAP: {
		filter: "(objectClass=inetOrgPerson)",
		attributes: directory.Attributes{
			ID: "entryUUID", Mail: "mail", Login: "uid", GivenName: "givenName", FamilyName: "sn",
			DisplayName: "displayName", Disabled: "pwdAccountLockedTime", DisabledValues: []string{permanentLock},
			PasswordHash: "userPassword",
		},
	},
	directory.DirectoryServer: {
		filter: "(objectClass=inetOrgPerson)",
		attributes: directory.Attributes{
			ID: "nsUniqueId", Mail: "mail", Login: "uid", GivenName: "givenName", FamilyName: "sn",
			DisplayName: "displayName", Disabled: "nsAccountLock", DisabledValues: []string{"TRUE"},
			PasswordHash: "userPassword",
		},
	},
	directory.ActiveDirectory: {
		filter: "(&(objectCategory=person)(objectClass=user))",
		attributes: directory.Attributes{
			ID: "objectGUID", Mail: "mail", Aliases: "proxyAddresses", Login: "sAMAccountName",
			GivenName: "givenName", FamilyName: "sn", DisplayName: "displayName", Disabled: accountControl,
			// Active Directory gives password hashes to nobody.
		},
	},
}

// schemaOf returns OpenLDAP's where s is unknown.
func schemaOf(s directory.Schema) schema {
	if found, ok := schemas[s]; ok {
		return found
	}
	return schemas[directory.OpenLDAP]
}

const (
	defaultPage = 500
	minPage     = 10
	maxPage     = 1000
)

// Defaults returns the configuration with every zero field filled in: Security
// after the URL's scheme, OpenLDAP's schema, the schema's filter and attributes,
// incremental reading as the server offers it, and pages of 500. It checks
// nothing. A DisplayName that an entry does not have is its cn.
func Defaults(l directory.LDAP) directory.LDAP {
	if l.Schema == "" {
		l.Schema = directory.OpenLDAP
	}
	if l.Security == "" {
		l.Security = directory.StartTLS
		if strings.HasPrefix(strings.ToLower(l.URL), "ldaps:") {
			l.Security = directory.TLS
		}
	}
	s := schemaOf(l.Schema)
	if l.Filter == "" {
		l.Filter = s.filter
	}
	if l.Incremental == "" {
		l.Incremental = directory.Auto
	}
	if l.PageSize == 0 {
		l.PageSize = defaultPage
	}
	l.PageSize = min(max(l.PageSize, minPage), maxPage)
	a, d := &l.Attributes, s.attributes
	if a.Disabled == "" {
		a.Disabled = d.Disabled
		if len(a.DisabledValues) == 0 {
			a.DisabledValues = slices.Clone(d.DisabledValues)
		}
	}
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&a.ID, d.ID}, {&a.Mail, d.Mail}, {&a.Aliases, d.Aliases}, {&a.Login, d.Login}, {&a.GivenName, d.GivenName},
		{&a.FamilyName, d.FamilyName}, {&a.DisplayName, d.DisplayName}, {&a.PasswordHash, d.PasswordHash},
	} {
		if *f.to == "" {
			*f.to = f.from
		}
	}
	return l
}
