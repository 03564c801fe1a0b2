package imap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Options adjusts Check; the zero value of each field means its default.
type Options struct {
	// TLS is the configuration to begin with, default the system's trust.
	TLS *tls.Config
	// Timeout bounds the whole check, default 30 s.
	Timeout time.Duration
}

// Check signs in to a mailbox as a mail client would, and out again; nil is
// success. It reads no mail. An error is a fault with one of this package's
// reasons and holds no word of the server's.
func Check(ctx context.Context, server mail.IMAP, mailbox string, token secret.Value, o Options) error {
	raw, err := response(mailbox, token)
	if err != nil {
		return err
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(server.Host, strconv.Itoa(server.Port)))
	if err != nil {
		return classify(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	// The library knows no context: its end closes the connection.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	c, err := protect(ctx, conn, server, o)
	if err != nil {
		return classify(ctx, err)
	}
	defer func() { _ = c.Close() }()
	if err := c.WaitGreeting(); err != nil {
		return classify(ctx, err)
	}
	if !c.Caps().Has(goimap.AuthCap(Mechanism)) {
		return fault.New(fault.Permanent, ReasonMechanism, "The mail server does not offer XOAUTH2 on this connection; check host, port and TLS.")
	}
	exchange := &exchange{response: raw}
	if err := c.Authenticate(exchange); err != nil {
		if exchange.refused {
			return ParseRefusal(exchange.challenge).Fault()
		}
		return classify(ctx, err)
	}
	// Some servers take the token and then have no mailbox to show.
	if err := c.Noop().Wait(); err != nil {
		return classify(ctx, err)
	}
	// The check has succeeded, whatever becomes of the farewell.
	_ = c.Logout().Wait()
	return nil
}

// protect begins TLS as the server wants it.
func protect(ctx context.Context, conn net.Conn, server mail.IMAP, o Options) (*imapclient.Client, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLS != nil {
		conf = o.TLS.Clone()
	}
	if conf.ServerName == "" {
		conf.ServerName = server.Host
	}
	switch server.TLS {
	case mail.NoTLS:
		return imapclient.New(conn, nil), nil
	case mail.StartTLS:
		c, err := imapclient.NewStartTLS(conn, &imapclient.Options{TLSConfig: conf})
		var answer *goimap.Error
		if errors.As(err, &answer) {
			return nil, fault.Wrap(errors.New("STARTTLS refused"), fault.Permanent, ReasonMechanism, "The mail server does not begin TLS on this port; check port and TLS.")
		}
		return c, err
	default:
		conf.NextProtos = []string{"imap"}
		over := tls.Client(conn, conf)
		if err := over.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		return imapclient.New(over, nil), nil
	}
}

// exchange is the client's side of XOAUTH2 (go-sasl's Client), which go-sasl does
// not have.
type exchange struct {
	response  []byte
	refused   bool
	challenge []byte
}

var errRefused = errors.New("refused")

// Start is the mechanism's first step.
func (e *exchange) Start() (mech string, ir []byte, err error) { return Mechanism, e.response, nil }

// Next is called with a challenge, which is always a refusal. The answer to it
// would be an empty line, which the library cannot send; ending the connection
// says as much.
func (e *exchange) Next(challenge []byte) ([]byte, error) {
	e.refused, e.challenge = true, challenge
	return nil, errRefused
}

// classify decides by kinds of error, codes of RFC 5530, and the beginnings of
// texts that Gmail is known by; it tells none of them.
func classify(ctx context.Context, err error) error {
	var answer *goimap.Error
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	switch {
	case fault.As(err) != nil:
		return err
	case ctx.Err() != nil:
		return fault.Wrap(ctx.Err(), fault.Transient, ReasonNetwork, "The mail server did not answer in time.")
	case errors.As(err, &cert), errors.As(err, &unknown):
		return fault.Wrap(errors.New("certificate not verified"), fault.Permanent, ReasonCertificate,
			"The mail server's certificate is not one of this host's, or nobody trusted has signed it.")
	case errors.As(err, &record):
		return fault.Wrap(errors.New("no TLS"), fault.Permanent, ReasonMechanism, "The mail server does not speak TLS on this port; check port and TLS.")
	case errors.As(err, &answer):
		return refusedWith(answer)
	default:
		return fault.Wrap(errors.New("connection failed"), fault.Transient, ReasonNetwork, "The mail server cannot be reached, or ended the connection.")
	}
}

func refusedWith(a *goimap.Error) error {
	text := strings.ToLower(a.Text)
	cause := errors.New("answered " + string(kindOf(a)))
	switch {
	case strings.Contains(text, "not enabled for imap"), strings.Contains(text, "imap access is disabled"):
		return fault.Wrap(cause, fault.Denied, ReasonOff, "IMAP is turned off for this mailbox: turn it on in the Admin console under Apps, "+
			"Google Workspace, Gmail, End User Access, or use the scope gmail.imap_admin.")
	case strings.Contains(text, "too many simultaneous connections"), a.Code == goimap.ResponseCodeLimit:
		return fault.Wrap(cause, fault.Exhausted, ReasonBusy, "The mailbox has too many connections just now.")
	case a.Code == goimap.ResponseCodeUnavailable, a.Code == goimap.ResponseCodeServerBug, a.Code == goimap.ResponseCodeInUse:
		return fault.Wrap(cause, fault.Transient, ReasonServer, "The mail server has a fault at the moment.")
	case a.Type == goimap.StatusResponseTypeNo:
		return Refusal{}.Fault()
	default:
		return fault.Wrap(cause, fault.Transient, ReasonServer, "The mail server answered something unexpected.")
	}
}

// kindOf is the answer's kind where it is one of the protocol's.
func kindOf(a *goimap.Error) goimap.StatusResponseType {
	switch a.Type {
	case goimap.StatusResponseTypeNo, goimap.StatusResponseTypeBad, goimap.StatusResponseTypeBye:
		return a.Type
	default:
		return "otherwise"
	}
}
