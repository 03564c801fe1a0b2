package ldap

import (
	"context"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// refresh asks for what changed since the cookie, for everything where there is
// none (RFC 4533, refreshOnly). begun says that fn was called.
func (c *Client) refresh(ctx context.Context, conn *connection, cookie []byte, fn func(Page) error) (d refreshed, begun bool, err error) {
	// The search goes on in a goroutine of go-ldap's until its context ends.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn.wire.begin()
	defer conn.wire.end()
	answer := conn.Syncrepl(ctx, c.people(c.scope.filter), 0, goldap.SyncRequestModeRefreshOnly, cookie, false)
	d = refreshed{cookie: cookie}
	var page Page
	hand := func() error {
		p := page
		page = Page{}
		begun = true
		return fn(p)
	}
	for answer.Next() {
		if answer.Referral() != "" {
			return d, begun, referral()
		}
		if !d.take(answer.Controls()) {
			continue
		}
		if e := answer.Entry(); e != nil {
			page.add(c.entryOf(e))
		}
		if page.size() >= c.ldap.PageSize {
			if err := hand(); err != nil {
				return d, begun, err
			}
		}
	}
	if err := answer.Err(); err != nil {
		return d, begun, refusal(ctx, atSearch, err)
	}
	if !d.done {
		// go-ldap reports a lost connection as the end of the answer.
		return d, begun, cut(ctx)
	}
	if page.size() > 0 {
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
func (c *Client) syncChanges(ctx context.Context, conn *connection, m mark, fn func(Page) error) (Delta, error) {
	d, _, err := c.refresh(ctx, conn, m.Cookie, fn)
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
