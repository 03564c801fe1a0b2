package ldap

import (
	"bytes"
	"context"
	"strconv"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// invocation returns the id of the server's database. Change numbers are those of
// one database: another domain controller, and the same one after it was restored,
// count otherwise ([MS-DRSR] 4.1.1).
func (c *connection) invocation(srv server) ([]byte, error) {
	if srv.service == "" {
		return nil, nil
	}
	entries, _, err := c.search(&goldap.SearchRequest{BaseDN: srv.service, Filter: "(objectClass=*)", Attributes: []string{"invocationId"}})
	if err != nil && fault.ReasonOf(err) != ReasonBaseMissing && fault.ReasonOf(err) != ReasonAccess {
		return nil, err
	}
	if err == nil && len(entries) == 1 {
		if id := entries[0].GetEqualFoldRawAttributeValue("invocationId"); len(id) > 0 {
			return id, nil
		}
	}
	// An account that may not read it still learns the server's name.
	return []byte(srv.service), nil
}

// usnChanges is Changes by Active Directory's change numbers.
func (c *Client) usnChanges(_ context.Context, conn *connection, m mark, fn func(Page) error) (Delta, error) {
	srv, err := conn.server()
	if err != nil {
		return Delta{}, err
	}
	now, err := conn.invocation(srv)
	if err != nil {
		return Delta{}, err
	}
	if len(now) == 0 || !bytes.Equal(now, m.Invocation) || srv.usn < m.USN {
		return Delta{}, stale("another server answers than before")
	}
	since := "(" + usnAttribute + ">=" + strconv.FormatInt(m.USN+1, 10) + ")"
	left, err := c.changedSince(conn, since, fn)
	if err != nil {
		return Delta{}, err
	}
	deleted, err := c.tombstones(conn, srv, since)
	if err != nil {
		return Delta{}, err
	}
	m.USN = srv.usn
	return Delta{Cursor: m.cursor(), Removed: append(left, deleted...)}, nil
}

// tombstones returns the ids of the users deleted since. Most accounts may not see
// them; then the daily walk finds who is gone.
func (c *Client) tombstones(conn *connection, srv server, since string) ([]string, error) {
	base, err := goldap.ParseDN(c.ldap.BaseDN)
	if err != nil {
		return nil, nil
	}
	root := srv.context(base)
	if root == nil || c.ldap.Schema != directory.ActiveDirectory {
		return nil, nil
	}
	req := c.people(and("(isDeleted=TRUE)", "(objectClass=user)", "(!(objectClass=computer))", since))
	req.BaseDN = root.String()
	req.Controls = append(req.Controls, goldap.NewControlMicrosoftShowDeleted())
	ids, err := c.ids(conn, req)
	if fault.KindOf(err) == fault.Permanent && fault.ReasonOf(err) != ReasonReferral {
		return nil, nil
	}
	return ids, err
}
