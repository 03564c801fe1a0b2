package ldap

import (
	"context"

	goldap "github.com/go-ldap/ldap/v3"
)

// search makes one search, for a handful of entries.
func (c *connection) search(req *goldap.SearchRequest) (entries []*goldap.Entry, controls []goldap.Control, err error) {
	controls, err = c.stream(req, func(e *goldap.Entry, _ []goldap.Control) error {
		if e != nil {
			entries = append(entries, e)
		}
		return nil
	})
	return entries, controls, err
}

// stream makes one search and hands on each entry with its controls, and a nil
// entry with those of messages in between. It returns the controls of the end. One
// entry is in memory at a time: as go-ldap decodes it, it takes some 20 KiB.
func (c *connection) stream(req *goldap.SearchRequest, fn func(*goldap.Entry, []goldap.Control) error) (last []goldap.Control, err error) {
	// The search goes on in a goroutine of go-ldap's until its context ends.
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.wire.begin()
	defer c.wire.end()
	answer := c.SearchAsync(ctx, req, 16)
	for answer.Next() {
		if answer.Referral() != "" {
			return nil, referral()
		}
		// The controls of the end are the last without an entry.
		if last = nil; answer.Entry() == nil {
			last = answer.Controls()
		}
		if err := fn(answer.Entry(), answer.Controls()); err != nil {
			return nil, err
		}
	}
	if err := answer.Err(); err != nil {
		return nil, refusal(c.ctx, atSearch, err)
	}
	if len(last) == 0 && (c.IsClosing() || c.GetLastError() != nil || c.ctx.Err() != nil) {
		// go-ldap may end the answer of a connection that was lost without an error,
		// as it does one that ended without controls.
		return nil, cut(c.ctx)
	}
	return last, nil
}

// pages makes a search in pages (RFC 2696). It calls entry for each entry, and page
// after each page that had any, when the server waits. A server that knows no pages
// answers with a single one.
func (c *connection) pages(req *goldap.SearchRequest, size int, entry func(*goldap.Entry), page func() error) error {
	paging := goldap.NewControlPaging(uint32(size))
	req.Controls = append(req.Controls, paging)
	for {
		n := 0
		controls, err := c.stream(req, func(e *goldap.Entry, _ []goldap.Control) error {
			if e != nil {
				entry(e)
				n++
			}
			return nil
		})
		if err != nil {
			return err
		}
		if n > 0 {
			if err := page(); err != nil {
				return err
			}
		}
		reply, ok := goldap.FindControl(controls, goldap.ControlTypePaging).(*goldap.ControlPaging)
		if !ok || len(reply.Cookie) == 0 {
			return nil
		}
		paging.SetCookie(reply.Cookie)
	}
}
