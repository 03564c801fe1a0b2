package directory

import (
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"strconv"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// What one value may hold, in bytes.
const (
	maxURL    = 300
	maxDN     = 2000
	maxFilter = 4000
	maxCA     = 64 << 10
)

func (l LDAP) validate() error {
	if err := l.validateServer(); err != nil {
		return err
	}
	switch l.Schema {
	case "", OpenLDAP, DirectoryServer, ActiveDirectory:
	default:
		return fault.Field("ldap.schema", "give openldap, 389ds or ad")
	}
	if l.BindDN != "" && !(l.Schema == ActiveDirectory && accountPattern.MatchString(l.BindDN)) {
		if err := checkDN("ldap.bindDn", l.BindDN); err != nil {
			return err
		}
	}
	if err := checkDN("ldap.baseDn", l.BaseDN); err != nil {
		return err
	}
	if err := checkFilter("ldap.filter", l.Filter); err != nil {
		return err
	}
	if len(l.Groups) > 100 {
		return fault.Field("ldap.groups", "give at most 100 groups")
	}
	for i, g := range l.Groups {
		if err := checkDN(index("ldap.groups", i), g); err != nil {
			return err
		}
	}
	if err := l.Attributes.validate(); err != nil {
		return err
	}
	switch l.Incremental {
	case "", Auto, ModifyStamp, Full:
	case SyncCookie:
		if l.Schema == ActiveDirectory {
			return fault.Field("ldap.incremental", "Active Directory does not offer sync; give auto, dirsync, usn, timestamp or off")
		}
	case DirSync, USN:
		if l.Schema != ActiveDirectory {
			return fault.Field("ldap.incremental", "only Active Directory (schema ad) offers %s; give auto, sync, timestamp or off", l.Incremental)
		}
	default:
		return fault.Field("ldap.incremental", "give auto, sync, dirsync, usn, timestamp or off")
	}
	return between("ldap.pageSize", l.PageSize, 10, 1000, "entries")
}

// accountPattern is the other names by which Active Directory knows who binds.
var accountPattern = pattern.New(`^(?:[^\s@\\=,]{1,64}@[A-Za-z0-9.-]{1,200}|[A-Za-z0-9.-]{1,64}\\[^\s@\\=,]{1,64})$`)

func (l LDAP) validateServer() error {
	u, err := url.Parse(l.URL)
	if err != nil || len(l.URL) > maxURL || u.Scheme != "ldap" && u.Scheme != "ldaps" || !isHost(u) || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return fault.Field("ldap.url", "give ldaps://HOST or ldap://HOST, with :PORT where it is not the usual one, and nothing after it")
	}
	switch l.Security {
	case "":
	case TLS:
		if u.Scheme != "ldaps" {
			return fault.Field("ldap.security", "tls goes with ldaps://; give starttls for ldap://")
		}
	case StartTLS:
		if u.Scheme != "ldap" {
			return fault.Field("ldap.security", "starttls goes with ldap://; give tls for ldaps://")
		}
	case Plain:
		if u.Scheme != "ldap" || !loopback(u) {
			return fault.Field("ldap.security", "without encryption only a server on this machine is read (ldap://localhost); give tls or starttls")
		}
	default:
		return fault.Field("ldap.security", "give tls, starttls or plain")
	}
	return checkCA("ldap.ca", l.CA)
}

var hostPattern = pattern.New(`^(?:[0-9A-Za-z](?:[0-9A-Za-z_.-]{0,251}[0-9A-Za-z])?|[0-9A-Fa-f:.]{2,45})$`)

// isHost reports whether the URL has a host, and a port that can be one or none.
func isHost(u *url.URL) bool {
	if !hostPattern.MatchString(u.Hostname()) || strings.HasSuffix(u.Host, ":") {
		return false
	}
	if u.Port() == "" {
		return true
	}
	n, err := strconv.Atoi(u.Port())
	return err == nil && n >= 1 && n <= 65535
}

// loopback reports whether the host can be on the same machine alone.
func loopback(u *url.URL) bool {
	switch u.Hostname() {
	case "localhost", "127.0.0.1", "::1":
		return true
	}
	return false
}

// checkCA takes PEM certificates and nothing else, least of all a private key.
func checkCA(field, ca string) error {
	if len(ca) > maxCA {
		return fault.Field(field, "give at most %d KB of certificates", maxCA>>10)
	}
	for rest := []byte(ca); strings.TrimSpace(string(rest)) != ""; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		switch {
		case block == nil:
			return fault.Field(field, "give certificates in PEM, each with the lines BEGIN CERTIFICATE and END CERTIFICATE")
		case block.Type != "CERTIFICATE":
			return fault.Field(field, "only certificates belong here; a private key stays with its owner")
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fault.Field(field, "one of the certificates cannot be read")
		}
	}
	return nil
}

func checkDN(field, dn string) error {
	if err := text(field, dn, maxDN); err != nil {
		return err
	}
	if _, err := dnKey(dn); err != nil {
		return fault.Field(field, `give a DN as the directory shows it, such as ou=people,dc=example,dc=com, with \ before a comma within a name`)
	}
	return nil
}

// checkFilter finds what is wrong at first sight: the LDAP client compiles it.
func checkFilter(field, filter string) error {
	if filter == "" {
		return nil
	}
	if err := text(field, filter, maxFilter); err != nil {
		return err
	}
	depth := 0
	for i := range len(filter) {
		switch filter[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 && i < len(filter)-1 || depth < 0 {
			depth = -1
			break
		}
	}
	if depth != 0 || strings.Contains(filter, "()") {
		return fault.Field(field, `give one filter in parentheses, such as (&(objectClass=inetOrgPerson)(mail=*)); within a value \28 and \29 stand for parentheses`)
	}
	return nil
}
