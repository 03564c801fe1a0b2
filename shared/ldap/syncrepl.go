package ldap

import (
	"context"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// refresh asks for what changed since the cookie, for everything where there is
// none (RFC 4533, refreshOnly). begun says that fn was called.
func (c *Client) refresh(conn *connection, cookie []byte, fn func(Page) error) (d refreshed, begun bool, err error) {
	req := c.people(c.scope.filter)
	req.Controls = append(req.Controls, goldap.NewControlSyncRequest(goldap.SyncRequestModeRefreshOnly, cookie, false))
	d = refreshed{cookie: cookie}
	var page Page
	hand := func() error {
		p := page
		page = Page{}
		begun = true
		return fn(p)
	}
	_, err = conn.stream(req, func(e *goldap.Entry, controls []goldap.Control) error {
		if keep := d.take(controls); keep && e != nil {
			page.add(c.entryOf(e))
		}
		if page.size() < c.ldap.PageSize {
			return nil
		}
		// The server waits amid its answer, and how long is the caller's affair.
		conn.wire.end()
		defer conn.wire.begin()
		return hand()
	})
	if err == nil && !d.done {
		// The end of such an answer says that it is one (RFC 4533, 3.3).
		err = cut(conn.ctx)
	}
	if err == nil && page.size() > 0 {
		err = hand()
	}
	return d, begun, err
}

// refreshed is what the controls of an answer said.
type refreshed struct {
	cookie           []byte
	removed, present []string
	// presentOnly: whoever is neither present nor in a page is gone.
	presentOnly, done bool
}

// take reads the controls of one message and reports whether its entry is one to
// keep.
func (d *refreshed) take(controls []goldap.Control) (keep bool) {
	for _, control := range controls {
		switch v := control.(type) {
		case *goldap.ControlSyncState:
			id := v.EntryUUID.String()
			d.remember(v.Cookie)
			switch v.State {
			case goldap.SyncStatePresent:
				d.present = append(d.present, id)
			case goldap.SyncStateDelete:
				d.removed = append(d.removed, id)
			default:
				keep = true
			}
		case *goldap.ControlSyncInfo:
			d.info(v)
		case *goldap.ControlSyncDone:
			d.remember(v.Cookie)
			d.done = true
			d.presentOnly = d.presentOnly || !v.RefreshDeletes
		}
	}
	return keep
}

func (d *refreshed) info(v *goldap.ControlSyncInfo) {
	switch {
	case v.NewCookie != nil:
		d.remember(v.NewCookie.Cookie)
	case v.RefreshDelete != nil:
		d.remember(v.RefreshDelete.Cookie)
	case v.RefreshPresent != nil:
		// A present phase is over; a delete phase may follow it.
		d.remember(v.RefreshPresent.Cookie)
		d.presentOnly = true
	case v.SyncIdSet != nil:
		d.remember(v.SyncIdSet.Cookie)
		for _, id := range v.SyncIdSet.SyncUUIDs {
			if v.SyncIdSet.RefreshDeletes {
				d.removed = append(d.removed, id.String())
			} else {
				d.present = append(d.present, id.String())
			}
		}
	}
}

func (d *refreshed) remember(cookie []byte) {
	if len(cookie) > 0 {
		d.cookie = cookie
	}
}

func (c *Client) syncCursor(d refreshed) Cursor {
	if !d.done || len(d.cookie) == 0 {
		return ""
	}
	return mark{Kind: directory.SyncCookie, Scope: c.scope.hash, Cookie: d.cookie}.cursor()
}

// syncChanges is Changes for RFC 4533.
func (c *Client) syncChanges(_ context.Context, conn *connection, m mark, fn func(Page) error) (Delta, error) {
	d, _, err := c.refresh(conn, m.Cookie, fn)
	if answered(err, goldap.LDAPResultSyncRefreshRequired, goldap.LDAPResultUnavailableCriticalExtension,
		// OpenLDAP: a cookie it cannot read, and one that is newer than its database,
		// which was restored.
		goldap.LDAPResultProtocolError, goldap.LDAPResultUnwillingToPerform) {
		return Delta{}, stale("the server no longer takes it")
	}
	if err != nil {
		return Delta{}, err
	}
	return Delta{Cursor: c.syncCursor(d), Removed: d.removed, PresentOnly: d.presentOnly, Present: d.present}, nil
}
