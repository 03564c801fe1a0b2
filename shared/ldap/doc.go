// Package ldap reads an organisation's people from its own LDAP directory
// (OpenLDAP, 389 Directory Server, Active Directory): it walks all of them, tells
// what changed since, confirms who is absent, and proves a person's password by a
// bind.
//
// What LDAP leaves to its users is done here. A referral, a size limit or a lost
// connection is an error and never an empty directory (invariant D5). One bad
// entry is a Problem and never the end of a walk (invariant D8). A certificate is
// always verified. No text that a server sends reaches an error, for a server may
// echo what it was sent.
//
// The protocol is go-ldap's. Package ldaptest simulates a directory, and package
// ldaptest/slapdtest runs OpenLDAP's.
package ldap
