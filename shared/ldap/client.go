package ldap

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Options says how a Client reaches a directory.
type Options struct {
	// Config describes the directory; its zero fields mean what Defaults says.
	Config directory.LDAP
	// Password returns the password of Config.BindDN, at each connection. It is
	// required where there is a BindDN, and unused where there is none.
	Password func(context.Context) (secret.Value, error)
	// HashDigest turns a stored password hash into Entry.Hash, and is called
	// concurrently. Where it is nil the attribute with the hashes is never asked
	// for (invariant D1).
	HashDigest func(hash []byte) string
	// Now is the clock for servers that do not tell the time, default time.Now.
	Now func() time.Time
	// Timeout bounds how long the server may be silent within an operation, and
	// how long it may take to connect; default 30 s.
	Timeout time.Duration
}

// Client reads one directory. It may be used concurrently: each call has a
// connection of its own.
type Client struct {
	opt Options
	// ldap is Options.Config with its defaults.
	ldap  directory.LDAP
	scope scope
}

// New returns a Client. It dials nothing; what is wrong with the configuration is
// said by the first call.
func New(opt Options) *Client {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Timeout <= 0 {
		opt.Timeout = 30 * time.Second
	}
	c := &Client{opt: opt, ldap: Defaults(opt.Config)}
	c.scope = newScope(c.ldap, opt.HashDigest != nil)
	return c
}

// Page is a part of an answer, at most LDAP.PageSize entries of it.
type Page struct {
	Entries []person.Entry
	// Problems are what was wrong with entries, kept or not (invariant D8).
	Problems []Problem
	// Unidentified counts the entries without an id. They are not in Entries, so
	// where there are any, whoever is not in Entries may be there all the same.
	Unidentified int
}

// Problem is something wrong with one entry.
type Problem struct {
	// ID is the entry's id; empty for ProblemNoID.
	ID string
	DN string
	// Reason is one of the Problem constants.
	Reason string
}

// add takes a search's entry into the page.
func (p *Page) add(e person.Entry, problems []Problem) {
	p.Problems = append(p.Problems, problems...)
	if e.ID == "" {
		p.Unidentified++
		return
	}
	p.Entries = append(p.Entries, e)
}

func (p *Page) size() int { return len(p.Entries) + p.Unidentified }
