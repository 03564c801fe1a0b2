package ldap

import (
	"context"
	"iter"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// Finding is what Lookup found out of one id.
type Finding struct {
	State Presence
	// Entry is the entry, for Present only.
	Entry person.Entry
	// Problems are what is wrong with it, for Present only.
	Problems []Problem
}

// Presence is where an id is.
type Presence string

// The findings.
const (
	// Present: under the base, and meant by the filter.
	Present Presence = "present"
	// OutOfScope: in the directory, but not under the base, or not meant by the
	// filter.
	OutOfScope Presence = "out-of-scope"
	// Absent: nowhere that the service account may see.
	Absent Presence = "absent"
)

// lookupBatch is how many ids one search asks for. Each costs some 60 bytes of
// filter, which every server takes in this number.
const lookupBatch = 100

// Lookup finds each id, with a Finding for every one of ids: it tells the absence
// of a person from the silence of a list (invariant D5). It makes one search for
// 100 ids, and another where some of them are not found. A directory whose base is
// not there, or not shown, is ReasonBaseMissing, and nobody is Absent.
func (c *Client) Lookup(ctx context.Context, ids []string) (map[string]Finding, error) {
	found := make(map[string]Finding, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.close()
	if err := c.baseIsThere(conn); err != nil {
		return nil, err
	}
	var elsewhere string
	for batch := range batches(ids) {
		missing, err := c.lookupHere(conn, batch, found)
		if err != nil {
			return nil, err
		}
		if len(missing) == 0 {
			continue
		}
		if elsewhere == "" {
			if elsewhere, err = c.whole(conn); err != nil {
				return nil, err
			}
		}
		if err := c.lookupElsewhere(conn, elsewhere, missing, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// lookupHere finds those in scope and returns the others.
func (c *Client) lookupHere(conn *connection, ids []string, found map[string]Finding) (missing []string, err error) {
	req, possible := c.among(ids)
	if possible {
		err = conn.pages(req, lookupBatch, func(le *goldap.Entry) {
			if e, problems := c.entryOf(le); e.ID != "" {
				found[e.ID] = Finding{State: Present, Entry: e, Problems: problems}
			}
		}, func() error { return nil })
	}
	for _, id := range ids {
		if _, ok := found[id]; !ok {
			missing = append(missing, id)
		}
	}
	return missing, err
}

// lookupElsewhere decides between OutOfScope and Absent.
func (c *Client) lookupElsewhere(conn *connection, base string, ids []string, found map[string]Finding) error {
	filter, possible := c.anyOf(ids)
	var there []string
	if possible {
		req := c.people(filter)
		req.BaseDN = base
		var err error
		// A naming context that is not shown holds nobody for this account.
		if there, err = c.ids(conn, req); err != nil && fault.ReasonOf(err) != ReasonBaseMissing && fault.ReasonOf(err) != ReasonAccess {
			return err
		}
	}
	for _, id := range ids {
		found[id] = Finding{State: Absent}
	}
	for _, id := range there {
		if _, asked := found[id]; asked {
			found[id] = Finding{State: OutOfScope}
		}
	}
	return nil
}

// among returns the search for these people in scope, and whether there can be
// any.
func (c *Client) among(ids []string) (*goldap.SearchRequest, bool) {
	filter, possible := c.anyOf(ids)
	if !possible {
		filter = nobody
	}
	return c.people(and(c.scope.filter, filter)), possible
}

// anyOf returns a filter for these ids, and false where none can be an id.
func (c *Client) anyOf(ids []string) (string, bool) {
	var b strings.Builder
	for _, id := range ids {
		if f, ok := idFilter(c.ldap.Attributes.ID, id); ok {
			b.WriteString(f)
		}
	}
	return "(|" + b.String() + ")", b.Len() > 0
}

// baseIsThere makes sure that the service account sees the base at all.
func (c *Client) baseIsThere(conn *connection) error {
	entries, _, err := conn.search(&goldap.SearchRequest{
		BaseDN: c.ldap.BaseDN, Scope: goldap.ScopeBaseObject, Filter: "(objectClass=*)", Attributes: []string{"1.1"},
	})
	if err != nil {
		return err
	}
	if len(entries) != 1 {
		return baseMissing(nil)
	}
	return nil
}

// whole returns the DN of the naming context that holds the base, else the base.
func (c *Client) whole(conn *connection) (string, error) {
	srv, err := conn.server()
	if err != nil {
		return "", err
	}
	base, err := goldap.ParseDN(c.ldap.BaseDN)
	if err != nil {
		return c.ldap.BaseDN, nil
	}
	if root := srv.context(base); root != nil {
		return root.String(), nil
	}
	return c.ldap.BaseDN, nil
}

func batches(ids []string) iter.Seq[[]string] { return slices.Chunk(ids, lookupBatch) }
