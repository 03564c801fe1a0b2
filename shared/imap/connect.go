package imap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
	"strings"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
)

// Server is where an IMAP server is and how it is reached.
type Server struct {
	// Host is a name or an IP address; the certificate must be for it.
	Host string
	// Port is 1 to 65535.
	Port int
	// TLS is mail.ImplicitTLS or mail.StartTLS. There is no way without: the token
	// would go in the clear.
	TLS mail.TLS
	// RootCAs are the authorities that are trusted, nil for the system's.
	RootCAs *x509.CertPool
}

func (s Server) validate() error {
	switch {
	case s.Host == "" || len(s.Host) > 253 || strings.ContainsFunc(s.Host, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '/' || r == '@' }):
		return fault.Field("host", "give the name of the mail server, such as imap.gmail.com")
	case s.Port < 1 || s.Port > 65535:
		return fault.Field("port", "give a port from 1 to 65535, such as 993")
	case s.TLS != mail.ImplicitTLS && s.TLS != mail.StartTLS:
		return fault.Field("tls", "give tls or starttls: a token is never sent without TLS")
	}
	return nil
}

// session is a connection to an IMAP server that nobody has signed in to.
type session struct {
	*imapclient.Client
	wire *wire
}

// connect dials and makes the connection secure. When ctx ends, so does the session.
func (s Server) connect(ctx context.Context) (*session, error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		return nil, unreached(ctx, err)
	}
	w := &wire{Conn: raw}
	// go-imap sets deadlines of its own, which would push the context's away.
	context.AfterFunc(ctx, func() { _ = raw.Close() })
	config := &tls.Config{ServerName: s.Host, RootCAs: s.RootCAs, MinVersion: tls.VersionTLS12, NextProtos: []string{"imap"}}
	if s.TLS == mail.StartTLS {
		client, err := imapclient.NewStartTLS(w, &imapclient.Options{TLSConfig: config})
		if err != nil {
			return nil, w.notStarted(ctx, err)
		}
		return &session{client, w}, nil
	}
	secure := tls.Client(w, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, w.insecure(ctx, err)
	}
	return &session{imapclient.New(emptyLine{secure}, nil), w}, nil
}

func unreached(ctx context.Context, err error) *fault.Error {
	if ctx.Err() != nil {
		return late(ctx)
	}
	return fault.Wrap(err, fault.Transient, ReasonNetwork,
		"The mail server is not reached, or breaks the connection off. Check its name and port, and that the network lets connections out to it.")
}

func late(ctx context.Context) *fault.Error {
	return fault.Wrap(ctx.Err(), fault.Transient, ReasonDeadline,
		"The mail server did not answer in time. Check its name and port, and that no firewall swallows what is sent to it.")
}

// notStarted tells why there was no STARTTLS. go-imap wraps what the handshake says
// in nothing and flattens the rest to text.
func (w *wire) notStarted(ctx context.Context, err error) *fault.Error {
	var answer *goimap.Error
	switch {
	case ctx.Err() != nil, strings.Contains(err.Error(), "tls: "):
		return w.insecure(ctx, err)
	case errors.As(err, &answer):
		return fault.Wrap(errors.New("STARTTLS: "+outline(answer)), fault.Permanent, ReasonTLS, "The mail server does not offer STARTTLS. Use TLS on port 993, or turn STARTTLS on at the server.")
	case w.cut(err):
		return unreached(ctx, errors.New("lost before STARTTLS"))
	default:
		return noIMAP.because("no STARTTLS")
	}
}

// insecure tells why there is no TLS. What a certificate says stays out of it: it is
// the server's own text.
func (w *wire) insecure(ctx context.Context, err error) *fault.Error {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var untrusted *tls.CertificateVerificationError
	distrust := func(cause, public string) *fault.Error {
		return fault.Wrap(errors.New(cause), fault.Permanent, ReasonCertificate, "%s", public)
	}
	switch {
	case ctx.Err() != nil:
		return late(ctx)
	case errors.As(err, &name):
		return distrust("certificate: another name", "The mail server's certificate is for another name than the one that was given. Use the name in the certificate; if that is right already, somebody else answers there.")
	case errors.As(err, &authority):
		return distrust("certificate: unknown authority", "The mail server's certificate comes from an authority that is not trusted here. Give the authority's certificate; if the server is Google's, somebody reads along.")
	case errors.As(err, &untrusted):
		return distrust("certificate: not valid", "The mail server's certificate is not valid: it has ended, has not begun, or is not for servers. It must be renewed there.")
	case w.cut(err):
		return unreached(ctx, errors.New("lost before TLS was agreed on"))
	default:
		return fault.Wrap(errors.New("no TLS"), fault.Permanent, ReasonTLS, "What listens at this address does not speak TLS 1.2 or newer there, or speaks it for something else than mail. Check the port: 993 is usual for TLS, 143 for STARTTLS.")
	}
}
