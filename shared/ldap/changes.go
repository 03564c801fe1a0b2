package ldap

import (
	"context"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// Delta is what a directory says of its changes beside the entries.
type Delta struct {
	// Cursor is from where the next Changes goes on.
	Cursor Cursor
	// Removed are ids that were deleted or are no longer meant by the base and the
	// filter. It may hold ids that nobody ever saw, and some ways of reading
	// changes miss removals: Lookup confirms the one, a daily Walk finds the other.
	Removed []string
	// PresentOnly says that the server told who is there instead of who is gone:
	// whoever is neither in Present nor in a page is gone (RFC 4533, 3.3.1).
	PresentOnly bool
	Present     []string
}

// Changes hands every entry that was added or changed since cur to fn, page by
// page and whole. Entries that did not change may be among them. fn's error ends
// it and is returned as it is.
//
// A cursor that is not of this configuration, or that the server no longer takes,
// is fault.Conflict with ReasonCursor: walk in full.
//
// The memory is bounded by the ids in Delta, about 100 bytes each.
func (c *Client) Changes(ctx context.Context, cur Cursor, fn func(Page) error) (Delta, error) {
	m, err := parseCursor(cur, c.scope.hash)
	if err != nil {
		return Delta{}, err
	}
	if way := c.ldap.Incremental; way != directory.Auto && way != m.Kind {
		return Delta{}, stale("the configuration has changed")
	}
	var changes func(context.Context, *connection, mark, func(Page) error) (Delta, error)
	switch m.Kind {
	case directory.SyncCookie:
		changes = c.syncChanges
	case directory.DirSync:
		changes = c.dirSyncChanges
	case directory.USN:
		changes = c.usnChanges
	case directory.ModifyStamp:
		changes = c.stampChanges
	default:
		return Delta{}, stale("it is malformed")
	}
	conn, err := c.connect(ctx)
	if err != nil {
		return Delta{}, err
	}
	defer conn.close()
	return changes(ctx, conn, m, fn)
}

const (
	// overlap is how much is read again: servers of one directory stamp a change
	// with their own clocks and hand it on later.
	overlap = 5 * time.Minute
	// skew is added where the server does not tell its time.
	skew = time.Hour
)

// stampPlace returns the server's time before which nothing more is stamped.
func (c *Client) stampPlace(srv server) time.Time {
	if !srv.now.IsZero() {
		return srv.now.Add(-overlap).UTC().Truncate(time.Second)
	}
	return c.opt.Now().Add(-overlap - skew).UTC().Truncate(time.Second)
}

// stampChanges is Changes by the time of change. It sees no deletions.
func (c *Client) stampChanges(_ context.Context, conn *connection, m mark, fn func(Page) error) (Delta, error) {
	srv, err := conn.server()
	if err != nil {
		return Delta{}, err
	}
	next := m
	if at := c.stampPlace(srv); at.After(m.At) {
		next.At = at // a clock that was set back must not hide changes
	}
	since := "(" + stampAttribute + ">=" + formatTime(m.At) + ")"
	if c.ldap.Schema == directory.ActiveDirectory {
		since = "(" + stampAttributeAD + ">=" + formatTimeAD(m.At) + ")"
	}
	removed, err := c.changedSince(conn, since, fn)
	return Delta{Cursor: next.cursor(), Removed: removed}, err
}

// changedSince hands the changed people to fn and returns the ids of the changed
// who are below the base and not, or no longer, meant by the filter.
func (c *Client) changedSince(conn *connection, since string, fn func(Page) error) (left []string, err error) {
	if err := c.paged(conn, c.people(and(c.scope.filter, since)), fn); err != nil {
		return nil, err
	}
	filter := c.scope.left()
	if filter == "" {
		return nil, nil
	}
	return c.ids(conn, c.people(and(filter, since)))
}

// ids makes a search for ids alone.
func (c *Client) ids(conn *connection, req *goldap.SearchRequest) (ids []string, err error) {
	req.Attributes = []string{c.ldap.Attributes.ID}
	err = conn.pages(req, maxPage, func(e *goldap.Entry) {
		r := reader{entry: e}
		if id := r.id(c.ldap.Attributes.ID); id != "" {
			ids = append(ids, id)
		}
	}, func() error { return nil })
	return ids, err
}
