package ldap

import (
	"context"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// domainScope asks Active Directory to leave out its references to other
// partitions, which it makes in every search below a domain ([MS-ADTS]
// 3.1.1.3.4.1.5).
const domainScope = "1.2.840.113556.1.4.1339"

// Walk reads the whole directory and hands it to fn page by page, one page in
// memory. It returns from where Changes can go on: whatever changed while it
// walked comes again. The Cursor is empty where the directory offers no changes.
//
// The pages are the whole directory only if the error is nil, and are then
// complete; a page may hold an entry that an earlier page held, where it moved
// meanwhile. fn's error ends the walk and is returned as it is. The server may
// wait while fn works, but not for ever: some servers cut a connection that reads
// nothing for some minutes.
func (c *Client) Walk(ctx context.Context, fn func(Page) error) (Cursor, error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return "", err
	}
	defer conn.close()
	srv, err := conn.server()
	if err != nil {
		return "", err
	}
	kind, _, err := c.choose(srv)
	if err != nil {
		return "", err
	}
	if kind == directory.SyncCookie {
		delta, begun, err := c.refresh(conn, nil, fn)
		// A server may offer RFC 4533 and yet not have it for this database.
		if !answered(err, goldap.LDAPResultUnavailableCriticalExtension) || begun || c.ldap.Incremental == directory.SyncCookie {
			return c.syncCursor(delta), err
		}
		kind = directory.ModifyStamp
	}
	// Before the walk, so that what changes during it comes again.
	place, err := c.place(conn, srv, kind)
	if err != nil {
		return "", err
	}
	if err := c.paged(conn, c.people(c.scope.filter), fn); err != nil {
		return "", err
	}
	if place.Kind == directory.Full {
		return "", nil
	}
	return place.cursor(), nil
}

// place returns where the directory stands now, for the ways that are told by the
// server beside the walk. Where it cannot be told, the next best way is taken.
func (c *Client) place(conn *connection, srv server, kind directory.Incremental) (mark, error) {
	m := mark{Kind: kind, Scope: c.scope.hash}
	var err error
	switch kind {
	case directory.DirSync:
		if m.Cookie, m.Flags, err = c.dirSyncPlace(conn); err == nil {
			return m, nil
		}
		if c.ldap.Incremental == directory.DirSync || fault.KindOf(err) == fault.Transient {
			return m, err
		}
		m = mark{Kind: directory.USN, Scope: c.scope.hash}
		fallthrough
	case directory.USN:
		m.USN = srv.usn
		m.Invocation, err = conn.invocation(srv)
	case directory.ModifyStamp:
		m.At = c.stampPlace(srv)
	}
	return m, err
}

// people returns the search for those whom a filter selects.
func (c *Client) people(filter string) *goldap.SearchRequest {
	req := &goldap.SearchRequest{
		BaseDN: c.ldap.BaseDN, Scope: goldap.ScopeWholeSubtree, Filter: filter, Attributes: c.scope.attributes,
	}
	if c.ldap.Schema == directory.ActiveDirectory {
		req.Controls = append(req.Controls, goldap.NewControlString(domainScope, false, ""))
	}
	return req
}

// paged makes a search in pages and hands each to fn as persons.
func (c *Client) paged(conn *connection, req *goldap.SearchRequest, fn func(Page) error) error {
	var page Page
	return conn.pages(req, c.ldap.PageSize,
		func(e *goldap.Entry) { page.add(c.entryOf(e)) },
		func() error {
			p := page
			page = Page{}
			return fn(p)
		})
}
