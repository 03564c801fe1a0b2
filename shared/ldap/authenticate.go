package ldap

import (
	"context"
	"errors"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Bounds on what is taken for credentials, in bytes.
const (
	maxLogin    = 256
	maxPassword = 1024
)

// stranger is bound as where nobody was found: no directory has such an entry.
const stranger = "cn=rollcall-nobody-5e1c0f7a"

// Authenticate returns the person with this login if the password is theirs,
// which the directory decides by a bind as them on a connection of its own. The
// login is compared as the directory compares Attributes.Login, and the person
// must be in scope. An entry that is not Enabled is returned where the server lets
// it bind: the caller decides.
//
// An unknown person, a login that several have and a wrong password are the same
// fault.Unauthorized with ReasonBadCredentials, after the same exchanges with the
// server. An empty password is refused before any, for a server takes it for an
// anonymous bind that succeeds (RFC 4513, 5.1.2). Limiting attempts is the
// caller's part.
func (c *Client) Authenticate(ctx context.Context, login string, password secret.Value) (person.Entry, error) {
	if n := len(password.Reveal()); login == "" || len(login) > maxLogin || n == 0 || n > maxPassword {
		return person.Entry{}, badCredentials()
	}
	entry, err := c.findLogin(ctx, login)
	if err != nil {
		return person.Entry{}, err
	}
	dn := stranger + "," + c.ldap.BaseDN
	if entry != nil {
		dn = entry.DN
	}
	err = c.bindPerson(ctx, dn, password)
	if err == nil && entry == nil {
		// A server that lets everybody in proves nothing.
		err = badCredentials()
	}
	if err != nil {
		return person.Entry{}, err
	}
	return *entry, nil
}

// findLogin returns the one person with a login, nil where there is not exactly
// one.
func (c *Client) findLogin(ctx context.Context, login string) (*person.Entry, error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.close()
	req := c.people(and(c.scope.filter, "("+c.ldap.Attributes.Login+"="+goldap.EscapeFilter(login)+")"))
	req.SizeLimit = 2
	entries, _, err := conn.search(req)
	if err != nil && fault.ReasonOf(err) != ReasonSizeLimit {
		return nil, err
	}
	if err != nil || len(entries) != 1 {
		return nil, nil
	}
	e, _ := c.entryOf(entries[0])
	if e.ID == "" || e.DN == "" {
		return nil, nil
	}
	return &e, nil
}

// bindPerson binds on a connection of its own, so that no right of the service
// account is left on it, nor one of the person on the other.
func (c *Client) bindPerson(ctx context.Context, dn string, password secret.Value) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.close()
	conn.wire.begin()
	defer conn.wire.end()
	err = conn.Bind(dn, password.Reveal())
	var answer *goldap.Error
	if err == nil || !errors.As(err, &answer) {
		if err != nil {
			return cut(ctx)
		}
		return nil
	}
	switch answer.ResultCode {
	case goldap.LDAPResultInvalidCredentials, goldap.LDAPResultNoSuchObject, goldap.LDAPResultInappropriateAuthentication,
		goldap.LDAPResultInsufficientAccessRights, goldap.LDAPResultInvalidDNSyntax,
		// 389 Directory Server: too many attempts, and a locked person.
		goldap.LDAPResultConstraintViolation, goldap.LDAPResultUnwillingToPerform:
		return badCredentials()
	default:
		return refusal(ctx, atBind, err)
	}
}

func badCredentials() error {
	return fault.New(fault.Unauthorized, ReasonBadCredentials, "The user name or the password is not right.")
}
