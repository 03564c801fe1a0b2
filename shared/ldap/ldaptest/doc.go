// Package ldaptest is a directory for tests and for running on one machine: an
// LDAP server over TCP on a loopback port, with entries in memory that a test can
// change, count and break. It plays OpenLDAP, 389 Directory Server or Active
// Directory as far as reading people needs it: simple bind, search with filters
// and pages, StartTLS and LDAPS, and Active Directory's change numbers, tombstones
// and DirSync.
//
// The protocol is gldap's. gldap cannot attach controls to entries, so RFC 4533 is
// tested against OpenLDAP itself; see slapdtest.
package ldaptest
