package ldap

import (
	"context"
	"net"
	"net/url"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// connection is a connection for one operation of the Client. Whoever has it calls
// close.
type connection struct {
	*goldap.Conn
	ctx   context.Context
	wire  *wire
	abort func() bool
}

// connect dials, makes the connection secure, and binds as the service account.
func (c *Client) connect(ctx context.Context) (*connection, error) {
	if c.scope.err != nil {
		return nil, c.scope.err
	}
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.bindService(ctx, conn); err != nil {
		conn.close()
		return nil, err
	}
	return conn, nil
}

// target is where to dial.
type target struct {
	host, address string
	tls           bool
}

func targetOf(l directory.LDAP) (target, error) {
	u, err := url.Parse(l.URL)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return target{}, fault.New(fault.Permanent, ReasonURL, "The directory's URL must be ldap://HOST[:PORT] or ldaps://HOST[:PORT].")
	}
	t, port := target{host: u.Hostname()}, u.Port()
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme == "ldaps" && l.Security == directory.TLS:
		t.tls = true
		if port == "" {
			port = goldap.DefaultLdapsPort
		}
	case scheme == "ldap" && (l.Security == directory.StartTLS || l.Security == directory.Plain):
		if port == "" {
			port = goldap.DefaultLdapPort
		}
	default:
		return target{}, fault.New(fault.Permanent, ReasonURL, "The directory's URL and its security do not go together: ldaps:// goes with tls, ldap:// with starttls.")
	}
	if l.Security == directory.Plain && !loopback(t.host) {
		return target{}, fault.New(fault.Permanent, ReasonTLS, "A connection without TLS is made to a server on the same machine only. Use ldaps:// or starttls.")
	}
	t.address = net.JoinHostPort(t.host, port)
	return t, nil
}

// loopback reports whether a host is this machine by its very name: what a name
// server says may be another's doing.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// dial connects without binding.
func (c *Client) dial(ctx context.Context) (*connection, error) {
	t, err := targetOf(c.ldap)
	if err != nil {
		return nil, err
	}
	config, err := tlsConfig(c.ldap, t.host)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: c.opt.Timeout}
	raw, err := dialer.DialContext(ctx, "tcp", t.address)
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	w := &wire{Conn: raw, timeout: c.opt.Timeout}
	conn := &connection{ctx: ctx, wire: w, abort: context.AfterFunc(ctx, w.cut)}
	w.begin()
	defer w.end()
	if t.tls {
		secure, err := handshake(ctx, w, config)
		if err != nil {
			conn.abort()
			_ = raw.Close()
			return nil, err
		}
		conn.Conn = goldap.NewConn(secure, true)
	} else {
		conn.Conn = goldap.NewConn(w, false)
	}
	conn.Start()
	if c.ldap.Security == directory.StartTLS {
		if err := conn.StartTLS(config); err != nil {
			conn.close()
			return nil, startTLSRefusal(ctx, err)
		}
	}
	return conn, nil
}

// bindService binds as the service account, where there is one.
func (c *Client) bindService(ctx context.Context, conn *connection) error {
	if c.ldap.BindDN == "" {
		return nil
	}
	noPassword := fault.New(fault.Permanent, ReasonBindRefused, "The directory's service account has a name but no password. Store its password.")
	if c.opt.Password == nil {
		return noPassword
	}
	password, err := c.opt.Password(ctx)
	if err != nil {
		return err
	}
	if password.Reveal() == "" {
		// The server would take it for an anonymous bind (RFC 4513, 5.1.2).
		return noPassword
	}
	conn.wire.begin()
	defer conn.wire.end()
	if err := conn.Bind(c.ldap.BindDN, password.Reveal()); err != nil {
		return refusal(ctx, atBind, err)
	}
	return nil
}

func (c *connection) close() {
	c.abort()
	// Closing writes, and a server that reads no more must not hold it up.
	c.wire.cut()
	_ = c.Close()
}

// past is a deadline that ends all reading and writing.
var past = time.Unix(1, 0)
