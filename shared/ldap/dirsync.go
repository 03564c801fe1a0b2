package ldap

import (
	"context"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// dirSyncBytes is how much one answer of DirSync may hold, in bytes.
const dirSyncBytes = 1 << 20

// nobody matches no entry, and everybody every user, living or deleted.
const (
	nobody    = "(!(objectClass=*))"
	everybody = "(&(objectClass=user)(!(objectClass=computer)))"
)

// dirSyncPlace returns DirSync's cookie for now, and the flags that it was had
// with. A cookie stands for a point in time whatever the filter, so a search that
// finds nobody gets one without the directory's content.
func (c *Client) dirSyncPlace(conn *connection) (cookie []byte, flags int64, err error) {
	for _, flags := range []int64{0, goldap.DirSyncObjectSecurity} {
		cookie, err = c.dirSync(conn, nobody, flags, nil, func(*goldap.Entry) {})
		if fault.ReasonOf(err) != ReasonAccess && fault.ReasonOf(err) != ReasonRefused {
			return cookie, flags, err
		}
		// Without the right to replicate an account may still ask for what it can
		// see ([MS-ADTS] 3.1.1.3.4.1.3).
	}
	return nil, 0, err
}

// dirSync asks until the server has no more.
func (c *Client) dirSync(conn *connection, filter string, flags int64, cookie []byte, fn func(*goldap.Entry)) ([]byte, error) {
	control := goldap.NewRequestControlDirSync(flags, dirSyncBytes, cookie)
	req := &goldap.SearchRequest{
		BaseDN: c.ldap.BaseDN, Scope: goldap.ScopeWholeSubtree, Filter: filter,
		// An entry comes only where one of these changed. A rename or a move is a
		// change of name, and of nothing else.
		Attributes: append([]string{"isDeleted", "name"}, c.scope.attributes...),
		Controls:   []goldap.Control{control},
	}
	for {
		controls, err := conn.stream(req, func(e *goldap.Entry, _ []goldap.Control) error {
			if e != nil {
				fn(e)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		reply, ok := goldap.FindControl(controls, goldap.ControlTypeDirSync).(*goldap.ControlDirSync)
		if !ok || len(reply.Cookie) == 0 {
			return nil, fault.New(fault.Permanent, ReasonIncremental, "The directory's server answers DirSync without a cookie. Choose another way of incremental reading.")
		}
		control.SetCookie(reply.Cookie)
		if reply.Flags == 0 {
			return reply.Cookie, nil
		}
	}
}

// dirSyncChanges is Changes by DirSync. It tells of changed attributes only, so
// whoever changed is read again.
func (c *Client) dirSyncChanges(_ context.Context, conn *connection, m mark, fn func(Page) error) (Delta, error) {
	var changed []string
	var d Delta
	cookie, err := c.dirSync(conn, everybody, m.Flags, m.Cookie, func(e *goldap.Entry) {
		r := reader{entry: e}
		switch id := r.id(c.ldap.Attributes.ID); {
		case id == "":
		case strings.EqualFold(e.GetEqualFoldAttributeValue("isDeleted"), "TRUE"):
			d.Removed = append(d.Removed, id)
		default:
			changed = append(changed, id)
		}
	})
	if fault.KindOf(err) == fault.Permanent && fault.ReasonOf(err) != ReasonReferral {
		return Delta{}, stale("the server no longer takes it")
	}
	if err != nil {
		return Delta{}, err
	}
	for batch := range batches(changed) {
		found := map[string]bool{}
		req, _ := c.among(batch)
		if err := c.paged(conn, req, func(p Page) error {
			for _, e := range p.Entries {
				found[e.ID] = true
			}
			return fn(p)
		}); err != nil {
			return Delta{}, err
		}
		for _, id := range batch {
			if !found[id] {
				d.Removed = append(d.Removed, id)
			}
		}
	}
	m.Cookie = cookie
	d.Cursor = m.cursor()
	return d, nil
}
