package ldap

import (
	"slices"
	"strconv"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// server is what a server says of itself in its root DSE (RFC 4512, 5.1).
type server struct {
	vendor, version string
	controls        []string
	contexts        []*goldap.DN
	// service, usn and now are Active Directory's: the DN of the server's settings,
	// the last change it made, and its clock.
	service string
	usn     int64
	now     time.Time
}

var rootAttributes = []string{
	"vendorName", "vendorVersion", "supportedControl", "namingContexts", "dsServiceName", "highestCommittedUSN",
	"currentTime", "structuralObjectClass", "forestFunctionality",
}

// server asks for the root DSE.
func (c *connection) server() (server, error) {
	entries, _, err := c.search(&goldap.SearchRequest{Filter: "(objectClass=*)", Attributes: rootAttributes})
	if err != nil || len(entries) == 0 {
		if fault.ReasonOf(err) == ReasonBaseMissing || fault.ReasonOf(err) == ReasonAccess {
			err = nil // a server may keep it to itself
		}
		return server{}, err
	}
	e := entries[0]
	s := server{
		vendor: e.GetEqualFoldAttributeValue("vendorName"), version: e.GetEqualFoldAttributeValue("vendorVersion"),
		controls: e.GetEqualFoldAttributeValues("supportedControl"), service: e.GetEqualFoldAttributeValue("dsServiceName"),
	}
	switch {
	case s.vendor != "":
	case strings.EqualFold(e.GetEqualFoldAttributeValue("structuralObjectClass"), "OpenLDAProotDSE"):
		s.vendor = "OpenLDAP"
	case e.GetEqualFoldAttributeValue("forestFunctionality") != "":
		s.vendor = "Microsoft Active Directory"
	}
	for _, name := range e.GetEqualFoldAttributeValues("namingContexts") {
		if dn, err := goldap.ParseDN(name); err == nil && len(dn.RDNs) > 0 {
			s.contexts = append(s.contexts, dn)
		}
	}
	s.usn, _ = strconv.ParseInt(e.GetEqualFoldAttributeValue("highestCommittedUSN"), 10, 64)
	s.now, _ = parseTime(e.GetEqualFoldAttributeValue("currentTime"))
	return s, nil
}

func (s server) offers(control string) bool { return slices.Contains(s.controls, control) }

// context returns the longest naming context that holds dn; nil where there is none.
func (s server) context(dn *goldap.DN) *goldap.DN {
	var found *goldap.DN
	for _, c := range s.contexts {
		if within(dn, c) && (found == nil || len(c.RDNs) > len(found.RDNs)) {
			found = c
		}
	}
	return found
}

// choose returns how the directory will tell what changed, and why.
func (c *Client) choose(s server) (directory.Incremental, string, error) {
	sync := s.offers(goldap.ControlTypeSyncRequest) && strings.EqualFold(c.ldap.Attributes.ID, entryUUID)
	usn := s.service != "" && s.usn > 0 && binaryID(c.ldap.Attributes.ID)
	base, err := goldap.ParseDN(c.ldap.BaseDN)
	if err != nil {
		return "", "", fault.New(fault.Permanent, ReasonBaseMissing, "The base DN is malformed. Write it as the directory shows it, such as ou=people,dc=example,dc=com.")
	}
	root := s.context(base)
	dirSync := usn && s.offers(goldap.ControlTypeDirSync) && root != nil && root.EqualFold(base)
	unavailable := func(ok bool, what string) error {
		if ok {
			return nil
		}
		return fault.New(fault.Permanent, ReasonIncremental, "The directory's server does not offer %s here. Leave the way of incremental reading to the server (auto).", what)
	}
	switch c.ldap.Incremental {
	case directory.SyncCookie:
		return directory.SyncCookie, "configured", unavailable(sync, "RFC 4533 with entryUUID as id")
	case directory.DirSync:
		return directory.DirSync, "configured", unavailable(dirSync, "DirSync with objectGUID as id and a base DN that is a partition's root")
	case directory.USN:
		return directory.USN, "configured", unavailable(usn, "uSNChanged with objectGUID as id")
	case directory.ModifyStamp, directory.Full:
		return c.ldap.Incremental, "configured", nil
	}
	switch {
	case len(c.ldap.Groups) > 0:
		// Who joins a group is not changed by it.
		return directory.Full, "people are the members of groups, and joining one changes no person", nil
	case sync:
		return directory.SyncCookie, "the server offers RFC 4533", nil
	case dirSync:
		return directory.DirSync, "the server offers DirSync, and the base DN is a partition's root", nil
	case usn:
		return directory.USN, "the server numbers its changes", nil
	default:
		return directory.ModifyStamp, "the server offers nothing better", nil
	}
}

// parseTime reads LDAP's generalised time (RFC 4517, 3.3.13) in the forms that
// servers write.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{"20060102150405Z", "20060102150405.9Z"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// formatTime is the inverse, to the second before.
func formatTime(t time.Time) string { return t.UTC().Format("20060102150405Z") }

// formatTimeAD is the form that Active Directory compares with.
func formatTimeAD(t time.Time) string { return t.UTC().Format("20060102150405.0Z") }
