package slapdtest

import (
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
)

// as makes one change as the administrator.
func (s *Server) as(change func(*ldap.Conn) error) error {
	conn, err := ldap.DialURL(s.URL())
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.Bind(s.adminDN(), adminPassword); err != nil {
		return err
	}
	return change(conn)
}

// Add adds an entry. An entryUUID among its attributes is left to the server.
func (s *Server) Add(e ldaptest.Entry) error {
	req := ldap.NewAddRequest(e.DN, nil)
	for name, values := range e.Attributes {
		if !strings.EqualFold(name, "entryUUID") {
			req.Attribute(name, values)
		}
	}
	return s.as(func(c *ldap.Conn) error { return c.Add(req) })
}

// Set replaces the values of an attribute; none removes it.
func (s *Server) Set(dn, attribute string, values ...string) error {
	req := ldap.NewModifyRequest(dn, nil)
	req.Replace(attribute, values)
	return s.as(func(c *ldap.Conn) error { return c.Modify(req) })
}

// Rename gives an entry another DN by one modrdn, below another one where it says
// so. The DNs are without escaped commas in their first part.
func (s *Server) Rename(dn, newDN string) error {
	rdn, above, _ := strings.Cut(newDN, ",")
	return s.as(func(c *ldap.Conn) error { return c.ModifyDN(ldap.NewModifyDNRequest(dn, rdn, true, above)) })
}

// Delete removes an entry.
func (s *Server) Delete(dn string) error {
	return s.as(func(c *ldap.Conn) error { return c.Del(ldap.NewDelRequest(dn, nil)) })
}
